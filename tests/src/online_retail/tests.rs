//! The oracle against cases computed by hand, the committed set against its generator, and the
//! real file against its published figures.

use std::path::{Path, PathBuf};

use super::log::{Entry, What, entries, instant, read};
use super::oracle::{Outcome, expected};
use super::{generator, lines, statistics};
use crate::environment::real_data;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../orchestrator/examples/online-retail")
}

/// `given`: instants and facts (`order`, `zone NAME`); `want`: journey, reached, outcome.
fn check(zone: &str, given: &[(&str, &str)], want: &[(&str, &str, &str)]) {
    let start = What::Zone(zone.parse().expect(zone));
    let mut log = vec![(0, start), (0, What::Consent(true))];
    for (at, fact) in given {
        let what = match fact.split_once(' ') {
            Some((_, zone)) => What::Zone(zone.parse().expect(zone)),
            None => What::Order((*fact).to_owned()),
        };
        log.push((instant(at).expect(at), what));
    }
    let entry = |(number, (at, what)): (usize, (i64, What))| Entry {
        customer: "7".to_owned(),
        at,
        id: number.to_string(),
        what,
    };
    let log: Vec<_> = log.into_iter().enumerate().map(entry).collect();
    let time = |at: i64| {
        let time = chrono::DateTime::from_timestamp_millis(at).expect("our time");
        time.format("%Y-%m-%dT%H:%MZ").to_string()
    };
    let got: Vec<_> = expected(&log, None)
        .into_iter()
        .map(|message| {
            let outcome = match message.outcome {
                Outcome::Sent(at) => format!("sent {}", time(at)),
                Outcome::Refused(at, rule) => format!("{rule} {}", time(at)),
                Outcome::Withdrawn(at) => format!("withdrawn {}", time(at)),
                Outcome::Held(at) => format!("held {}", time(at)),
            };
            (message.journey, time(message.created_at), outcome)
        })
        .collect();
    let got: Vec<_> =
        got.iter().map(|(journey, at, outcome)| (*journey, &**at, &**outcome)).collect();
    assert_eq!(got, want);
}

#[test]
fn one_order_is_thanked_and_won_back_across_the_change_of_the_clock() {
    // London is on summer time from 28 March 2010: 10:00 is 09:00Z, 11:00 is 10:00Z.
    check(
        "Europe/London",
        &[("2010-03-25T12:00:00Z", "A")],
        &[
            ("thank-you", "2010-03-28T09:00Z", "sent 2010-03-28T09:00Z"),
            ("win-back", "2010-05-24T10:00Z", "sent 2010-05-24T10:00Z"),
        ],
    );
}

#[test]
fn the_local_date_of_the_order_counts() {
    // 20:00Z is already the next day in Tokyo.
    check(
        "Asia/Tokyo",
        &[("2010-03-01T20:00:00Z", "A")],
        &[
            ("thank-you", "2010-03-05T01:00Z", "sent 2010-03-05T01:00Z"),
            ("win-back", "2010-05-01T02:00Z", "sent 2010-05-01T02:00Z"),
        ],
    );
}

#[test]
fn a_third_thank_you_within_the_window_is_refused_and_the_window_is_half_open() {
    check(
        "Europe/London",
        &[
            ("2010-01-04T12:00:00Z", "A"),
            ("2010-01-05T12:00:00Z", "B"),
            ("2010-01-10T12:00:00Z", "C"),
            ("2010-01-11T12:00:00Z", "D"),
        ],
        &[
            ("thank-you", "2010-01-07T10:00Z", "sent 2010-01-07T10:00Z"),
            ("thank-you", "2010-01-08T10:00Z", "sent 2010-01-08T10:00Z"),
            ("thank-you", "2010-01-13T10:00Z", "frequency_cap 2010-01-13T10:00Z"),
            // Seven days to the hour after A's: that one counts no more.
            ("thank-you", "2010-01-14T10:00Z", "sent 2010-01-14T10:00Z"),
            ("win-back", "2010-03-12T11:00Z", "sent 2010-03-12T11:00Z"),
        ],
    );
}

