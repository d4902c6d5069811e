//! Webhooks with an independent implementation of Standard Webhooks as the receiver.

use std::time::Duration;

use channels::http::{AllowedHost, Egress, Timeouts};
use channels::webhook::{Endpoint, Secret, Webhook};
use channels::{Always, Attempt, Channel, Content, Message, Outcome, Phase, Recipient, Retry};
use domain::channel::Webhook as Settings;
use domain::ids::SendId;
use domain::time::Instant;
use runtime::Clock;
use serde_json::json;

use super::peers::Independent;

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BODY: &str = r#"{"who": "ann", "what": "Grüße 😀"}"#;

fn endpoint(port: u16, path: &str, secrets: &[&str]) -> Endpoint {
    let settings = Settings {
        url: format!("http://127.0.0.1:{port}/{path}"),
        secret_files: Vec::new(),
        fields: Vec::new(),
        slots: 2,
    };
    let secrets = secrets.iter().map(|text| Secret::parse(text).expect("a secret")).collect();
    let allowed: AllowedHost = "127.0.0.1".parse().expect("a host");
    let egress = Egress::new([allowed]).expect("a client");
    Endpoint::new(settings, secrets, egress).expect("good settings")
}

/// The receiver refuses what is older than five minutes, by the machine's clock.
fn attempt(send: u128) -> Attempt {
    let now = Instant(Clock::system().now_ms());
    Attempt {
        send: SendId(send),
        number: 1,
        now,
        deadline: now.plus_ms(60_000),
        message: Message {
            to: Recipient { address: "ann".to_owned(), name: None },
            content: Content::Webhook(Webhook { body: BODY.to_owned() }),
        },
        permit: Box::new(Always),
    }
}

#[tokio::test]
async fn an_independent_receiver_verifies_the_signature() {
    // While secrets are changed, receivers know either of them.
    for known in [NEW, OLD] {
        let mut server = Independent::http(&["webhook", known]);
        let channel = endpoint(server.port, "200", &[NEW, OLD]);
        for number in 1..=2 {
            let outcome = channel.attempt(Attempt { number, ..attempt(7) }).await;
            assert_eq!(outcome, Outcome::Accepted { reply: "200".to_owned(), parts: 1 });
            let seen = server.next();
            assert_eq!(seen["sound"], true, "{seen}");
            assert_eq!(seen["said"], json!({"who": "ann", "what": "Grüße 😀"}));
            assert_eq!(seen["id"], SendId(7).to_string());
            assert_eq!(seen["type"], "application/json");
            assert_eq!(seen["signatures"].as_array().map(Vec::len), Some(2));
        }
    }
    let mut server = Independent::http(&["webhook", OLD]);
    endpoint(server.port, "200", &[NEW]).attempt(attempt(7)).await;
    assert_eq!(server.next()["said"], "No matching signature found");
    let late = Attempt { now: Instant(1_000), deadline: Instant(2_000), ..attempt(7) };
    endpoint(server.port, "200", &[OLD]).attempt(late).await;
    assert_eq!(server.next()["said"], "Message timestamp too old");
}

#[tokio::test]
async fn the_status_decides() {
    let mut server = Independent::http(&["webhook", NEW]);
    let asked = async |path: &str| endpoint(server.port, path, &[NEW]).attempt(attempt(1)).await;
    for path in ["200", "204", "299"] {
        assert!(matches!(asked(path).await, Outcome::Accepted { .. }), "{path}");
    }
    for path in ["400", "401", "404", "422"] {
        let outcome = asked(path).await;
        let Outcome::Rejected { code, suppress: None, .. } = outcome else {
            panic!("{path}: {outcome:?}");
        };
        assert_eq!(code.map(|code| code.to_string()).as_deref(), Some(path));
    }
    for (path, retry) in [
        ("429", Retry::Deferred),
        ("503", Retry::Deferred),
        ("302", Retry::Configuration),
        ("307", Retry::Configuration),
    ] {
        let outcome = asked(path).await;
        let Outcome::NotSent { retry: found, retry_after_ms: Some(7_000), .. } = outcome else {
            panic!("{path}: {outcome:?}");
        };
        assert_eq!(found, retry, "{path}");
    }
    for path in ["408", "500", "502", "504", "break"] {
        let outcome = asked(path).await;
        assert!(matches!(outcome, Outcome::Unknown { phase: Phase::Answer, .. }), "{outcome:?}");
    }
    for path in ["200", "204", "299", "400", "401", "404", "422", "429", "503", "302", "307"] {
        assert_eq!(server.next()["path"], format!("/{path}"));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_not_asked_again() {
    let mut server = Independent::http(&["webhook", NEW]);
    let channel = endpoint(server.port, "410", &[NEW]);
    let first = attempt(1);
    let since = first.now;
    for attempt in [first, attempt(2), attempt(3)] {
        let outcome = channel.attempt(attempt).await;
        let Outcome::Rejected { code: Some(410), reason, suppress: None, .. } = &outcome else {
            panic!("{outcome:?}");
        };
        let expected = "the endpoint is disabled: it said at";
        assert_eq!(*reason, format!("{expected} {since} that it is gone (410)"));
    }
    assert_eq!(server.next()["id"], SendId(1).to_string());
    endpoint(server.port, "200", &[NEW]).attempt(attempt(4)).await;
    assert_eq!(server.next()["id"], SendId(4).to_string(), "nothing was asked in between");
}

#[tokio::test]
async fn a_silent_endpoint_leaves_it_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let quick = Timeouts { hand_over: Duration::from_secs(20), answer: Duration::from_millis(50) };
    let outcome = endpoint(port, "200", &[NEW]).with_timeouts(quick).attempt(attempt(1)).await;
    assert!(matches!(&outcome, Outcome::Unknown { phase: Phase::Answer, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_look_says_whether_somebody_answers() {
    let server = Independent::http(&["webhook", NEW]);
    let found = endpoint(server.port, "200", &[NEW]).probe().await.expect("it answers");
    assert!(found.starts_with("somebody answers there ("), "{found}");
    let port = server.port;
    drop(server);
    let found = endpoint(port, "200", &[NEW]).probe().await.expect_err("nobody is there");
    assert!(found.starts_with("127.0.0.1: "), "{found}");
}
