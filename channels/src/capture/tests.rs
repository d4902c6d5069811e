//! What is captured, kept and written.

use domain::ids::SendId;
use domain::time::Instant;
use futures_util::FutureExt;

use super::Capture;
use crate::channel::{Always, Attempt, Channel, Content, Message, Outcome, Permit, Recipient};
use crate::email::message::Email;

fn attempt(send: u128, permit: Box<dyn Permit>) -> Attempt {
    Attempt {
        send: SendId(send),
        number: 1,
        now: Instant(0),
        deadline: Instant(1_000),
        message: Message {
            to: Recipient { address: "a@example.com".to_owned(), name: None },
            content: Content::Email(Email { subject: "Hi".to_owned(), ..Email::default() }),
        },
        permit,
    }
}

#[test]
fn the_newest_are_kept() {
    let capture = Capture::new(3);
    let page = capture.clone();
    for send in 1..=5 {
        let outcome = capture.attempt(attempt(send, Box::new(Always))).now_or_never().unwrap();
        assert!(matches!(outcome, Outcome::Accepted { .. }));
    }
    assert_eq!(page.total(), 5);
    assert_eq!(page.newest(2).iter().map(|it| it.send.0).collect::<Vec<_>>(), [5, 4]);
    assert_eq!(page.all().iter().map(|it| it.send.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert!(page.find(SendId(1)).is_none());
    assert_eq!(page.find(SendId(4)).unwrap().number, 4);
}

#[derive(Debug)]
struct Gone;

impl Permit for Gone {
    fn holds(&self) -> bool {
        false
    }
}

#[test]
fn a_withdrawn_permit_counts() {
    let capture = Capture::default();
    let outcome = capture.attempt(attempt(1, Box::new(Gone))).now_or_never().unwrap();
    assert_eq!(outcome.label(), "not_sent");
    assert_eq!(capture.total(), 0);
}

#[test]
fn every_message_is_a_line() {
    let path = std::env::temp_dir().join(format!("cadencia-capture-{}", std::process::id()));
    let capture = Capture::with_lines(1, &path).unwrap();
    for send in 1..=3 {
        capture.attempt(attempt(send, Box::new(Always))).now_or_never().unwrap();
    }
    let lines = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["send"], format!("{:032x}", 3));
    assert_eq!(lines[2]["at"], "1970-01-01T00:00:00Z");
    assert_eq!(lines[2]["to"]["address"], "a@example.com");
    assert_eq!(lines[2]["content"]["email"]["subject"], "Hi");
}
