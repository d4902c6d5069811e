//! Windows of the clock for caps: the hour or the minute that it shows at an instant.

use super::{Instant, Zone};

/// A kind of clock window. Windows of one kind follow each other without gap or overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockWindow {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl ClockWindow {
    /// Its length where the clock does not change, in milliseconds.
    pub fn length_ms(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    /// The window `[start, end)` that contains the instant.
    ///
    /// It ends when the clock shows the next one, or where the clock changes: an hour that is shown
    /// twice is two windows, and where half an hour is skipped the rest of it is one.
    pub fn bounds(self, instant: Instant, zone: &Zone) -> (Instant, Instant) {
        let (from, until, offset_ms) = zone.even_around(instant);
        let length = self.length_ms();
        let local = instant.0.saturating_add(offset_ms);
        let start = Instant(local.div_euclid(length) * length).plus_ms(-offset_ms);
        (start.max(from), start.plus_ms(length).min(until))
    }
}
