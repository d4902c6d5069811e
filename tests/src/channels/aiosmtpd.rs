//! Against an independent mail server: credentials, TLS, and what arrives.

use channels::email::smtp::{Credentials, Security, Settings};
use channels::{Channel, Outcome, Phase, Retry};
use tempfile::TempDir;

use super::peers::{Independent, openssl};
use super::{attempt, plain, smtp};

fn credentials(password: &str) -> Option<Credentials> {
    Some(Credentials { user: "cadencia".to_owned(), password: password.to_owned() })
}

#[tokio::test]
async fn the_content_arrives_as_it_was_built() {
    let mut server = Independent::mail(&[]);
    let channel = smtp(plain(server.port), None);
    for send in 1..=3 {
        let outcome = channel.attempt(attempt(send, "customer@example.org")).await;
        assert!(matches!(&outcome, Outcome::Accepted { reply, .. } if reply == "250 2.0.0 taken"));
        let seen = server.next();
        assert_eq!(seen["from"], "shop@example.com");
        assert_eq!(seen["to"], serde_json::json!(["customer@example.org"]));
        let content = seen["content"].as_str().expect("content");
        assert!(content.contains(&format!("Message-ID: <{send:032x}@example.com>\r\n")));
        assert!(content.contains("\r\n.\r\n..two\r\n"), "dots are doubled on the wire only");
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = Independent::mail(&[]);
    let channel = smtp(plain(server.port), None);
    let unknown = channel.attempt(attempt(1, "unknown@example.org")).await;
    assert!(matches!(&unknown, Outcome::Rejected { code: Some(550), suppress: Some(_), .. }));
    let later = channel.attempt(attempt(2, "later@example.org")).await;
    let Outcome::NotSent { retry: Retry::Deferred, retry_after_ms, .. } = later else {
        panic!("{later:?}");
    };
    assert_eq!(retry_after_ms, Some(300_000));
    let spam = channel.attempt(attempt(3, "spam@example.org")).await;
    assert!(matches!(&spam, Outcome::Rejected { code: Some(554), suppress: None, .. }));
    let good = channel.attempt(attempt(4, "customer@example.org")).await;
    assert!(matches!(good, Outcome::Accepted { .. }), "{good:?}");
}

#[tokio::test]
async fn credentials_are_presented() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let auth = ["--auth", "cadencia", "s3cret pass", "--only", mechanism];
        let mut server = Independent::mail(&auth);
        let settings = |password| Settings {
            credentials: credentials(password),
            credentials_in_the_clear: true,
            ..plain(server.port)
        };
        let channel = smtp(settings("s3cret pass"), None);
        let wrong = smtp(settings("wrong"), None);
        let outcome = wrong.attempt(attempt(1, "customer@example.org")).await;
        let Outcome::NotSent { phase: Phase::Auth, retry: Retry::Configuration, reason, .. } =
            outcome
        else {
            panic!("{mechanism}: {outcome:?}");
        };
        assert!(reason.starts_with("535 5.7.8"), "{reason}");
        let outcome = channel.attempt(attempt(2, "customer@example.org")).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{mechanism}: {outcome:?}");
        assert_eq!(server.next()["user"], "cadencia");
    }
    let server = Independent::mail(&["--auth", "cadencia", "x"]);
    let outcome = smtp(plain(server.port), None).attempt(attempt(1, "a@example.org")).await;
    assert!(
        matches!(&outcome, Outcome::NotSent { retry: Retry::Configuration, .. }),
        "{outcome:?}"
    );
}

/// A certificate of its own for 127.0.0.1: the directory with `cert.pem` and `key.pem`.
fn certificate() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let subject = ["-subj", "/CN=mail.test", "-addext", "subjectAltName=IP:127.0.0.1"];
    // A server's certificate, not an authority's.
    let end = ["-addext", "basicConstraints=critical,CA:FALSE"];
    let files = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2"];
    let kind = ["req", "-x509", "-newkey", "rsa:2048", "-nodes"];
    openssl(directory.path(), &[&kind[..], &files[..], &subject[..], &end[..]].concat());
    directory
}

#[tokio::test]
async fn starttls_protects_the_credentials() {
    let files = certificate();
    let path = |name: &str| files.path().join(name).to_string_lossy().into_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let arguments = ["--tls", &cert, &key, "--auth", "cadencia", "s3cret"];
    let mut server = Independent::mail(&arguments);
    let settings = Settings {
        security: Security::Required,
        credentials: credentials("s3cret"),
        authorities_pem: Some(std::fs::read_to_string(&cert).expect("the certificate")),
        ..plain(server.port)
    };
    let outcome = smtp(settings.clone(), None).attempt(attempt(1, "customer@example.org")).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    let seen = server.next();
    assert_eq!((&seen["tls"], &seen["user"]), (&true.into(), &"cadencia".into()));

    // The public authorities do not know it: nothing goes out, least of all the password.
    let distrusting = Settings { authorities_pem: None, ..settings.clone() };
    let outcome = smtp(distrusting, None).attempt(attempt(2, "customer@example.org")).await;
    assert!(matches!(&outcome, Outcome::NotSent { phase: Phase::Tls, .. }), "{outcome:?}");

    let careless = Settings {
        security: Security::Opportunistic,
        authorities_pem: None,
        credentials_in_the_clear: true,
        ..settings
    };
    let outcome = smtp(careless, None).attempt(attempt(3, "customer@example.org")).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(server.next()["tls"], true);
}

#[tokio::test]
async fn required_tls_that_is_not_offered_stops_the_mail() {
    let server = Independent::mail(&[]);
    let settings = Settings { security: Security::Required, ..plain(server.port) };
    let outcome = smtp(settings, None).attempt(attempt(1, "customer@example.org")).await;
    assert!(
        matches!(&outcome, Outcome::NotSent { retry: Retry::Configuration, .. }),
        "{outcome:?}"
    );
}
