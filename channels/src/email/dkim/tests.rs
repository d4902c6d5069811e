//! Keys and signatures. That others verify them is checked with a real verifier in `tests/`.

use std::process::Command;

use super::{KeyError, Signer};

const MESSAGE: &[u8] = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: Hi\r\n\
    List-Unsubscribe: <https://example.com/u>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nHello\r\n";

fn pem(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn rsa(bits: &str) -> String {
    pem(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")])
}

#[test]
fn signatures_cover_what_they_must() {
    for key in [
        rsa("2048"),
        pem(&["genrsa", "-traditional", "2048"]),
        pem(&["genpkey", "-algorithm", "ed25519"]),
    ] {
        let signer = Signer::from_pem("example.com", "s1", &key, "key.pem").unwrap();
        assert_eq!(signer.record_name(), "s1._domainkey.example.com");
        let header = signer.sign(MESSAGE).unwrap();
        assert!(header.starts_with("DKIM-Signature: "), "{header}");
        assert!(header.ends_with("\r\n"), "{header}");
        let flat = header.replace(['\r', '\n', '\t', ' '], "").to_lowercase();
        assert!(flat.contains("c=relaxed/relaxed"), "{flat}");
        let signed = flat.split("h=").nth(1).unwrap().split(';').next().unwrap();
        for name in ["from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post"] {
            assert!(signed.split(':').any(|it| it == name), "{name} in {signed}");
        }
    }
}

#[test]
fn errors_say_where_the_key_came_from() {
    let from = |pem: &str| Signer::from_pem("example.com", "s1", pem, "keys/dkim.pem").unwrap_err();
    for text in ["", "not a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
        let error = from(text);
        assert!(matches!(error, KeyError::NoKey { .. }), "{error}");
        assert!(error.to_string().starts_with("keys/dkim.pem: "), "{error}");
    }
    let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(matches!(from(broken), KeyError::Unusable { .. }));
    let curve = pem(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    assert!(matches!(from(&curve), KeyError::Unusable { .. }));
    for name in ["", "a b", "x\r\ny", ".", "a..b"] {
        assert!(matches!(Signer::from_pem(name, "s1", "", ""), Err(KeyError::Name(_))), "{name:?}");
    }
}
