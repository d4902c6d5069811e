//! `wait`: until a time, or until an event with a time-out.
//!
//! ```yaml
//! - wait: {for: PT1H}                                    # elapsed
//! - wait: {for: P3D, at: "10:00"}                        # the third day from now, at 10:00 local
//! - wait: {at: "09:00"}                                  # the next 09:00 local, strictly later
//! - wait: {on: mon-fri, at: "09:00"}                     # the next such weekday
//! - wait: {date: customer.traits.renewal, offset: -P7D, at: "09:00", on_past: skip}
//! - wait: {date: customer.traits.birthday, yearly: true, at: "09:00"}
//! - wait: {id: clicked, for: P2D, until: {event: Email Clicked}}   # event with time-out
//! ```

use crate::expression::Expression;
use crate::journey::definition::EventMatch;
use crate::time::{Span, TimeOfDay, Weekdays};

/// A wait.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The time at which it ends; with `until` this is the time-out. `None` waits for the event
    /// without limit.
    pub time: Option<WaitTime>,
    /// The event that ends it earlier.
    pub until: Option<EventMatch>,
}

/// When a wait ends.
#[derive(Clone, Debug)]
pub enum WaitTime {
    /// After a span; with `at`, on the day that the span leads to, at that local time.
    For {
        /// How long.
        span: Span,
        /// Local time on the day reached.
        at: Option<TimeOfDay>,
    },
    /// At the next local time of day, on one of the weekdays, strictly later than now.
    At {
        /// Weekdays that count.
        on: Weekdays,
        /// Local time.
        at: TimeOfDay,
    },
    /// On a date from the profile.
    Date {
        /// Reads the date (`YYYY-MM-DD`, `MM-DD` with `yearly`, RFC 3339).
        date: Expression,
        /// Calendar offset from the date; negative is before.
        offset: Option<Offset>,
        /// Local time on that day.
        at: Option<TimeOfDay>,
        /// The next occurrence of month and day, whatever the year.
        yearly: bool,
        /// What to do if the instant has passed, or there is no date.
        on_past: OnPast,
    },
}

/// A signed span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Before instead of after.
    pub before: bool,
    /// How far.
    pub span: Span,
}

/// What a date in the past does (semantics 14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPast {
    /// Go on at once.
    #[default]
    Fire,
    /// Go on, and refuse the next send.
    Skip,
    /// Leave the journey.
    Exit,
}
