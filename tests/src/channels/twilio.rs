//! Text messages with Twilio's official client as the other side: it reads what we send, and we
//! send what it sends.

use std::collections::BTreeMap;
use std::time::Duration;

use channels::http::{AllowedHost, Egress, Timeouts};
use channels::sms::Sms;
use channels::sms::twilio::{SettingsError, Twilio};
use channels::{Always, Attempt, Channel, Content, Message, Outcome, Phase, Recipient, Retry};
use domain::channel::sms::{Sender, Sms as Settings, Twilio as Account};
use domain::ids::SendId;
use serde_json::{Value, json};

use super::NOW;
use super::peers::{Independent, ask_http_peer};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "0a1b2c3d4e5f";
const SERVICE: &str = "MG0123456789abcdef0123456789abcdef";

fn settings(port: u16) -> Settings {
    Settings {
        max_segments: 3,
        twilio: Account {
            account_sid: ACCOUNT.to_owned(),
            user: ACCOUNT.to_owned(),
            password_file: "twilio-token".to_owned(),
            auth_token_file: Some("twilio-token".to_owned()),
            sender: Sender::From("+34911234567".to_owned()),
            status_callback: None,
            base_url: format!("http://127.0.0.1:{port}"),
            slots: 4,
        },
    }
}

fn egress() -> Egress {
    Egress::new(["127.0.0.1".parse::<AllowedHost>().expect("a host")]).expect("a client")
}

fn twilio(settings: Settings) -> Twilio {
    Twilio::new(settings, &format!("{TOKEN}\n"), egress()).expect("good settings")
}

fn attempt(to: &str, text: &str) -> Attempt {
    Attempt {
        send: SendId(1),
        number: 1,
        now: NOW,
        deadline: NOW.plus_ms(60_000),
        message: Message {
            to: Recipient { address: to.to_owned(), name: None },
            content: Content::Sms(Sms::new(text)),
        },
        permit: Box::new(Always),
    }
}

fn server() -> Independent {
    Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN])
}

#[tokio::test]
async fn we_send_what_the_official_client_sends() {
    let mut server = server();
    let url = format!("http://127.0.0.1:{}", server.port);
    let callback = "https://shop.example/hooks?a=b&c=d";
    let text = "Ñandú & co: 50 % + 1 €\n=\"[ok]\" 😀 я";
    for sender in [
        Sender::From("+34911234567".to_owned()),
        Sender::From("Shop 24".to_owned()),
        Sender::MessagingService(SERVICE.to_owned()),
    ] {
        for status_callback in [None, Some(callback.to_owned())] {
            let mut ours = settings(server.port);
            ours.twilio.sender = sender.clone();
            ours.twilio.status_callback.clone_from(&status_callback);
            let outcome = twilio(ours).attempt(attempt("+34600123456", text)).await;
            let Outcome::Accepted { reply, .. } = outcome else { panic!("{outcome:?}") };
            assert!(reply.starts_with("SM"), "{reply}");
            assert!(reply.ends_with("; 1 segment of UCS-2"), "{reply}");
            let sent = server.next();
            let mut theirs = json!({"to": "+34600123456", "body": text});
            match &sender {
                Sender::From(from) => theirs["from_"] = json!(from),
                Sender::MessagingService(sid) => theirs["messaging_service_sid"] = json!(sid),
            }
            if let Some(callback) = status_callback {
                theirs["status_callback"] = json!(callback);
            }
            let read = ask_http_peer(&["twilio-client", &url, ACCOUNT, TOKEN], &theirs);
            assert!(read["sid"].as_str().is_some_and(|sid| sid.starts_with("SM")), "{read}");
            assert_eq!(sent, server.next());
        }
    }
}

#[tokio::test]
async fn answers_mean_what_the_client_takes_them_for() {
    let mut server = server();
    let url = format!("http://127.0.0.1:{}", server.port);
    let channel = twilio(settings(server.port));
    let expected: BTreeMap<&str, (&str, Value)> = BTreeMap::from([
        ("+155521211", ("rejected, hard_bounce", json!(21211))),
        ("+155521610", ("rejected, opted_out", json!(21610))),
        ("+155521408", ("rejected", json!(21408))),
        ("+155530003", ("rejected", json!(30003))),
        ("+155530005", ("rejected, hard_bounce", json!(30005))),
        ("+155521606", ("not sent, Configuration", json!(21606))),
        ("+155521611", ("not sent, Deferred", json!(21611))),
        ("+1556000", ("not sent, Deferred, 7000", json!(20429))),
        ("+1557000", ("unknown", json!(20500))),
    ]);
    for (to, (word, code)) in expected {
        let outcome = channel.attempt(attempt(to, "Hello")).await;
        assert_eq!(short(&outcome), word, "{to}: {outcome:?}");
        server.next();
        let given = json!({"to": to, "body": "Hello", "from_": "+34911234567"});
        let read = ask_http_peer(&["twilio-client", &url, ACCOUNT, TOKEN], &given);
        assert_eq!(read["code"], code, "{to}");
        server.next();
    }
    let broken = channel.attempt(attempt("+1558000", "Hello")).await;
    assert!(matches!(&broken, Outcome::Unknown { phase: Phase::Answer, .. }), "{broken:?}");
    assert_eq!(server.next()["form"]["To"], "+1558000");
    let good = channel.attempt(attempt("+34600123456", "Hello")).await;
    assert!(matches!(good, Outcome::Accepted { .. }), "{good:?}");
}

