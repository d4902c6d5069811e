//! Signatures, sent over the wire and verified by an independent verifier.

use std::path::Path;

use channels::email::dkim::Signer;
use channels::{Channel, Outcome};

use super::peers::{Independent, dkim_verifies, openssl};
use super::{attempt, plain, smtp};

/// The private key in PEM, and the record that publishes its public half.
fn key(directory: &Path, kind: &str) -> (String, String) {
    let make: &[&str] = match kind {
        "rsa" => &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        _ => &["genpkey", "-algorithm", "ed25519"],
    };
    let pem = String::from_utf8(openssl(directory, make)).expect("PEM is text");
    std::fs::write(directory.join("key.pem"), &pem).expect("a file");
    let public = openssl(directory, &["pkey", "-in", "key.pem", "-pubout"]);
    let public = String::from_utf8(public).expect("PEM is text");
    let base64: String = public.lines().filter(|line| !line.starts_with('-')).collect();
    // The record of an Ed25519 key holds the bare 32 bytes: 44 characters of the 60, as the
    // header before them is 12 bytes long.
    let bare = if kind == "rsa" { base64.as_str() } else { &base64[16..] };
    (pem, format!("v=DKIM1; k={kind}; p={bare}"))
}

#[tokio::test]
async fn an_independent_verifier_accepts_both_kinds_of_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    for kind in ["rsa", "ed25519"] {
        let (pem, record) = key(directory.path(), kind);
        let signer = Signer::from_pem("example.com", "s1", &pem, "key.pem").expect("a good key");
        let name = signer.record_name().to_owned();
        let mut server = Independent::mail(&[]);
        let channel = smtp(plain(server.port), Some(signer));
        let outcome = channel.attempt(attempt(1, "customer@example.org")).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        let seen = server.next();
        let message = seen["content"].as_str().expect("content");
        assert!(dkim_verifies(message, &name, &record), "{kind}: {message}");
        for (from, to) in [
            ("Hello", "Hollo"),
            ("/u/t0ken", "/u/other"),
            ("One-Click", "Two-Click"),
            ("To: ", "To: x"),
        ] {
            let tampered = message.replacen(from, to, 1);
            assert_ne!(tampered, message, "{from} is there");
            assert!(!dkim_verifies(&tampered, &name, &record), "{kind}: {from} is not covered");
        }
    }
}
