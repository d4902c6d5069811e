//! The windows of caps: which counted instants a send at a given instant is held against.

use domain::time::{CalendarWindow, Instant, Zone};
use domain::verdict::CapWindow;

/// Longest possible calendar windows in milliseconds: a change of the clock makes a day longer.
/// Two hours of slack cover every change on record.
const DAY_MAX_MS: i64 = 26 * 3_600_000;

/// The window of a cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// Slides with time: a row at `t0` counts in `[t0, t0 + ms)` (semantics 19).
    Rolling {
        /// Its length, elapsed.
        ms: i64,
    },
    /// A rolling window widened to the whole calendar periods that it touches.
    Widened {
        /// Its length before it is widened, elapsed.
        ms: i64,
        /// The periods.
        period: CalendarWindow,
        /// Whose midnight.
        zone: CapZone,
    },
    /// The calendar period that contains the instant.
    Calendar {
        /// The period.
        period: CalendarWindow,
        /// Whose midnight.
        zone: CapZone,
    },
}

/// Whose midnight a calendar period starts at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapZone {
    /// That of the customer; the policy's fallback zone where it is unknown.
    Customer,
    /// A fixed one.
    Fixed(Zone),
}

impl CapZone {
    fn of<'a>(&'a self, customer: &'a Zone) -> &'a Zone {
        match self {
            Self::Customer => customer,
            Self::Fixed(zone) => zone,
        }
    }
}

impl Window {
    /// The counted instants `[from, to)` that a send at `at` is held against.
    ///
    /// A rolling window has no end: a row later than `at` (the clock went back) counts too, else
    /// some window of that length could hold more than the limit.
    pub(crate) fn span(&self, at: Instant, customer: &Zone) -> (Instant, Instant) {
        match self {
            Self::Rolling { ms } => (at.plus_ms(1 - ms), Instant::MAX),
            Self::Widened { ms, period, zone } => {
                (period.bounds(at.plus_ms(1 - ms), zone.of(customer)).0, Instant::MAX)
            }
            Self::Calendar { period, zone } => period.bounds(at, zone.of(customer)),
        }
    }

    /// The first instant at which a row, counted in the span that ends at `span_end`, no longer
    /// stands in the way.
    pub(crate) fn free_at(&self, row: Instant, span_end: Instant, customer: &Zone) -> Instant {
        match self {
            Self::Rolling { ms } => row.plus_ms(*ms),
            Self::Widened { ms, period, zone } => {
                period.bounds(row, zone.of(customer)).1.plus_ms(ms - 1)
            }
            Self::Calendar { .. } => span_end,
        }
    }

    /// What a reader needs to know of it.
    pub(crate) fn shown(&self) -> CapWindow {
        match self {
            Self::Rolling { ms } | Self::Widened { ms, .. } => CapWindow::Rolling(*ms),
            Self::Calendar { period, .. } => match period {
                CalendarWindow::Day => CapWindow::Day,
                CalendarWindow::Week { .. } => CapWindow::Week,
                CalendarWindow::Month => CapWindow::Month,
                CalendarWindow::Quarter => CapWindow::Quarter,
            },
        }
    }

    /// Longest stretch of time that it can look back, in milliseconds.
    pub(crate) fn reach_ms(&self) -> i64 {
        match self {
            Self::Rolling { ms } => *ms,
            Self::Widened { ms, period, .. } => ms + longest_ms(*period),
            Self::Calendar { period, .. } => longest_ms(*period),
        }
    }

    /// Whether whatever stands together in a window of `other` stands together in one of this.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Rolling { ms } => match other {
                Self::Rolling { ms: theirs } => ms >= theirs,
                Self::Calendar { period, .. } => *ms >= longest_ms(*period),
                Self::Widened { .. } => false,
            },
            Self::Widened { ms, .. } => match other {
                Self::Rolling { ms: theirs } => ms >= theirs,
                Self::Calendar { period, .. } => *ms >= longest_ms(*period),
                Self::Widened { .. } => self == other,
            },
            Self::Calendar { .. } => self == other,
        }
    }
}

fn longest_ms(period: CalendarWindow) -> i64 {
    let days = match period {
        CalendarWindow::Day => 1,
        CalendarWindow::Week { .. } => 7,
        CalendarWindow::Month => 31,
        CalendarWindow::Quarter => 92,
    };
    DAY_MAX_MS + (days - 1) * domain::time::DAY_MS
}
