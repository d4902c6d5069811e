//! What comes over the network and from files of others: events, imports, replies, tokens.

use std::future::Future;
use std::io::{self, Cursor};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};

use cadencia::import::Mapping;
use cadencia::web::api::tracking;
use channels::email::message::{Email, Identity};
use channels::email::smtp::{Dial, Io, Security, Settings, Smtp};
use channels::unsubscribe::{Claim, Keys};
use channels::{Always, Attempt, Channel, Content, Message, Outcome, Recipient};
use domain::event::Recorded;
use domain::ids::SendId;
use domain::time::Instant;

use super::corpus::{files, texts};
use super::driver::{Target, fuzz};

const NOW: Instant = Instant(1_774_744_200_000);

fn event(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for kind in [None, Some("track"), Some("identify"), Some("alias")] {
        match tracking::read(text, kind, NOW) {
            Ok(tracking::Item::Alias(_)) => {}
            Ok(tracking::Item::Events(events)) => {
                for event in &events {
                    assert!(event.occurred_at <= NOW && !event.message_id.is_empty());
                    assert!(!event.customer.as_str().is_empty());
                }
                assert!(!events.is_empty());
            }
            Err((_, detail)) => assert!(!detail.is_empty()),
        }
    }
}

/// What an import sends to a server.
fn recorded(input: &[u8]) {
    if let Ok(all) = engine::codec::decode::<Vec<Recorded>>("events", input) {
        let written = engine::codec::encode(&all);
        // As bytes: what is not a number is not equal to itself.
        let again: Vec<Recorded> = engine::codec::decode("events", &written).expect("it is read");
        assert_eq!(engine::codec::encode(&again), written);
        for one in &all {
            if let Recorded::Event(event) = one {
                assert!(event.bytes() <= 6 * input.len(), "{} bytes", event.bytes());
            }
        }
    }
}

/// Rejects of an import name a line of the file.
fn import(mapping: &Mapping, input: &[u8]) {
    let lines = input.iter().filter(|byte| **byte == b'\n').count() + 1;
    let packed = input.starts_with(&[0x1f, 0x8b]);
    for item in crate::import::read(mapping, input) {
        let Some(line) = item.strip_prefix("line ") else { continue };
        let number = line.split_once(": ").and_then(|(number, _)| number.parse::<usize>().ok());
        assert!(packed || number.is_none_or(|number| (1..=lines).contains(&number)), "{item}");
    }
}

fn csv(input: &[u8]) {
    import(&crate::import::SHOP, input);
}

fn ndjson(input: &[u8]) {
    import(&Mapping::segment("shop"), input);
}

/// A server that says the same bytes to everybody, and then nothing.
#[derive(Clone, Debug, Default)]
struct Says(Arc<Mutex<Vec<u8>>>);

type Dialed<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send + 'a>>;

impl Dial for Says {
    fn dial(&self) -> Dialed<'_> {
        let said = Cursor::new(self.0.lock().expect("no panic").clone());
        Box::pin(
            async move { Ok(Box::new(tokio::io::join(said, tokio::io::sink())) as Box<dyn Io>) },
        )
    }
}

static SAYS: LazyLock<(Says, Smtp)> = LazyLock::new(|| {
    let says = Says::default();
    let from = Recipient { address: "shop@example.com".to_owned(), name: None };
    let identity = Identity::new(&from, None, None, None).expect("an identity");
    // One message per connection: what one input leaves behind is no part of the next.
    let settings = Settings {
        security: Security::None,
        messages_per_connection_max: 1,
        ..Settings::new("127.0.0.1", 25, "client.example")
    };
    let smtp = Smtp::with_dial(settings, identity, None, Box::new(says.clone()));
    (says, smtp.expect("sound settings"))
});

