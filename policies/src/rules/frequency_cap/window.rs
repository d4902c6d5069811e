//! The windows of caps: which counted instants a send at a given instant is held against.

use domain::time::{CalendarWindow, ClockWindow, Instant, Zone};
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
        period: Period,
        /// Whose midnight.
        zone: CapZone,
    },
    /// The calendar period that contains the instant.
    Calendar {
        /// The period.
        period: Period,
        /// Whose midnight.
        zone: CapZone,
    },
}

/// A period of the calendar or of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A minute or an hour.
    Clock(ClockWindow),
    /// A day or more.
    Calendar(CalendarWindow),
}

impl Period {
    fn bounds(self, at: Instant, zone: &Zone) -> (Instant, Instant) {
        match self {
            Self::Clock(window) => window.bounds(at, zone),
            Self::Calendar(window) => window.bounds(at, zone),
        }
    }

    /// Its longest possible length, in milliseconds.
    fn longest_ms(self) -> i64 {
        let days = match self {
            Self::Clock(window) => return window.length_ms(),
            Self::Calendar(CalendarWindow::Day) => 1,
            Self::Calendar(CalendarWindow::Week { .. }) => 7,
            Self::Calendar(CalendarWindow::Month) => 31,
            Self::Calendar(CalendarWindow::Quarter) => 92,
        };
        DAY_MAX_MS + (days - 1) * domain::time::DAY_MS
    }

    fn shown(self) -> CapWindow {
        match self {
            Self::Clock(ClockWindow::Minute) => CapWindow::Minute,
            Self::Clock(ClockWindow::Hour) => CapWindow::Hour,
            Self::Calendar(CalendarWindow::Day) => CapWindow::Day,
            Self::Calendar(CalendarWindow::Week { .. }) => CapWindow::Week,
            Self::Calendar(CalendarWindow::Month) => CapWindow::Month,
            Self::Calendar(CalendarWindow::Quarter) => CapWindow::Quarter,
        }
    }
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
            Self::Calendar { period, .. } => period.shown(),
        }
    }

    /// Longest stretch of time that it can look back, in milliseconds.
    pub(crate) fn reach_ms(&self) -> i64 {
        match self {
            Self::Rolling { ms } => *ms,
            Self::Widened { ms, period, .. } => ms + period.longest_ms(),
            Self::Calendar { period, .. } => period.longest_ms(),
        }
    }

    /// The length of a window that slides with time, in milliseconds.
    pub(crate) fn rolling_ms(&self) -> Option<i64> {
        match self {
            Self::Rolling { ms } => Some(*ms),
            Self::Widened { .. } | Self::Calendar { .. } => None,
        }
    }

    /// Whether whatever stands together in a window of `other` stands together in one of this.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Rolling { ms } => match other {
                Self::Rolling { ms: theirs } => ms >= theirs,
                Self::Calendar { period, .. } => *ms >= period.longest_ms(),
                Self::Widened { .. } => false,
            },
            Self::Widened { ms, .. } => match other {
                Self::Rolling { ms: theirs } => ms >= theirs,
                Self::Calendar { period, .. } => *ms >= period.longest_ms(),
                Self::Widened { .. } => self == other,
            },
            Self::Calendar { .. } => self == other,
        }
    }
}