#[test]
fn the_hero_waits_for_room_or_expires() {
    let burst = |fifth| {
        [
            ("2010-01-01T12:00:00Z", "A"),
            ("2010-01-01T13:00:00Z", "B"),
            ("2010-01-01T14:00:00Z", "C"),
            ("2010-01-01T15:00:00Z", "D"),
            (fifth, "E"),
        ]
    };
    let thanks = [
        ("thank-you", "2010-01-04T10:00Z", "sent 2010-01-04T10:00Z"),
        ("thank-you", "2010-01-04T10:00Z", "sent 2010-01-04T10:00Z"),
        ("thank-you", "2010-01-04T10:00Z", "frequency_cap 2010-01-04T10:00Z"),
        ("thank-you", "2010-01-04T10:00Z", "frequency_cap 2010-01-04T10:00Z"),
    ];
    // Reached 10 January 09:00; room from 11 January 10:00; valid to 12 January 09:00.
    let held = [
        ("hero", "2010-01-10T09:00Z", "sent 2010-01-11T10:00Z"),
        ("thank-you", "2010-01-12T10:00Z", "sent 2010-01-12T10:00Z"),
        ("win-back", "2010-03-10T11:00Z", "sent 2010-03-10T11:00Z"),
    ];
    check("Europe/London", &burst("2010-01-09T12:00:00Z"), &[&thanks[..], &held[..]].concat());
    // Reached 8 January 09:00: the room comes after its validity, so it is refused at once.
    // At 09:00 sharp the next 09:00 is tomorrow's.
    let expired = [
        ("hero", "2010-01-08T09:00Z", "validity 2010-01-08T09:00Z"),
        ("thank-you", "2010-01-10T10:00Z", "frequency_cap 2010-01-10T10:00Z"),
        ("win-back", "2010-03-08T11:00Z", "sent 2010-03-08T11:00Z"),
    ];
    check("Europe/London", &burst("2010-01-07T09:00:00Z"), &[&thanks[..], &expired[..]].concat());
}

#[test]
fn a_move_fires_what_has_passed_and_night_holds_it() {
    // 10:00 of 4 January in Honolulu is 20:00Z. At the move it is 22:00 of the 4th in Auckland
    // (UTC+13 in January): the time has passed, and it is quiet until 08:00, 19:00Z.
    check(
        "Pacific/Honolulu",
        &[("2010-01-01T20:00:00Z", "A"), ("2010-01-04T09:00:00Z", "zone Pacific/Auckland")],
        &[
            ("thank-you", "2010-01-04T09:00Z", "sent 2010-01-04T19:00Z"),
            // 1 January 10:00 local, plus 60 days, at 11:00 of the new zone.
            ("win-back", "2010-03-01T22:00Z", "sent 2010-03-01T22:00Z"),
        ],
    );
}

#[test]
fn an_order_withdraws_a_held_win_back_and_precedes_one_of_the_same_instant() {
    // Both win-backs are due on 2 March 11:00 in Honolulu, 21:00Z.
    let order = ("2010-01-01T20:00:00Z", "A");
    let thanked = ("thank-you", "2010-01-04T20:00Z", "sent 2010-01-04T20:00Z");
    check(
        "Pacific/Honolulu",
        &[order, ("2010-03-02T09:00:00Z", "zone Pacific/Auckland"), ("2010-03-02T10:00:00Z", "B")],
        &[
            thanked,
            ("win-back", "2010-03-02T09:00Z", "withdrawn 2010-03-02T10:00Z"),
            // 5 March 10:00 in Auckland; 1 May 11:00 there, on winter time.
            ("thank-you", "2010-03-04T21:00Z", "sent 2010-03-04T21:00Z"),
            ("win-back", "2010-04-30T23:00Z", "sent 2010-04-30T23:00Z"),
        ],
    );
    check(
        "Pacific/Honolulu",
        &[order, ("2010-03-02T21:00:00Z", "B")],
        &[
            thanked,
            ("thank-you", "2010-03-05T20:00Z", "sent 2010-03-05T20:00Z"),
            ("win-back", "2010-05-01T21:00Z", "sent 2010-05-01T21:00Z"),
        ],
    );
}

#[test]
fn the_committed_set_is_what_the_generator_makes() {
    let set = generator::generate(generator::SEED);
    let folder = example();
    for (name, made) in [("customers", &set.customers), ("events", &set.events)] {
        let path = folder.join(format!("{name}.ndjson.gz"));
        let committed = super::log::text(&path).expect("the committed set is readable");
        // Unpacked bytes: another version of the packer may pack them differently.
        assert!(
            committed == *made,
            "{name}: run `cargo run -p cadencia-tests --bin online-retail`"
        );
    }
    let size = |name: &str| std::fs::metadata(folder.join(name)).expect(name).len();
    assert!(size("customers.ndjson.gz") + size("events.ndjson.gz") <= 300_000);
    assert_ne!(generator::generate(generator::SEED + 1).events, set.events);
}

