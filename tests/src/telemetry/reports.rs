//! What a provider reports is the end of the path: a trace of its own that points at the outcome.

use serde_json::json;

use super::collector::Collector;
use super::{Exporting, settings, sign_up};
use crate::channels::peers::{Independent, ask_http_peer};
use crate::served::process::{cadencia, eventually};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "0a1b2c3d4e5f";
const NUMBER: &str = "+34600123456";

/// A server whose first message goes to somebody's telephone, and the reports that come back.
async fn reported(more: &str, statuses: &[&str], spans: usize) -> (Collector, String) {
    let mut twilio = Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN]);
    let collector = Collector::start().await;
    let channel = format!(
        "address: email, sms: {{twilio: {{account_sid: {ACCOUNT}, auth_token_file: twilio-token, \
         from: \"+34911234567\", base_url: \"http://127.0.0.1:{}\"}}}}",
        twilio.port
    );
    let more =
        format!("{more}public_url: https://shop.example\negress: {{allow: [\"127.0.0.1\"]}}\n");
    let site = Exporting::new(&channel, &settings(&collector, "http", &more));
    std::fs::write(site.path("campaign/twilio-token"), TOKEN).expect("a file");
    let server = site.serve("info");
    sign_up(&server, "ann", NUMBER).await;
    let seen = twilio.next();
    let url = seen["form"]["StatusCallback"].as_str().expect("a callback").to_owned();
    let (_, path) = url.split_once("shop.example").expect("an address of the server");
    eventually("the answer came home", async || {
        let timeline = server.explain("ann");
        timeline["entries"].as_array().expect("entries").iter().any(|it| it["kind"] == "accepted")
    })
    .await;
    for status in statuses {
        let parameters = json!({"AccountSid": ACCOUNT, "MessageSid": "SM1", "To": NUMBER,
            "MessageStatus": status});
        let sent = format!("{}{path}", server.url);
        let answer = ask_http_peer(&["twilio-report", &url, &sent, TOKEN], &parameters);
        assert_eq!(answer["status"], 204, "{answer}");
    }
    eventually("the report is exported", async || {
        collector.spans().iter().filter(|span| span.name == "process report").count() == spans
    })
    .await;
    server.stop();
    let send = url.rsplit('/').next().expect("a send");
    let told = cadencia(&site.path("data"), &["telemetry-id", send]);
    (collector, String::from_utf8(told.stdout).expect("text").trim().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_points_at_the_outcome() {
    let (collector, send) = reported("", &["sent", "delivered", "delivered"], 1).await;
    let spans = collector.spans();
    let one = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {spans:?}");
        found[0]
    };
    let (attempt, outcome, report) =
        (one("attempt send"), one("process outcome"), one("process report"));
    assert_eq!(report.links, [(outcome.trace.clone(), outcome.id.clone())]);
    assert_ne!(report.trace, outcome.trace);
    assert!(report.start_ns >= outcome.end_ns);
    for name in ["enrollment.id", "journey.id", "journey.version", "step.id", "send.id", "channel"]
    {
        assert_eq!(report.attribute(name), attempt.attribute(name), "{name}");
    }
    assert_eq!(report.attribute("send.id"), send);
    assert_eq!(report.attribute("send.state"), "delivered");
    assert_eq!(report.attribute("customer.hash"), outcome.attribute("customer.hash"));
    let inside: Vec<_> = spans.iter().filter(|span| span.trace == report.trace).collect();
    assert_eq!(inside.len(), 2, "the report and its commit: {inside:?}");
    assert!(!collector.printed().contains(&NUMBER[1..]), "the number leaves with nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_kept_whatever_the_sampling_says() {
    let more = "  sample_ratio: 0\n  slow_ms: 60000\n";
    let (collector, _) = reported(more, &["delivered", "undelivered"], 1).await;
    let spans = collector.spans();
    let reports: Vec<_> = spans.iter().filter(|span| span.name == "process report").collect();
    assert_eq!(reports[0].attribute("send.state"), "bounced");
    assert!(spans.iter().all(|span| span.trace == reports[0].trace), "nothing else: {spans:?}");
}