fn replies(input: &[u8]) {
    let (says, smtp) = &*SAYS;
    input.clone_into(&mut says.0.lock().expect("no panic"));
    let email =
        Email { subject: "Hello".to_owned(), text: Some("Hello".to_owned()), ..Email::default() };
    let attempt = Attempt {
        send: SendId(7),
        number: 1,
        now: NOW,
        deadline: NOW.plus_ms(60_000),
        message: Message {
            to: Recipient { address: "customer@example.org".to_owned(), name: None },
            content: Content::Email(email),
        },
        permit: Box::new(Always),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let outcome = runtime.expect("a runtime").block_on(smtp.attempt(attempt));
    // Nothing is accepted, or in doubt, before the server has asked for the message.
    let asked = input.windows(3).any(|three| three == b"354");
    let sent = matches!(outcome, Outcome::Accepted { .. } | Outcome::Unknown { .. });
    assert!(asked || !sent, "{outcome:?}");
}

static KEYS: LazyLock<Keys> =
    LazyLock::new(|| Keys::new([(1, &b"sixteen bytes of"[..])]).expect("a key"));

fn claim() -> Claim {
    Claim {
        customer: "ana".into(),
        send: SendId(7),
        channel: "email".into(),
        topic: Some("news".into()),
        class: "marketing".into(),
    }
}

/// Whatever is verified is what was issued: nobody can make another token.
fn token(input: &[u8]) {
    if let Ok(found) = KEYS.verify(&String::from_utf8_lossy(input)) {
        assert_eq!(found, claim());
    }
}

#[test]
fn events_in_json() {
    let corpus = texts(&[
        r#"{"type":"track","userId":"u1","event":"Bought","properties":{"a":[1,{"b":null}]},
            "timestamp":"2026-03-01T10:00:00.5Z","sentAt":"2026-03-01T10:00:01Z","messageId":"m"}"#,
        r#"{"type":"identify","anonymousId":7,"traits":{"email":"a@b.example"},
            "context":{"timezone":"Europe/Madrid","library":{"name":"x"}}}"#,
        r#"{"type":"identify","userId":"u","consent":[{"channel":"email","topic":"news",
            "permission":"granted","source":"form"}],"originalTimestamp":"2026-03-01T10:00:00Z"}"#,
    ]);
    fuzz(&Target { name: "events_in_json", inputs: 40_000, corpus, run: event });
}

#[test]
fn recorded_events() {
    let call = |text: &str| match tracking::read(text, None, NOW) {
        Ok(tracking::Item::Events(events)) => events.into_iter().map(Recorded::Event).collect(),
        Ok(tracking::Item::Alias(alias)) => vec![Recorded::Alias(alias)],
        Err((_, detail)) => panic!("{detail}"),
    };
    let events = [
        r#"{"type":"track","userId":"u1","event":"Bought","properties":{"a":[1,{"b":[[[]]]}]}}"#,
        r#"{"type":"identify","userId":"u","traits":{"n":1e9,"t":"x"},
            "consent":[{"topic":"news","permission":"denied"}]}"#,
        r#"{"type":"alias","previousId":"a","userId":"b"}"#,
    ];
    let mut corpus: Vec<Vec<u8>> =
        events.iter().map(|text| engine::codec::encode(&call(text))).collect();
    // A deep list, and a deep map.
    corpus.extend([&[5, 1][..], &[6, 1, 0]].map(|level| {
        let mut deep = corpus[0][..20].to_vec();
        deep.extend(level.repeat(10_000));
        deep
    }));
    fuzz(&Target { name: "recorded_events", inputs: 40_000, corpus, run: recorded });
}

#[test]
fn imports_in_csv() {
    let corpus = texts(&[
        "U,T,K,G,A,B,Z\n7,2020-01-01T00:00:00Z,k1,g,1.5,2,Europe/Madrid\n8,x,\"k\n2\",g,,,\n",
        "U;T;K;Z\n\"7\"\"\";2020-01-01;k;UTC\r\n",
    ]);
    fuzz(&Target { name: "imports_in_csv", inputs: 4_000, corpus, run: csv });
}

#[test]
fn imports_in_ndjson() {
    let mut corpus = texts(&[
        "{\"type\":\"track\",\"userId\":\"7\",\"event\":\"E\",\"properties\":{\"n\":1}}\n{}\n\n",
        "{\"type\":\"identify\",\"userId\":\"7\",\"traits\":{\"timezone\":\"Asia/Tokyo\"}}\r\n",
    ]);
    corpus
        .extend(files(".ndjson.gz").into_iter().map(|file| file[..file.len().min(4_096)].to_vec()));
    fuzz(&Target { name: "imports_in_ndjson", inputs: 1_500, corpus, run: ndjson });
}

#[test]
fn smtp_replies() {
    let corpus = texts(&[
        "220 hi\r\n250-me\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1\r\n250 2.1.0 ok\r\n\
         250 2.1.5 ok\r\n354 go\r\n250 2.0.0 queued as 7\r\n",
        "220 hi\r\n250 me\r\n250 ok\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n",
        "220 hi\r\n250 me\r\n250 ok\r\n250 ok\r\n354 go\r\n451 4.7.1 in 300 seconds\r\n",
        "421 4.3.2 closing\r\n",
        "220-hi\r\n220 there\r\n250-me\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
    ]);
    fuzz(&Target { name: "smtp_replies", inputs: 4_000, corpus, run: replies });
}

#[test]
fn unsubscribe_tokens() {
    let corpus = vec![KEYS.issue(&claim()).expect("a token").into_bytes()];
    fuzz(&Target { name: "unsubscribe_tokens", inputs: 60_000, corpus, run: token });
}