#[test]
fn the_committed_set_is_full_of_hard_cases() {
    let folder = example();
    let customers = folder.join("customers.ndjson.gz");
    let log = read(Some(&customers), &folder.join("events.ndjson.gz")).expect("readable");
    let messages = expected(&log, None);
    let count = |journey: &str, wanted: fn(&super::oracle::Expected) -> bool| {
        messages.iter().filter(|m| m.journey == journey && wanted(m)).count()
    };
    println!("{}", statistics::table(&messages));
    let refused = |rule: &str| {
        let by =
            |m: &&super::oracle::Expected| matches!(m.outcome, Outcome::Refused(_, r) if r == rule);
        messages.iter().filter(by).count()
    };
    assert!(count("hero", |m| m.holds > 0) > 30);
    assert!(count("thank-you", |m| m.holds > 0) > 100);
    assert!(count("win-back", |m| m.holds > 0) > 50);
    assert!(count("win-back", |m| matches!(m.outcome, Outcome::Withdrawn(_))) > 3);
    assert!(count("thank-you", |m| m.rivals > 1) > 1000);
    assert!(refused("frequency_cap") > 1000 && refused("validity") > 50 && refused("consent") > 50);
}

#[test]
fn the_real_file_has_its_published_figures() {
    let Some(folder) = real_data() else { return };
    let path = folder.join("online-retail/online_retail_2009-12_2010-12.cut.csv.gz");
    let invoices = lines::invoices(&path).expect("readable");
    let (cancelled, sales): (Vec<_>, Vec<_>) =
        invoices.iter().partition(|invoice| invoice.is_cancellation());
    assert_eq!((sales.len(), cancelled.len()), (4_276, 1_040));
    // The published sum is that of the exact lines; rounded invoices add up to a penny less.
    let exact: i64 = sales.iter().map(|invoice| invoice.thousandths).sum();
    assert_eq!((exact + 5) / 10, 190_632_246);
    assert_eq!(sales.iter().map(|invoice| invoice.pence()).sum::<i64>(), 190_632_245);
    let customers: std::collections::BTreeSet<_> =
        invoices.iter().map(|invoice| &invoice.customer).collect();
    assert_eq!(customers.len(), 1_080);
    let log = lines::log(&invoices, &example().join("countries.csv")).expect("readable");
    println!("{}", statistics::table(&expected(&log, None)));
}

#[test]
fn a_line_that_is_no_call_is_an_error() {
    assert!(entries("{\"type\":\"page\",\"userId\":\"1\",\"messageId\":\"1\"}\n", 0).is_err());
    assert!(entries("not json\n", 0).is_err());
}

#[test]
fn a_comparison_tells_what_differs_and_forgives_only_a_swap_of_equals() {
    let order = |at: &str, id: &str| {
        let properties = serde_json::json!({"order_id": id});
        let line = serde_json::json!({
            "type": "track", "userId": "7", "event": "Order Completed", "properties": properties,
            "timestamp": at, "messageId": id,
        });
        format!("{line}\n")
    };
    let customer = serde_json::json!({
        "type": "identify", "userId": "7", "messageId": "c",
        "consent": [{"channel": "email", "permission": "granted"}],
    });
    let orders = [
        order("2010-01-01T12:00:00Z", "A"),
        order("2010-01-01T13:00:00Z", "B"),
        order("2010-01-01T14:00:00Z", "C"),
    ];
    let mut log = entries(&customer.to_string(), 0).expect("a customer");
    log.extend(entries(&orders.concat(), 0).expect("orders"));
    let until = instant("2010-01-10T00:00:00Z").expect("a time");
    let wanted = expected(&log, Some(until));
    let at = "2010-01-04T10:00:00Z";
    let line = |key: &str, outcome: &str| {
        let line = serde_json::json!({
            "customer": "7", "journey": "thank-you", "step": "thanks", "key": key,
            "created_at": at, "settled_at": at, "outcome": outcome,
            "sent_at": (outcome == "sent").then_some(at),
            "rule": (outcome == "refused").then_some("weekly"),
        });
        format!("{line}\n")
    };
    let compare = |lines: &[(&str, &str)]| {
        let sends: String = lines.iter().map(|(key, outcome)| line(key, outcome)).collect();
        let report = super::compare::compare(&wanted, &sends).expect("lines");
        (report.agree, report.swapped, report.differ)
    };
    assert_eq!(compare(&[("A", "sent"), ("B", "sent"), ("C", "refused")]), (3, 0, 0));
    assert_eq!(compare(&[("A", "refused"), ("B", "sent"), ("C", "sent")]), (3, 2, 0));
    assert_eq!(compare(&[("A", "sent"), ("B", "sent"), ("C", "sent")]), (0, 0, 3));
    assert_eq!(compare(&[("A", "sent"), ("B", "sent")]), (0, 0, 3));
    assert_eq!(compare(&[("A", "sent"), ("B", "sent"), ("D", "refused")]), (0, 0, 3));
}
