//! The path of a decision: event, decision, commit, attempt, outcome, and the wait between two of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use super::collector::{Collector, Span, link, named, whole};
use super::{Exporting, settings, sign_up};
use crate::served::process::{Server, cadencia, eventually};

/// The caller's span in these tests.
const CALLER: (&str, &str) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");

/// Signs up inside the caller's span.
async fn sign_up_traced(server: &Server, customer: &str) {
    let event = serde_json::json!({"userId": customer, "messageId": "t", "event": "Signed Up"});
    let (trace, span) = CALLER;
    let request = reqwest::Client::new()
        .post(format!("{}/v1/track", server.url))
        .header("traceparent", format!("00-{trace}-{span}-01"))
        .json(&event);
    assert!(request.send().await.expect("an answer").status().is_success());
}

/// How the server ends between the two activations.
#[derive(Clone, Copy, PartialEq)]
enum End {
    InOrder,
    Killed,
}

async fn a_decision_is_followed(protocol: &str, end: End) {
    let collector = Collector::start().await;
    let site = Exporting::new("capture: {keep: 100}", &settings(&collector, protocol, ""));
    let server = site.serve("info");
    sign_up(&server, "ann", "ann@example.com").await;
    // She is in already: her own sign-up has no caller. Bob's has one, and no address.
    sign_up_traced(&server, "bob").await;
    eventually("the first message is out", async || {
        named(&collector.spans(), "process outcome").len() == 1
    })
    .await;
    if end == End::Killed {
        eventually("Bob's activation is exported", async || {
            named(&collector.spans(), "process turn").len() == 2
        })
        .await;
    }
    // Days go by, and a restart.
    match end {
        End::InOrder => server.stop(),
        End::Killed => server.kill(),
    }
    let server = site.serve("info");
    site.advance(&server, "2026-03-06T12:00:00Z");
    eventually("the second message is out", async || {
        named(&collector.spans(), "process outcome").len() == 2
    })
    .await;
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let turns = named(&spans, "process turn");
    let his = turns.iter().find(|turn| turn.links.contains(&caller()));
    assert!(his.is_some(), "what Bob's event caused points at its sender: {turns:?}");
    let attempts = named(&spans, "attempt send");
    let enrollment = attempts[0].attribute("enrollment.id");
    let hers: Vec<&Span> =
        turns.into_iter().filter(|turn| turn.attribute("enrollment.id") == enrollment).collect();
    assert_eq!(hers.len(), 2, "one trace for each activation: {hers:?}");
    assert_eq!(hers[0].attribute("input"), "event");
    assert_eq!(hers[1].attribute("input"), "timer");
    assert_eq!(hers[1].attribute("turn.at"), "2026-03-04T10:00:00Z");
    assert_eq!(hers[1].attribute("exit.reason"), "completed");
    assert!(hers[0].links.is_empty(), "nothing was before it");
    assert_eq!(hers[1].links, [link(hers[0])], "the wait is a link");
    for (turn, step) in hers.iter().zip(["first", "second"]) {
        let inside: Vec<&Span> = spans.iter().filter(|span| span.trace == turn.trace).collect();
        let one = |name: &str| {
            let found: Vec<_> = inside.iter().filter(|span| span.name == name).collect();
            assert_eq!(found.len(), 1, "{name} of {step}");
            *found[0]
        };
        let (decided, attempt) = (one("decide send"), one("attempt send"));
        one("commit group");
        for span in [decided, attempt] {
            assert_eq!(span.parent, turn.id);
            assert_eq!(span.attribute("step.id"), step);
            assert_eq!(span.attribute("journey.id"), "hello");
            assert_eq!(span.attribute("journey.version"), turn.attribute("journey.version"));
        }
        assert_eq!(decided.attribute("verdict"), "allow");
        assert_eq!(attempt.attribute("outcome"), "accepted");
        assert_eq!(attempt.kind, "SPAN_KIND_CLIENT");
        assert_eq!(decided.attribute("send.id"), attempt.attribute("send.id"));
        assert!(turn.end_ns <= attempt.start_ns, "nothing leaves before it is durable");
        let outcome = named(&spans, "process outcome");
        let outcome = outcome.iter().find(|span| span.links == [link(attempt)]);
        let outcome = outcome.expect("its outcome points at it");
        assert_ne!(outcome.trace, turn.trace);
        assert_eq!(outcome.attribute("enrollment.id"), enrollment);
    }
    let hash = cadencia(&site.path("data"), &["customer-hash", "ann"]);
    let hash = String::from_utf8(hash.stdout).expect("text");
    assert_eq!(hers[0].attribute("customer.hash"), hash.trim());
    metrics_and_logs(&collector);
}

fn caller() -> (String, String) {
    (CALLER.0.to_owned(), CALLER.1.to_owned())
}

fn metrics_and_logs(collector: &Collector) {
    let printed = collector.printed();
    let sends = printed.rsplit("-> Name: cadencia_sends_total").next().expect("a part");
    let sends = sends.split("Descriptor:").next().expect("a part");
    for part in ["channel: Str(email)", "outcome: Str(accepted)", "Value: 1"] {
        assert!(sends.contains(part), "{part} is not in\n{sends}");
    }
    assert!(printed.contains("-> Name: cadencia_commit_seconds"), "a histogram arrives");
    let logs = collector.logs();
    assert!(logs.iter().any(|log| log.contains("the campaign is in force")), "{logs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_followed_over_grpc() {
    a_decision_is_followed("grpc", End::InOrder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_followed_over_http() {
    a_decision_is_followed("http", End::InOrder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_followed_over_a_kill() {
    a_decision_is_followed("grpc", End::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrollment_is_traced_as_a_whole_or_not_at_all() {
    const CUSTOMERS: usize = 40;
    let collector = Collector::start().await;
    let more = "  sample_ratio: 0.5\n  event_sample_ratio: 0\n  slow_ms: 60000\n";
    let site = Exporting::new("capture: {keep: 100}", &settings(&collector, "grpc", more));
    let server = site.serve("error");
    for number in 0..CUSTOMERS {
        let customer = format!("customer-{number}");
        sign_up(&server, &customer, &format!("{number}@example.com")).await;
    }
    site.advance(&server, "2026-03-06T12:00:00Z");
    // It exports what is queued before it ends.
    server.stop();
    let spans = collector.spans();
    whole(&spans);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let enrollments: BTreeSet<&str> =
        spans.iter().map(|it| it.attribute("enrollment.id")).collect();
    for span in &spans {
        *counts.entry((span.attribute("enrollment.id"), span.name.as_str())).or_default() += 1;
    }
    let kept = enrollments.len();
    assert!(kept > 0 && kept < CUSTOMERS, "{kept} of {CUSTOMERS}");
    for enrollment in enrollments {
        for name in ["process turn", "decide send", "attempt send", "process outcome"] {
            assert_eq!(counts.get(&(enrollment, name)), Some(&2), "{name} of {enrollment}");
        }
    }
}
