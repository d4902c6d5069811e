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
use std::sync::Arc;

use crate::journey::definition::{EventMatch, Journey, Node};
use crate::journey::enrollment::{Enrollment, ExitReason, State};
use crate::journey::machine::{Next, World};
use crate::journey::scope::EnrollmentScope;
use crate::time::{Due, Instant, Span, TimeOfDay, Weekdays};

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

/// Starts the wait, or passes it at once where its instant has come already.
pub(crate) fn enter(
    step: &Wait,
    node: &Node,
    journey: &Journey,
    enrollment: &mut Enrollment,
    world: &World<'_>,
    now: Instant,
) -> Next {
    let due = match &step.time {
        None => None,
        Some(WaitTime::For { span, at: None }) => Some(Due::after(now, span, world.zone)),
        Some(WaitTime::For { span, at: Some(at) }) => {
            Some(Due::after_at(now, span, *at, world.zone))
        }
        Some(WaitTime::At { on, at }) => Some(Due::next_at(now, *on, *at, world.zone)),
        Some(date @ WaitTime::Date { on_past, .. }) => {
            match date_due(date, journey, enrollment, world, now) {
                Some(due) if due.resolve(world.zone) > now => Some(due),
                // The instant has passed, or there is no such date.
                _ => return past(*on_past, node, enrollment),
            }
        }
    };
    let due_at = due.as_ref().map_or(Instant::MAX, |due| due.resolve(world.zone));
    Next::Stand(State::Waiting { due, due_at, caught_up: false })
}

fn date_due(
    time: &WaitTime,
    journey: &Journey,
    enrollment: &Enrollment,
    world: &World<'_>,
    now: Instant,
) -> Option<Due> {
    let WaitTime::Date { date, offset, at, yearly, .. } = time else {
        return None;
    };
    let scope = EnrollmentScope::new(world.customer, journey, enrollment, now);
    let value = date.evaluate(&scope).ok()?;
    let offset = offset.as_ref().map(|offset| (offset.before, &offset.span));
    Due::on_date(now, value.as_text()?, offset, *at, *yearly, world.zone)
}

fn past(on_past: OnPast, node: &Node, enrollment: &mut Enrollment) -> Next {
    match on_past {
        OnPast::Exit => return Next::Exit(ExitReason::PastDate),
        OnPast::Skip => enrollment.skip_next_send = true,
        OnPast::Fire => {}
    }
    Next::Go { outcome: Some(Arc::from("past")), to: node.next }
}
