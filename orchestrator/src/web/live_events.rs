//! The last events that came in, with what became of each: for those who look on while they
//! connect an application. Rejected ones are always kept, accepted ones only while somebody looks,
//! so that nobody pays for it otherwise. Kept in memory alone.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use domain::time::Instant;
use regex::Regex;
use runtime::Clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events kept: some screens full.
pub const SEEN_MAX: usize = 1_000;
/// Events of one answer.
pub const PAGE_EVENTS_MAX: usize = 200;
/// Bytes of an event's text that are kept: with [`SEEN_MAX`] at most 2 MB.
pub const TEXT_BYTES_MAX: usize = 2_048;
/// For so long after a look accepted events are kept too, in milliseconds of real time: who looks
/// on asks every second or so.
const WATCHED_MS: u64 = 30_000;

/// The key of a sender, which libraries write into the body: it is no part of the event.
static WRITE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i)("writeKey"\s*:\s*")(?:[^"\\]|\\.)*"#;
    Regex::new(pattern).expect("the pattern is a regular expression")
});

/// One event, as it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LiveEvent")]
pub struct Seen {
    /// Counts up, without gaps while nothing is restarted.
    pub number: u64,
    /// When it came in.
    pub at: String,
    /// Who sent it: the write key's source.
    pub source: String,
    /// Its type, as far as it says one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name of the event, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Its message id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// What was sent, or its beginning.
    pub text: String,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "result")]
#[schemars(rename = "LiveVerdict")]
pub enum Verdict {
    /// It is durable.
    Accepted,
    /// It was not taken.
    Rejected {
        /// Code of the error.
        code: Cow<'static, str>,
        /// What is wrong with it.
        detail: String,
    },
}

/// Some of the last events, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LiveEvents")]
pub struct Page {
    /// The events.
    pub events: Vec<Seen>,
    /// What to ask for next: the number that the next event will have at least.
    pub next: u64,
}

/// What tells an event from others, read leniently: it may be bad.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Summary {
    #[serde(rename = "type")]
    kind: serde_json::Value,
    event: serde_json::Value,
    user_id: serde_json::Value,
    anonymous_id: serde_json::Value,
    message_id: serde_json::Value,
    /// Of CloudEvents.
    subject: serde_json::Value,
    id: serde_json::Value,
}

impl Seen {
    /// Of what came in.
    pub fn new(
        now: Instant,
        source: &str,
        kind: Option<&str>,
        text: &str,
        verdict: Verdict,
    ) -> Self {
        let told: Summary = serde_json::from_str(text).unwrap_or_default();
        let first = |values: [serde_json::Value; 2]| values.into_iter().find_map(plain);
        let is_cloud_event = !told.id.is_null();
        let type_ = plain(told.kind);
        Self {
            number: 0,
            at: now.to_string(),
            source: source.to_owned(),
            event: plain(told.event).or_else(|| type_.clone().filter(|_| is_cloud_event)),
            kind: kind.map(str::to_owned).or(type_),
            customer: first([told.user_id, told.anonymous_id]).or_else(|| plain(told.subject)),
            message_id: first([told.message_id, told.id]),
            verdict,
            text: WRITE_KEY.replace_all(&beginning(text), "${1}***").into_owned(),
        }
    }
}

