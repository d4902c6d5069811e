//! Tokens: what is issued verifies, and nothing else does.

use domain::ids::SendId;
use proptest::prelude::*;

use super::{Claim, FIELD_BYTES_MAX, IssueError, Keys, KeysError, TokenError};

const OLD: &[u8] = b"an old secret of enough bytes";
const NEW: &[u8] = b"a new secret of enough bytes";

fn claim(customer: &str, topic: &str) -> Claim {
    Claim {
        customer: customer.into(),
        send: SendId(0x0123_4567_89ab_cdef),
        channel: "email".into(),
        topic: (!topic.is_empty()).then(|| topic.into()),
        class: "marketing".into(),
    }
}

#[test]
fn keys_rotate() {
    let old = Keys::new([(1, OLD)]).unwrap();
    let both = Keys::new([(2, NEW), (1, OLD)]).unwrap();
    let new = Keys::new([(2, NEW)]).unwrap();
    let token = old.issue(&claim("u1", "carts")).unwrap();
    assert_eq!(both.verify(&token), Ok(claim("u1", "carts")));
    assert_eq!(new.verify(&token), Err(TokenError::UnknownKey));
    let other = Keys::new([(1, NEW)]).unwrap();
    assert_eq!(other.verify(&token), Err(TokenError::Forged));
    assert!(new.verify(&both.issue(&claim("u1", "")).unwrap()).is_ok());
    assert!(token.len() < 100, "a folded header breaks signatures: {token}");
}

#[test]
fn keys_are_checked() {
    assert_eq!(Keys::new([]).unwrap_err(), KeysError::None);
    assert_eq!(Keys::new([(3, &b"short"[..])]).unwrap_err(), KeysError::Short(3));
    assert_eq!(Keys::new([(3, OLD), (3, NEW)]).unwrap_err(), KeysError::Twice(3));
    assert_eq!(format!("{:?}", Keys::new([(3, OLD)]).unwrap()), "[3]");
}

#[test]
fn long_ids_get_no_token() {
    let keys = Keys::new([(1, OLD)]).unwrap();
    let longest = "x".repeat(FIELD_BYTES_MAX);
    let token = keys.issue(&claim(&longest, &longest)).unwrap();
    assert_eq!(keys.verify(&token), Ok(claim(&longest, &longest)));
    let longer = "x".repeat(FIELD_BYTES_MAX + 1);
    assert_eq!(keys.issue(&claim(&longer, "")), Err(IssueError::TooLong("customer")));
}

#[test]
fn every_changed_character_is_noticed() {
    let keys = Keys::new([(1, OLD)]).unwrap();
    let token = keys.issue(&claim("u1", "carts")).unwrap();
    for at in 0..token.len() {
        for by in ["A", "_", "9", "=", "%", ""] {
            let mut changed = token.clone();
            changed.replace_range(at..=at, by);
            assert!(changed == token || keys.verify(&changed).is_err(), "{at} {by}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_issued_verifies(customer in "\\PC{1,40}", topic in "\\PC{0,20}", send: u128) {
        let keys = Keys::new([(1, OLD)]).unwrap();
        let claim = Claim { send: SendId(send), ..claim(&customer, &topic) };
        let token = keys.issue(&claim).unwrap();
        prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(keys.verify(&token), Ok(claim));
    }

    #[test]
    fn nothing_else_verifies(token in "[A-Za-z0-9_-]{0,120}|\\PC{0,60}") {
        prop_assert!(Keys::new([(1, OLD)]).unwrap().verify(&token).is_err());
    }
}
