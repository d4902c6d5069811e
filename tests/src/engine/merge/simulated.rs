//! `simulate` runs aliases as the server does, on any number of threads.

use std::collections::BTreeMap;
use std::path::Path;

use cadencia::simulate::{Plan, SendOutcome, simulate, write};
use domain::event::{Alias, Event, EventBody};
use domain::ids::{CustomerId, EventName, SendId};
use domain::time::Instant;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::super::customer::BEGINNING;
use super::super::given::{self, Given};
use super::world::World;
use super::{HOUR, journeys};

/// Who says something. The anonymous ones are named without their prefix by an alias.
const IDS: [&str; 4] = ["ana", "bob", "anon:v1", "anon:v2"];
const PREVIOUS: [&str; 4] = ["v1", "v2", "bob", "ana"];
const NAMES: [&str; 3] = ["Added", "Seen", "Bought"];
const MINUTE: i64 = 60_000;

#[derive(Clone, Debug)]
enum Said {
    Event { id: usize, name: usize },
    Alias { previous: usize, into: usize },
}

/// What is said, each with the minutes since the one before.
fn said() -> impl Strategy<Value = Vec<(Said, i64)>> {
    let event = (0..IDS.len(), 0..NAMES.len()).prop_map(|(id, name)| Said::Event { id, name });
    let alias =
        (0..PREVIOUS.len(), 0..2usize).prop_map(|(previous, into)| Said::Alias { previous, into });
    vec((prop_oneof![4 => event, 1 => alias], 0..400i64), 1..40)
}

fn capped() -> Given {
    let few = json!({"limit": 2, "window": {"rolling": "P1D"}});
    journeys().rules(json!([{"name": "few", "frequency_cap": few}]))
}

fn begin() -> Instant {
    Instant::parse(BEGINNING).expect("an instant")
}

fn event(id: &str, message: &str, at: Instant, body: EventBody) -> Event {
    let message_id = message.to_owned();
    Event { customer: id.into(), message_id, occurred_at: at, received_at: at, body }
}

fn track(name: &str) -> EventBody {
    EventBody::Track { name: EventName::from(name), properties: Default::default() }
}

fn known(id: &str) -> [EventBody; 2] {
    let traits = given::map(&json!({"email": format!("{id}@example.com")}));
    [EventBody::Identify { traits }, EventBody::Consent(given::granted())]
}

/// Everything that was recorded.
#[derive(Default)]
struct Recorded {
    events: Vec<Event>,
    aliases: Vec<Alias>,
    /// Who of them is next.
    order: Vec<bool>,
}

fn recorded(said: &[(Said, i64)]) -> Recorded {
    let mut all = Recorded::default();
    let mut at = begin();
    for id in IDS {
        for (number, body) in known(id).into_iter().enumerate() {
            all.events.push(event(id, &format!("k{number}"), at, body));
            all.order.push(true);
        }
    }
    for (number, (said, minutes)) in said.iter().enumerate() {
        // No two at one instant, nor an hour apart: the millisecond tells them apart.
        at = at.plus_ms(minutes * MINUTE + 1);
        match said {
            Said::Event { id, name } => {
                let body = track(NAMES[*name]);
                all.events.push(event(IDS[*id], &format!("m{number}"), at, body));
            }
            Said::Alias { previous, into } => {
                let (previous, into) = (PREVIOUS[*previous].into(), IDS[*into].into());
                all.aliases.push(Alias { previous, into, at });
            }
        }
        all.order.push(matches!(said, Said::Event { .. }));
    }
    all
}

/// What was sent when, and how many customers were merged into another one.
type Left = (BTreeMap<SendId, Instant>, u64);

fn served(recorded: &Recorded, until: Instant) -> Left {
    let mut world = World::new(capped());
    let (mut events, mut aliases) = (recorded.events.iter(), recorded.aliases.iter());
    for (ticket, is_event) in recorded.order.iter().enumerate() {
        let ticket = ticket as u64;
        let event = if *is_event { events.next() } else { None };
        let alias = if *is_event { None } else { aliases.next() };
        let at = event.map(|event| event.occurred_at).or(alias.map(|alias| alias.at));
        let at = at.expect("one of them");
        if at > world.now {
            world.live(at.plus_ms(-1));
            world.now = at;
        }
        if let Some(event) = event {
            let id = event.customer.as_str();
            world.event_at(id, event.body.clone(), &event.message_id, at, ticket);
        }
        if let Some(alias) = alias {
            world.alias(alias.previous.as_str(), alias.into.as_str(), ticket);
        }
        world.live(at);
    }
    world.live(until);
    let sends = IDS.iter().flat_map(|id| world.sends(id));
    let sends = sends.map(|row| (row.ledger.send, row.ledger.counted_at)).collect();
    let gone = IDS.iter().filter_map(|id| world.customer(id)?.tombstone);
    (sends, gone.filter(|stone| !stone.unknown).count() as u64)
}

