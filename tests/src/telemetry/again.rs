//! Messages that are tried or sent again, messages that are slow, and turns that fail.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use cadencia::actors::PartitionMsg;
use cadencia::actors::core::Ack;
use cadencia::admin::{Admin, Workshop};
use cadencia::app::{self, AppSettings};
use cadencia::rows;
use cadencia::telemetry::metrics::Metrics;
use channels::http::Egress;
use channels::unsubscribe::Keys;
use domain::ids::{CustomerId, SendId};
use domain::time::Instant;
use engine::{Table, codec};
use runtime::Clock;
use serde_json::{Value, json};
use store::Read as _;

use super::collector::{Collector, Span, link, named, whole};
use super::failures::smtp;
use super::{Exporting, settings, sign_up};
use crate::channels::peers::Independent;
use crate::served::process::{PARTITIONS, Server, cadencia, eventually, post};

/// Keeps only what failed or was slow: no attempt on this machine takes so long, but one that is
/// held up.
const NOTHING_SAMPLED: &str = "  sample_ratio: 0\n  slow_ms: 2000\n";

fn attempts(spans: &[Span]) -> Vec<&Span> {
    let mut found: Vec<&Span> = spans.iter().filter(|span| span.name == "attempt send").collect();
    found.sort_by_key(|span| span.start_ns);
    found
}

/// The root of the trace that a span is in.
fn root<'a>(spans: &'a [Span], of: &Span) -> &'a Span {
    let found = spans.iter().find(|span| span.trace == of.trace && span.parent.is_empty());
    found.unwrap_or_else(|| panic!("no root of {of:?}"))
}