/// A value as text, where it is one.
fn plain(value: serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(beginning(&text)),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn beginning(text: &str) -> String {
    let end = (0..=text.len().min(TEXT_BYTES_MAX)).rev().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

#[derive(Debug, Default)]
struct Ring {
    next: u64,
    seen: VecDeque<Seen>,
}

/// The last events.
#[derive(Debug)]
pub struct LiveEvents {
    ring: Mutex<Ring>,
    /// By which people look on: never that of the journeys, which may run fast or stand still.
    real: Clock,
    watched_until_ms: AtomicU64,
}

impl Default for LiveEvents {
    fn default() -> Self {
        Self::by(Clock::system())
    }
}

impl LiveEvents {
    fn by(real: Clock) -> Self {
        Self { ring: Mutex::default(), real, watched_until_ms: AtomicU64::new(0) }
    }

    /// Whether somebody looks on.
    pub fn is_watched(&self) -> bool {
        self.real.monotonic_ms() < self.watched_until_ms.load(Ordering::Relaxed)
    }

    fn is_looked_at(&self) {
        let until = self.real.monotonic_ms().saturating_add(WATCHED_MS);
        self.watched_until_ms.store(until, Ordering::Relaxed);
    }

    /// Keeps events.
    pub fn push(&self, events: Vec<Seen>) {
        let mut ring = self.ring();
        for mut event in events {
            event.number = ring.next;
            ring.next += 1;
            if ring.seen.len() == SEEN_MAX {
                ring.seen.pop_front();
            }
            ring.seen.push_back(event);
        }
    }

    /// The oldest kept events from a number on, and from now on somebody looks.
    pub fn look(&self, from: u64, rejected_only: bool) -> Page {
        self.is_looked_at();
        let ring = self.ring();
        let shown = |seen: &&Seen| !rejected_only || seen.verdict != Verdict::Accepted;
        let later = ring.seen.iter().filter(|seen| seen.number >= from);
        let events: Vec<Seen> = later.filter(shown).take(PAGE_EVENTS_MAX).cloned().collect();
        let is_full = events.len() == PAGE_EVENTS_MAX;
        let next = events.last().filter(|_| is_full).map_or(ring.next, |last| last.number + 1);
        Page { events, next }
    }

    /// The newest kept events, the newest first, and from now on somebody looks.
    pub fn newest(&self, count: usize, rejected_only: bool) -> Vec<Seen> {
        self.is_looked_at();
        let ring = self.ring();
        let shown = |seen: &&Seen| !rejected_only || seen.verdict != Verdict::Accepted;
        ring.seen.iter().rev().filter(shown).take(count).cloned().collect()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use runtime::SimulatedClock;

    use super::*;

    const NOW: Instant = Instant(1_000_000);

    fn seen(text: &str, verdict: Verdict) -> Seen {
        Seen::new(NOW, "shop", None, text, verdict)
    }

    fn rejected() -> Verdict {
        Verdict::Rejected { code: "CAD-2006".into(), detail: "no id".to_owned() }
    }

    #[test]
    fn what_is_shown_is_read_from_good_and_bad_events() {
        let track = seen(
            r#"{"type":"track","event":"Paid","userId":7,"messageId":"m","x":[]}"#,
            Verdict::Accepted,
        );
        assert_eq!(track.kind.as_deref(), Some("track"));
        assert_eq!(track.event.as_deref(), Some("Paid"));
        assert_eq!(track.customer.as_deref(), Some("7"));
        assert_eq!(track.message_id.as_deref(), Some("m"));
        let cloud = seen(r#"{"id":"1","type":"shop.paid","subject":"ann"}"#, Verdict::Accepted);
        assert_eq!(
            (cloud.event.as_deref(), cloud.customer.as_deref()),
            (Some("shop.paid"), Some("ann"))
        );
        let keyed = seen(r#"{"writeKey" : "wk-\"1", "event": "Paid"}"#, Verdict::Accepted);
        assert_eq!(keyed.text, r#"{"writeKey" : "***", "event": "Paid"}"#);
        let cut = seen(r#"{"event": "Paid", "writekey":"wk-1"#, rejected());
        assert_eq!(cut.text, r#"{"event": "Paid", "writekey":"***"#);
        let broken = seen("{\"type\":", rejected());
        assert_eq!((broken.kind, broken.text.as_str()), (None, "{\"type\":"));
        let wrong = seen(r#"{"type":[1],"event":{},"userId":null}"#, rejected());
        assert_eq!((wrong.kind, wrong.event, wrong.customer), (None, None, None));
        let long = seen(&"é".repeat(TEXT_BYTES_MAX), rejected());
        assert!(long.text.len() <= TEXT_BYTES_MAX && long.text.starts_with('é'));
    }

    #[test]
    fn looks_go_on_where_the_last_one_ended() {
        let time = SimulatedClock::new(0);
        let live = LiveEvents::by(time.clock());
        assert!(!live.is_watched());
        assert_eq!(live.look(0, false), Page { events: Vec::new(), next: 0 });
        time.advance_to(WATCHED_MS as i64 - 1);
        assert!(live.is_watched());
        time.advance_to(WATCHED_MS as i64);
        assert!(!live.is_watched());
        for at in 0..SEEN_MAX + 10 {
            let verdict = if at % 10 == 0 { rejected() } else { Verdict::Accepted };
            live.push(vec![seen("{}", verdict)]);
        }
        let first = live.look(0, false);
        assert_eq!((first.events[0].number, first.events.len()), (10, PAGE_EVENTS_MAX));
        let second = live.look(first.next, false);
        assert_eq!(second.events[0].number, 10 + PAGE_EVENTS_MAX as u64);
        let newest = live.newest(2, false);
        let last = SEEN_MAX as u64 + 9;
        assert_eq!((newest[0].number, newest[1].number), (last, last - 1));
        assert_eq!(live.newest(1, true)[0].number, SEEN_MAX as u64);
        let bad = live.look(0, true);
        assert_eq!((bad.events.len(), bad.next), (SEEN_MAX / 10, SEEN_MAX as u64 + 10));
        assert!(bad.events.iter().all(|event| event.verdict != Verdict::Accepted));
    }
}