fn short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Rejected { suppress: Some(why), .. } => format!("rejected, {}", why.as_str()),
        Outcome::Rejected { .. } => "rejected".to_owned(),
        Outcome::NotSent { retry, retry_after_ms: None, .. } => format!("not sent, {retry:?}"),
        Outcome::NotSent { retry, retry_after_ms: Some(pause), .. } => {
            format!("not sent, {retry:?}, {pause}")
        }
        Outcome::Unknown { .. } => "unknown".to_owned(),
    }
}

#[tokio::test]
async fn credentials_come_from_the_settings() {
    let mut server = Independent::http(&["twilio", ACCOUNT, "SK0123", TOKEN]);
    let mut with_key = settings(server.port);
    with_key.twilio.user = "SK0123".to_owned();
    let good = twilio(with_key).attempt(attempt("+34600123456", "Hello")).await;
    assert!(matches!(good, Outcome::Accepted { .. }), "{good:?}");
    assert_eq!(server.next()["path"], format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    let outcome = twilio(settings(server.port)).attempt(attempt("+34600123456", "Hello")).await;
    assert!(
        matches!(&outcome, Outcome::NotSent { retry: Retry::Configuration, .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn what_cannot_go_never_leaves() {
    let mut server = server();
    let channel = twilio(settings(server.port));
    for (to, text, reason) in [
        ("600123456", "Hello", "the number is not in E.164"),
        ("+34 600 123 456", "Hello", "the number is not in E.164"),
        ("+34600123456", " \r\n\u{7}", "the message is empty"),
    ] {
        let outcome = channel.attempt(attempt(to, text)).await;
        let Outcome::Rejected { reason: why, suppress: None, .. } = &outcome else {
            panic!("{to} {text:?}: {outcome:?}");
        };
        assert_eq!(why, reason);
    }
    let long = channel.attempt(attempt("+34600123456", &"a".repeat(460))).await;
    let Outcome::Rejected { reason, .. } = &long else { panic!("{long:?}") };
    assert_eq!(reason, "the message takes 4 segments of GSM-7, the channel allows 3");
    let fits = channel.attempt(attempt("+34600123456", &"a".repeat(459))).await;
    assert!(matches!(fits, Outcome::Accepted { .. }), "{fits:?}");
    assert_eq!(server.next()["form"]["Body"].as_str().map(str::len), Some(459));
}

#[test]
fn a_password_is_not_shown_to_the_network() {
    let refuse = |base_url: &str, password: &str| {
        let mut settings = settings(1);
        settings.twilio.base_url = base_url.to_owned();
        Twilio::new(settings, password, egress()).map(drop)
    };
    assert_eq!(refuse("http://api.twilio.example", TOKEN), Err(SettingsError::InTheClear));
    assert!(matches!(refuse("https://10.0.0.1", TOKEN), Err(SettingsError::BaseUrl(_))));
    assert_eq!(refuse("https://api.twilio.example", "\n"), Err(SettingsError::Password));
    assert_eq!(refuse("https://api.twilio.example", "a\nb"), Err(SettingsError::Password));
    assert_eq!(refuse("https://api.twilio.example", TOKEN), Ok(()));
    let shown = format!("{:?}", twilio(settings(1)));
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[tokio::test]
async fn a_silent_server_leaves_it_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let timeouts =
        Timeouts { hand_over: Duration::from_secs(20), answer: Duration::from_millis(50) };
    let channel = twilio(settings(port)).with_timeouts(timeouts);
    let outcome = channel.attempt(attempt("+34600123456", "Hello")).await;
    assert!(matches!(&outcome, Outcome::Unknown { phase: Phase::Answer, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_look_says_whether_the_account_takes_the_password() {
    let server = server();
    let found = twilio(settings(server.port)).probe().await;
    assert_eq!(found.as_deref(), Ok("the account answers and takes the password"));
    let other = Twilio::new(settings(server.port), "wrong", egress()).expect("good settings");
    let found = other.probe().await;
    assert_eq!(found, Err("the user or its password is not taken".to_owned()));
    let mut unknown = settings(server.port);
    unknown.twilio.account_sid = "AC00000000000000000000000000000000".to_owned();
    assert_eq!(twilio(unknown).probe().await, Err("there is no such account".to_owned()));
    let port = server.port;
    drop(server);
    let found = twilio(settings(port)).probe().await.expect_err("nobody is there");
    assert!(found.starts_with("127.0.0.1: "), "{found}");
}
