//! How customers enter: one of four ways, each with its own keys.

use jiff::civil::DateTime;

use crate::check::Check;
use crate::expression::Vocabulary;
use crate::ids::SegmentName;
use crate::journey::definition::{Entry, EventMatch, Reentry, Schedule};
use crate::journey::raw::{RawEntry, RawReentry, RawSchedule};
use crate::problem::{Path, Problem};

/// The way in, and when one may come again.
pub(super) fn entry(
    raw: &RawEntry,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<(Entry, Reentry)> {
    let ways = [
        (raw.event.is_some(), "event"),
        (raw.segment.is_some() && raw.schedule.is_none(), "segment"),
        (raw.schedule.is_some(), "schedule"),
        (raw.api.is_some(), "api"),
    ];
    let chosen: Vec<_> = ways.iter().filter(|(given, _)| *given).map(|(_, way)| *way).collect();
    let way = match chosen.as_slice() {
        [way] => *way,
        [] => {
            let problem = Problem::new(path.clone(), "nothing says how customers enter");
            let advice = "add one of `event`, `segment`, `schedule`, `api`";
            check.problem(problem.on_key().suggest(advice));
            return None;
        }
        [first, second, ..] => {
            let message = format!("`{second}` cannot stand beside `{first}`");
            let problem = Problem::new(path.key(*second), message);
            check.problem(problem.on_key().suggest("write one journey for each way in"));
            return None;
        }
    };
    strangers(raw, way, path, check);
    let reentry = reentry(raw.reentry.as_ref(), way, &path.key("reentry"), check);
    let entry = match way {
        "event" => by_event(raw, path, check),
        "segment" => by_segment(raw, path, check),
        "schedule" => by_schedule(raw, path, check),
        _ => Some(Entry::Api),
    };
    Some((entry?, reentry?))
}

/// Keys that do not belong to the way in that was chosen.
fn strangers(raw: &RawEntry, way: &str, path: &Path, check: &mut Check<'_>) {
    let keys = [
        (raw.key.is_some(), "key", &["event"][..]),
        (raw.when.is_some(), "when", &["event"]),
        (raw.backfill.is_some(), "backfill", &["segment"]),
        (raw.reentry.is_some(), "reentry", &["event", "segment", "api"]),
    ];
    for (given, key, ways) in keys {
        if given && !ways.contains(&way) {
            let message = format!("`{key}` has no meaning for entry by {way}");
            let problem = Problem::new(path.key(key), message).on_key();
            let advice = match key {
                "reentry" => "remove it: a schedule enrolls at every tick",
                "when" => "declare a segment with this condition",
                _ => "remove it",
            };
            check.problem(problem.suggest(advice));
        }
    }
}

fn by_event(raw: &RawEntry, path: &Path, check: &mut Check<'_>) -> Option<Entry> {
    let event = check.event_name(raw.event.as_deref()?, &path.key("event"));
    let words = Vocabulary::customer().with_event();
    let when = raw.when.as_ref().map(|when| check.condition(when, &path.key("when"), &words));
    let key = raw.key.as_ref().map(|key| check.expression(key, &path.key("key"), &words));
    let matching = EventMatch { event: event?, when: optional(when)? };
    Some(Entry::Event { matching, key: optional(key)? })
}

/// `Some(None)` is a thing that is not there; `None` is one that is wrong.
fn optional<T>(parsed: Option<Option<T>>) -> Option<Option<T>> {
    match parsed {
        None => Some(None),
        Some(parsed) => parsed.map(Some),
    }
}

fn segment(text: &str, path: &Path, check: &mut Check<'_>) -> SegmentName {
    let known = check.known;
    check.reference("segment", text, &known.segments, &path.key("segment"));
    SegmentName::from(text)
}

fn by_segment(raw: &RawEntry, path: &Path, check: &mut Check<'_>) -> Option<Entry> {
    let segment = segment(raw.segment.as_deref()?, path, check);
    Some(Entry::Segment { segment, backfill: raw.backfill.unwrap_or(false) })
}

fn by_schedule(raw: &RawEntry, path: &Path, check: &mut Check<'_>) -> Option<Entry> {
    let segment = raw.segment.as_deref().map(|text| segment(text, path, check));
    let schedule = schedule(raw.schedule.as_ref()?, &path.key("schedule"), check)?;
    Some(Entry::Schedule { schedule, segment })
}

fn schedule(raw: &RawSchedule, path: &Path, check: &mut Check<'_>) -> Option<Schedule> {
    let zone = check.zone(&raw.zone, &path.key("zone"));
    match (&raw.cron, &raw.once) {
        (Some(cron), None) => {
            let cron = check.cron(cron, &path.key("cron"));
            Some(Schedule::Cron { cron: cron?, zone: zone? })
        }
        (None, Some(once)) => {
            let path = path.key("once");
            let Ok(local) = once.parse::<DateTime>() else {
                let problem = Problem::new(path, format!("`{once}` is not a local date and time"));
                check.problem(problem.suggest("write it like `2026-03-01T09:00`"));
                return None;
            };
            Some(Schedule::Once(zone?.resolve(local)))
        }
        (Some(_), Some(_)) => {
            let problem = Problem::new(path.key("once"), "`once` cannot stand beside `cron`");
            check.problem(problem.on_key());
            None
        }
        (None, None) => {
            let problem = Problem::new(path.clone(), "a schedule needs `cron` or `once`");
            check.problem(problem.on_key());
            None
        }
    }
}

fn reentry(
    raw: Option<&RawReentry>,
    way: &str,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Reentry> {
    Some(match raw {
        // Each tick of a schedule is its own entry.
        _ if way == "schedule" => Reentry::Parallel,
        None | Some(RawReentry::Never) => Reentry::Never,
        Some(RawReentry::AfterExit) => Reentry::AfterExit,
        Some(RawReentry::Parallel) => Reentry::Parallel,
        Some(RawReentry::After(span)) => Reentry::After(check.span(span, &path.key("after"))?),
    })
}

/// An event with its condition over these words.
pub(crate) fn event_match(
    event: &str,
    when: Option<&str>,
    path: &Path,
    words: &Vocabulary,
    check: &mut Check<'_>,
) -> Option<EventMatch> {
    let event = check.event_name(event, &path.key("event"));
    let when = when.map(|when| check.condition(when, &path.key("when"), words));
    Some(EventMatch { event: event?, when: optional(when)? })
}