fn simulated(recorded: &Recorded, until: Instant) -> Left {
    let plan = Plan { catalog: capped().catalog(), until, threads: 1 };
    let events = recorded.events.iter().cloned().collect();
    let results = simulate(&plan, events, recorded.aliases.clone());
    let results = results.expect("no schedule");
    let sent = results.sends.iter().filter(|send| send.outcome == SendOutcome::Sent);
    (sent.map(|send| (send.send, send.settled_at)).collect(), results.summary.merged)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_simulation_sends_what_the_server_sends(said in said()) {
        let recorded = recorded(&said);
        let until = begin().plus_ms(40 * 24 * HOUR);
        prop_assert_eq!(simulated(&recorded, until), served(&recorded, until));
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let names = ["summary.json", "sends.ndjson", "report.html"];
    names.map(|name| std::fs::read(folder.join(name)).expect("it was written")).to_vec()
}

/// A crowd with many families, in files that do not depend on the threads.
#[test]
fn threads_change_no_byte() {
    let (mut events, mut aliases) = (Vec::new(), Vec::new());
    for number in 0..1_500i64 {
        let at = |minutes: i64| begin().plus_ms(minutes * MINUTE);
        let (user, device) = (format!("u{}", number / 3), format!("d{number}"));
        let anonymous = CustomerId::anonymous(&device);
        for id in [user.as_str(), anonymous.as_str()] {
            for (place, body) in known(id).into_iter().enumerate() {
                events.push(event(id, &format!("k{number}/{place}"), at(0), body));
            }
            for (place, name) in NAMES.iter().enumerate() {
                let at = at(number % 50 + 100 * place as i64);
                events.push(event(id, &format!("m{number}/{name}"), at, track(name)));
            }
        }
        if number % 2 == 0 {
            let (previous, into) = (device.as_str().into(), user.as_str().into());
            aliases.push(Alias { previous, into, at: at(number % 300) });
        }
    }
    let written = |threads: usize| {
        let until = begin().plus_ms(30 * 24 * HOUR);
        let plan = Plan { catalog: capped().catalog(), until, threads };
        let recording = events.iter().cloned().collect();
        let results = simulate(&plan, recording, aliases.clone()).expect("no schedule");
        let folder = tempfile::tempdir().expect("a folder");
        write(&results, folder.path()).expect("it is written");
        (results.summary.merged, files(folder.path()))
    };
    let one = written(1);
    assert_eq!(one.0, 750);
    for threads in [2, 3] {
        assert!(written(threads) == one, "{threads} threads write other bytes");
    }
}

/// Events of an instant come before an alias of that instant, and a tick finds one customer where
/// there were two.
#[test]
fn an_alias_comes_after_what_happens_at_its_instant() {
    let send = json!({"send": {"channels": [{"email": "hello"}], "class": "marketing",
        "valid_for": "P1D"}});
    let noon = begin().plus_ms(HOUR);
    let schedule = json!({"once": noon.to_string().trim_end_matches('Z'), "zone": "UTC"});
    let given = Given::new()
        .journey("each", json!({"enter": {"event": "Seen"}, "steps": [send]}))
        .journey("once", json!({"enter": {"schedule": schedule}, "steps": [send]}));
    let sent = |merged_at: Instant| {
        let mut events = Vec::new();
        for id in ["ana", "anon:v1"] {
            for (number, body) in known(id).into_iter().enumerate() {
                events.push(event(id, &format!("k{number}"), begin(), body));
            }
        }
        events.push(event("anon:v1", "m", begin().plus_ms(1), track("Seen")));
        let alias = Alias { previous: "v1".into(), into: "ana".into(), at: merged_at };
        let until = noon.plus_ms(HOUR);
        let plan = Plan { catalog: given.catalog(), until, threads: 2 };
        let results = simulate(&plan, events.into_iter().collect(), vec![alias]).expect("one tick");
        assert_eq!(results.summary.merged, u64::from(merged_at <= until));
        let sends = results.sends.iter();
        sends.map(|one| format!("{} {}", one.journey, one.customer)).collect::<Vec<_>>()
    };
    // Her own view was at the very instant of the alias, so it is still the device's message.
    assert_eq!(sent(begin().plus_ms(1)), ["each anon:v1", "once ana"]);
    assert_eq!(sent(begin()), ["each ana", "once ana"]);
    assert_eq!(sent(noon), ["each anon:v1", "once ana", "once anon:v1"]);
    assert_eq!(sent(noon.plus_ms(2 * HOUR)), ["each anon:v1", "once ana", "once anon:v1"]);
}

/// A message that is still held at the horizon is hers by then.
#[test]
fn what_is_held_goes_along_with_its_customer() {
    let all_day = json!({"windows": [{"from": "00:00", "to": "23:59"}]});
    let given = journeys().rules(json!([{"name": "quiet", "quiet_hours": all_day}]));
    let mut events = Vec::new();
    for (number, body) in known("anon:v1").into_iter().enumerate() {
        events.push(event("anon:v1", &format!("k{number}"), begin(), body));
    }
    events.push(event("anon:v1", "m", begin(), track("Added")));
    let alias = Alias { previous: "v1".into(), into: "ana".into(), at: begin().plus_ms(HOUR) };
    for (hours, whose) in [(0, "anon:v1"), (2, "ana")] {
        let until = begin().plus_ms(hours * HOUR);
        let plan = Plan { catalog: given.catalog(), until, threads: 1 };
        let recording = events.iter().cloned().collect();
        let results = simulate(&plan, recording, vec![alias.clone()]).expect("no ticks");
        let left: Vec<_> = results.sends.iter().map(|one| (one.customer, one.outcome)).collect();
        assert_eq!(left, [(whose.into(), SendOutcome::Held)]);
    }
}
