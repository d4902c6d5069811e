//! Replies as servers really write them, and what each means.

use super::{Enhanced, Reply, is_hard_bounce, outcome, retry_after_ms};
use crate::channel::{Outcome, Phase};

fn reply(text: &str) -> Reply {
    let (code, text) = text.split_at(3);
    Reply::new(code.parse().unwrap(), text.trim_start().lines())
}

#[test]
fn enhanced_codes_are_read() {
    for (text, expected) in [
        ("5.1.1 no such user", Some(("5.1.1", "no such user"))),
        ("2.0.0", Some(("2.0.0", ""))),
        ("4.7.650 blocked", Some(("4.7.650", "blocked"))),
        ("5.1.1no", Some(("5.1.1", "no"))),
        ("5.1 no", None),
        ("5.1.1.1 no", None),
        ("3.1.1 no", None),
        ("5.1.1000 no", None),
        ("127.0.0.1 listed", None),
        ("", None),
        ("...", None),
    ] {
        let parsed = Enhanced::parse(text);
        let parsed = parsed.map(|(code, rest)| (code.to_string(), rest));
        assert_eq!(parsed, expected.map(|(code, rest)| (code.to_owned(), rest)), "{text}");
    }
    let many = Reply::new(550, ["5.1.1 The account", "5.1.1 does not exist"]);
    assert_eq!(many.to_string(), "550 5.1.1 The account does not exist");
}

#[test]
fn only_bad_addresses_are_suppressed() {
    for (text, suppressed) in [
        ("550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in table", true),
        ("550-5.1.1 The email account that you tried to reach does not exist", true),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by lookup", true),
        ("550 5.1.2 Host unknown", true),
        ("550 5.1.6 Recipient no longer on server", true),
        ("550 5.2.1 The email account that you tried to reach is disabled", true),
        ("556 5.1.10 Domain does not accept mail (nullMX)", true),
        ("550 No such user here", true),
        ("550 Requested action not taken: mailbox unavailable", true),
        ("550 5.0.0 Unknown user", true),
        ("551 User does not exist here", true),
        // The sender, the content or the moment is at fault: the address stays.
        ("550 5.7.1 Message rejected as spam", false),
        ("550 5.7.26 Unauthenticated email is not accepted (DMARC)", false),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen", false),
        ("550 5.1.1 Message blocked due to reputation", false),
        ("550 Mail content denied", false),
        ("552 5.2.2 The mailbox is over quota", false),
        ("554 5.4.14 Hop count exceeded", false),
        ("550 5.4.1 Relay access denied", false),
        ("550 relaying denied, user unknown", false),
        ("554 Transaction failed", false),
        ("501 5.1.7 Bad sender address syntax", false),
        ("450 4.1.1 User unknown for now", false),
        ("452 4.2.2 Mailbox full", false),
    ] {
        for phase in [Phase::Recipient, Phase::Answer] {
            assert_eq!(is_hard_bounce(phase, &reply(text)), suppressed, "{text}");
        }
    }
    // Without an enhanced code, a refusal of the sender says nothing of the recipient.
    assert!(!is_hard_bounce(Phase::Mail, &reply("550 No such user here")));
}

#[test]
fn pauses_are_read() {
    for (text, expected) in [
        ("450 4.2.0 Greylisted, see http://example.com", Some(300_000)),
        ("451 4.7.1 Please try again in 90 seconds", Some(90_000)),
        ("451 retry in 5 minutes, 2 seconds", Some(300_000)),
        ("421 come back in 1 hour", Some(3_600_000)),
        ("451 wait 99999999999999999999 hours", None),
        ("451 wait 9999999999999999999 hours", Some(86_400_000)),
        ("450 try later", None),
        ("550 wait 5 minutes", None),
    ] {
        assert_eq!(retry_after_ms(&reply(text)), expected, "{text}");
    }
}

#[test]
fn labels_follow_phase_and_code() {
    for (phase, text, expected) in [
        (Phase::Banner, "554 no service", "not_sent"),
        (Phase::Auth, "535 5.7.8 bad credentials", "not_sent"),
        (Phase::Mail, "530 5.7.0 must issue STARTTLS first", "not_sent"),
        (Phase::Mail, "550 5.7.1 sender refused", "rejected"),
        (Phase::Recipient, "451 later", "not_sent"),
        (Phase::Recipient, "550 no", "rejected"),
        (Phase::Data, "554 no valid recipients", "rejected"),
        (Phase::Answer, "250 queued", "accepted"),
        (Phase::Answer, "251 queued elsewhere", "accepted"),
        (Phase::Answer, "452 out of storage", "not_sent"),
        (Phase::Answer, "554 spam", "rejected"),
        (Phase::Answer, "354 go", "unknown"),
        (Phase::Answer, "334 go", "unknown"),
    ] {
        assert_eq!(outcome(phase, &reply(text)).label(), expected, "{phase} {text}");
    }
    let Outcome::NotSent { retry_after_ms, .. } =
        outcome(Phase::Recipient, &reply("450 4.2.0 greylisted for 60 seconds"))
    else {
        panic!("not deferred");
    };
    assert_eq!(retry_after_ms, Some(60_000));
}
