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

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::expression::Expression;
use crate::journey::definition::{EventMatch, Journey, Node};
use crate::journey::enrollment::{Enrollment, ExitReason, State};
use crate::journey::machine::{Next, World};
use crate::journey::raw::RawEventMatch;
use crate::journey::scope::EnrollmentScope;
use crate::journey::validate::{Context, event_match};
use crate::problem::{Path, Problem};
use crate::time::{Due, Instant, Span, TimeOfDay, Weekdays};
use crate::value::Text;

/// Wait for a time, or for an event with a time-out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    {"required": ["for"]}, {"required": ["at"]}, {"required": ["date"]}, {"required": ["until"]},
]))]
pub struct RawWait {
    /// Id of the step. Default: `wait-` and its number.
    pub id: Option<String>,
    /// How long: `PT1H` is elapsed time, `P3D` calendar days in the customer's zone.
    #[serde(rename = "for")]
    pub span: Option<String>,
    /// Local time of day (`10:00`): alone the next one; with `for` and `date` on that day.
    pub at: Option<String>,
    /// Weekdays on which `at` counts (`mon-fri`, `sat,sun`).
    pub on: Option<String>,
    /// CEL: a date of the profile (`customer.traits.renewal`).
    pub date: Option<String>,
    /// With `date`: so long after it; a leading `-` is before (`-P7D`).
    pub offset: Option<String>,
    /// With `date`: the next return of its month and day, whatever the year.
    pub yearly: Option<bool>,
    /// With `date`: what happens if it has passed, or if there is none. Default: `fire`.
    pub on_past: Option<OnPast>,
    /// An event that ends the wait earlier. An engagement event (`Email Clicked`) counts for the
    /// nearest send before this step, unless `when` says otherwise.
    pub until: Option<RawEventMatch>,
}

/// Validates a wait that stands at `path`.
pub(crate) fn build(
    raw: &RawWait,
    context: &Context<'_>,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Wait> {
    let time = time(raw, context, path, check);
    let until = raw.until.as_ref().map(|raw| {
        let path = path.key("until");
        event_match(&raw.event, raw.when.as_deref(), &path, context.words, check)
    });
    let until = match until {
        Some(until) => Some(until?),
        None => None,
    };
    Some(Wait { time: time?, until })
}

/// The time at which a wait ends: `Some(None)` if only an event ends it.
fn time(
    raw: &RawWait,
    context: &Context<'_>,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Option<WaitTime>> {
    let at = raw.at.as_ref().map(|at| check.time_of_day(at, &path.key("at")));
    let on = raw.on.as_ref().map(|on| check.weekdays(on, &path.key("on")));
    let span = raw.span.as_ref().map(|span| check.span(span, &path.key("for")));
    let date = date(raw, context, path, check);
    if !combines(raw, path, check) {
        return None;
    }
    let at = match at {
        Some(at) => Some(at?),
        None => None,
    };
    if let Some(span) = span {
        let span = span?;
        if at.is_some() && !span.is_calendar() {
            let problem = Problem::new(path.key("at"), "`at` needs a `for` of whole days");
            check.problem(problem.on_key().suggest("write `for: P1D`, for example"));
            return None;
        }
        return Some(Some(WaitTime::For { span, at }));
    }
    if let Some((date, offset)) = date {
        let yearly = raw.yearly.unwrap_or(false);
        let on_past = raw.on_past.unwrap_or_default();
        return Some(Some(WaitTime::Date { date: date?, offset: offset?, at, yearly, on_past }));
    }
    let on = match on {
        Some(on) => on?,
        None => Weekdays::ALL,
    };
    Some(at.map(|at| WaitTime::At { on, at }))
}

/// The parts of `date`, each `None` if it is wrong.
type DateParts = (Option<Expression>, Option<Option<Offset>>);

fn date(
    raw: &RawWait,
    context: &Context<'_>,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<DateParts> {
    let offset = match &raw.offset {
        None => Some(None),
        Some(text) => check
            .signed_span(text, &path.key("offset"))
            .map(|(before, span)| Some(Offset { before, span })),
    };
    let words = context.words;
    let date = check.expression(raw.date.as_ref()?, &path.key("date"), words);
    Some((date, offset))
}

/// Whether the keys may stand beside each other.
fn combines(raw: &RawWait, path: &Path, check: &mut Check<'_>) -> bool {
    let given =
        [(raw.span.is_some(), "for"), (raw.on.is_some(), "on"), (raw.date.is_some(), "date")];
    let main: Vec<_> = given.iter().filter(|(given, _)| *given).map(|(_, key)| *key).collect();
    if let [first, second, ..] = main.as_slice() {
        let message = format!("`{second}` cannot stand beside `{first}`");
        check.problem(Problem::new(path.key(*second), message).on_key());
        return false;
    }
    if raw.on.is_some() && raw.at.is_none() {
        let problem = Problem::new(path.key("on"), "`on` needs `at`, the time on that day");
        check.problem(problem.on_key().suggest("add `at: \"09:00\"`"));
        return false;
    }
    let of_date = [
        (raw.offset.is_some(), "offset"),
        (raw.yearly.is_some(), "yearly"),
        (raw.on_past.is_some(), "on_past"),
    ];
    let mut sound = true;
    for (given, key) in of_date {
        if given && raw.date.is_none() {
            let message = format!("`{key}` has no meaning without `date`");
            check.problem(Problem::new(path.key(key), message).on_key());
            sound = false;
        }
    }
    if main.is_empty() && raw.at.is_none() && raw.until.is_none() {
        let problem = Problem::new(path.clone(), "nothing says how long to wait").on_key();
        check.problem(problem.suggest("add one of `for`, `at`, `date`, `until`"));
        sound = false;
    }
    sound
}

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
    Next::Go { outcome: Some(Text::from("past")), to: node.next }
}