/// The outcome of an attempt.
fn outcome<'a>(spans: &'a [Span], attempt: &Span) -> &'a Span {
    let outcomes = spans.iter().filter(|span| span.name == "process outcome");
    let found: Vec<&Span> = outcomes.filter(|span| span.links.contains(&link(attempt))).collect();
    assert_eq!(found.len(), 1, "outcomes of {attempt:?}");
    found[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_try_of_a_message_is_a_trace_that_points_at_the_one_before() {
    let mail = Independent::mail(&[]);
    let collector = Collector::start().await;
    let site = Exporting::new(&smtp(mail.port), &settings(&collector, "grpc", ""));
    let server = site.serve("info");
    sign_up(&server, "ann", "later@example.com").await;
    eventually("it is to be tried again", async || {
        named(&collector.spans(), "process outcome").len() == 1
    })
    .await;
    site.advance(&server, "2026-03-02T10:20:00Z");
    eventually("it was tried again", async || {
        named(&collector.spans(), "process outcome").len() >= 2
    })
    .await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let tries = attempts(&spans);
    assert!(tries.len() >= 2, "{tries:?}");
    let first = root(&spans, tries[0]);
    assert_eq!(first.attribute("input"), "event");
    assert_eq!(first.attribute("journey.version"), "0");
    for (at, attempt) in tries.iter().enumerate() {
        assert_eq!(attempt.attribute("send.attempt"), (at + 1).to_string());
        assert_eq!(attempt.attribute("outcome"), "not_sent");
        assert_eq!(attempt.attribute("send.id"), tries[0].attribute("send.id"));
        let outcome = outcome(&spans, attempt);
        assert_eq!(outcome.attribute("send.again"), "true");
        let Some(next) = tries.get(at + 1) else { continue };
        let turn = root(&spans, next);
        assert_eq!(turn.attribute("input"), "retry");
        assert_eq!(turn.links, [link(outcome)], "a try points at the outcome before it");
        for span in [turn, next] {
            assert_eq!(span.attribute("enrollment.id"), first.attribute("enrollment.id"));
            assert_eq!(span.attribute("journey.id"), "hello");
            assert_eq!(span.attribute("journey.version"), "0");
            assert_eq!(span.attribute("step.id"), "first");
        }
    }
}

/// The line of the only send in a state.
fn line(server: &Server, state: &str) -> Option<Value> {
    let list = server.json(&["sends", "list", "--state", state]);
    list.as_array().expect("a list").first().cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_sent_again_points_at_the_outcome_that_it_repeats() {
    let mail = Independent::mail(&[]);
    let collector = Collector::start().await;
    let site = Exporting::new(&smtp(mail.port), &settings(&collector, "http", ""));
    let server = site.serve("info");
    // The whole message is refused, not its address: nothing stops the next one.
    sign_up(&server, "ann", "spam@example.com").await;
    eventually("it is rejected", async || line(&server, "rejected").is_some()).await;
    let rejected = line(&server, "rejected").expect("a line");
    // Its enrollment goes on and ends, days later, with a second message that is rejected too.
    site.advance(&server, "2026-03-06T12:00:00Z");
    let traits = json!({"type": "identify", "userId": "ann", "messageId": "new",
        "traits": {"email": "ann@example.com"}});
    assert_eq!(post(&server.url, "/v1/batch", &json!({"batch": [traits]})).await.0, 200);
    let send = rejected["send"].as_str().expect("an id");
    let again = server.json(&["sends", "redrive", send])[0].clone();
    eventually("it is accepted", async || line(&server, "accepted").is_some()).await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let wrapped = |id: &str| {
        let told = cadencia(&site.path("data"), &["telemetry-id", id]);
        String::from_utf8(told.stdout).expect("text").trim().to_owned()
    };
    let tries = attempts(&spans);
    let of = |id: &str| {
        let found = tries.iter().find(|attempt| attempt.attribute("send.id") == wrapped(id));
        *found.unwrap_or_else(|| panic!("no attempt of {id}: {tries:?}"))
    };
    let (first, repeat) = (of(send), of(again["send"].as_str().expect("an id")));
    assert_eq!(repeat.attribute("outcome"), "accepted");
    let turn = root(&spans, repeat);
    assert_eq!(turn.attribute("input"), "redrive");
    assert_eq!(turn.links, [link(outcome(&spans, first))]);
    for span in [turn, repeat] {
        assert_eq!(span.attribute("enrollment.id"), first.attribute("enrollment.id"));
        assert_eq!(span.attribute("journey.version"), "0", "the enrollment has ended: {span:?}");
        assert_eq!(span.attribute("step.id"), "first");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_slow_is_kept_and_nothing_else() {
    let mail = Independent::mail(&[]);
    let collector = Collector::start().await;
    let site = Exporting::new(&smtp(mail.port), &settings(&collector, "grpc", NOTHING_SAMPLED));
    let server = site.serve("info");
    for (customer, address) in [("bob", "bob@example.com"), ("ann", "slow@example.com")] {
        sign_up(&server, customer, address).await;
    }
    eventually("the slow one is exported", async || {
        named(&collector.spans(), "process outcome").len() == 1
    })
    .await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let tries = attempts(&spans);
    assert_eq!(tries.len(), 1, "{spans:?}");
    assert_eq!(tries[0].attribute("outcome"), "accepted");
    assert!(tries[0].end_ns - tries[0].start_ns > 2_000_000_000, "{:?}", tries[0]);
    let turn = root(&spans, tries[0]);
    let hash = cadencia(&site.path("data"), &["customer-hash", "ann"]);
    assert_eq!(turn.attribute("customer.hash"), String::from_utf8_lossy(&hash.stdout).trim());
    assert_eq!(named(&spans, "process turn").len(), 1, "its activation came along, late");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_a_kill_interrupts_is_told_of_by_the_next_start() {
    let mail = Independent::mail(&[]);
    let collector = Collector::start().await;
    let site = Exporting::new(&smtp(mail.port), &settings(&collector, "grpc", ""));
    let server = site.serve("info");
    sign_up(&server, "ann", "stuck@example.com").await;
    eventually("it is under way, and its activation exported", async || {
        line(&server, "in_flight").is_some() && named(&collector.spans(), "process turn").len() == 1
    })
    .await;
    let send =
        line(&server, "in_flight").expect("a line")["send"].as_str().expect("an id").to_owned();
    server.kill();
    let server = site.serve("info");
    site.advance(&server, "2026-03-02T10:20:00Z");
    eventually("it went at the second try", async || {
        named(&collector.spans(), "process outcome").len() == 2
    })
    .await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let tries = attempts(&spans);
    let tried: Vec<_> =
        tries.iter().map(|it| (it.attribute("send.attempt"), it.attribute("outcome"))).collect();
    assert_eq!(tried, [("2", "accepted")], "nobody could tell of the first one");
    let unknown = spans.iter().find(|span| span.attribute("outcome") == "unknown");
    let unknown = unknown.expect("the start tells of it");
    assert_eq!(unknown.name, "process outcome");
    for (name, value) in
        [("send.attempt", "1"), ("send.again", "true"), ("step.id", "first"), ("channel", "email")]
    {
        assert_eq!(unknown.attribute(name), value, "{unknown:?}");
    }
    for name in ["send.id", "enrollment.id", "journey.id", "journey.version", "customer.hash"] {
        let again = outcome(&spans, tries[0]);
        assert_eq!(unknown.attribute(name), again.attribute(name), "{name}");
    }
    assert_eq!(root(&spans, tries[0]).links, [link(unknown)]);
    let told = cadencia(&site.path("data"), &["telemetry-id", unknown.attribute("send.id")]);
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), send, "and it leads to the send");
    let other = cadencia(&site.path("data"), &["telemetry-id", &"0".repeat(48)]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(other.status.code() == Some(2) && said.contains("another server's"), "{said}");
}

/// Writes, into the store of a server that does not run, a row of Ann's ledger and a record of Bob
/// that cannot be read; what a start reads of the record stays sound.
async fn damage(data: &Path) {
    let partitions: u16 = PARTITIONS.parse().expect("a number");
    let settings = AppSettings {
        data_dir: data.join(app::STORE),
        partitions,
        arbiters: NonZeroUsize::MIN,
        active_max: 100,
    };
    let clock = Clock::system();
    let opened = app::open(&settings, &clock, &Arc::new(Metrics::new())).expect("it opens");
    let keys = Arc::new(Keys::new([(1, &[7; 32][..])]).expect("a key"));
    let (folder, exports) = (data.to_owned(), data.join("audiences"));
    let egress = Egress::new([]).expect("a client");
    let workshop = Workshop { keys, folder, exports, public_url: None, egress };
    let admin = Admin::start(opened, workshop, None).expect("it starts");
    let (ann, bob) = (CustomerId::from("ann").key(), CustomerId::from("bob").key());
    let at = Instant::parse(super::START).expect("an instant");
    let row = codec::send_key(ann.partition(partitions), ann, at, SendId(1));
    let place = codec::customer_key(bob.partition(partitions), bob);
    let record = admin.app.store.get(rows::table(Table::Customers), &place).expect("reads");
    let mut record = record.expect("a record");
    let half = record.len() / 2;
    record[half..].fill(0xff);
    let bad = vec![codec::RECORD_VERSION, 0xff];
    for (customer, table, key, value) in
        [(ann, Table::Sends, row, bad), (bob, Table::Customers, place, record)]
    {
        let (asker, answer) = runtime::reply::reply();
        let write = engine::Write { table, key, value: Some(value) };
        let doors = admin.app.directory.partition(customer);
        let message = PartitionMsg::Put(vec![write], Ack::new(1, asker));
        doors.control.tell(message, 1).expect("room");
        answer.await.expect("durable");
    }
    admin.app.stop(app::DRAIN_LIMIT_MS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_fails_is_kept_whatever_is_sampled() {
    let collector = Collector::start().await;
    let site =
        Exporting::new("capture: {keep: 100}", &settings(&collector, "http", NOTHING_SAMPLED));
    let server = site.serve("info");
    for customer in ["ann", "bob"] {
        sign_up(&server, customer, "somebody@example.com").await;
    }
    server.stop();
    damage(&site.path("data")).await;
    let server = site.serve("info");
    for customer in ["ann", "bob"] {
        let event = json!({"userId": customer, "messageId": "again", "event": "Signed Up"});
        let (status, answer) = post(&server.url, "/v1/track", &event).await;
        assert!(status >= 500, "{customer}: {answer}");
    }
    server.stop();
    let spans = collector.spans();
    let failed: Vec<&Span> = spans.iter().filter(|span| span.name == "fail turn").collect();
    for customer in ["ann", "bob"] {
        let hash = cadencia(&site.path("data"), &["customer-hash", customer]);
        let hash = String::from_utf8_lossy(&hash.stdout).trim().to_owned();
        let his = |span: &&&Span| span.attribute("customer.hash") == hash;
        let his = failed.iter().find(his);
        let his = his.unwrap_or_else(|| panic!("{customer} is not among {failed:?}"));
        assert_eq!(his.attribute("error.code"), "CAD-3005");
        assert!(Instant::parse(his.attribute("turn.at")).is_some(), "{his:?}");
    }
    assert_eq!(spans.len(), failed.len(), "nothing else is kept: {spans:?}");
}
