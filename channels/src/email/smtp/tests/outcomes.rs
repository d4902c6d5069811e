//! A fault at every phase, and the outcome that it must lead to. After each, the same provider
//! must get the next message through with its own reply.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::server::{Fault, Point, Server, say};
use super::{attempt, attempt_with, message_id, settings, smtp};
use crate::channel::{Channel, Outcome, Permit};
use crate::email::smtp::Smtp;

const SMALL: usize = 100;
/// More than fits a pipe: its end cannot be written while nobody reads.
const LARGE: usize = 100_000;

fn short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Rejected { suppress, .. } => format!("rejected suppress={}", suppress.is_some()),
        Outcome::NotSent { phase, retry, .. } => format!("not sent, {phase}, {retry:?}"),
        Outcome::Unknown { phase, .. } => format!("unknown, {phase}"),
    }
}

async fn next_message_gets_through(smtp: &Smtp, server: &Arc<Server>) {
    let outcome = smtp.attempt(attempt(99, SMALL)).await;
    let Outcome::Accepted { reply, .. } = &outcome else { panic!("next message: {outcome:?}") };
    assert!(reply.contains(&message_id(99)), "a reply to another message: {reply}");
    assert_eq!(server.seen.lock().unwrap()[&message_id(99)].len(), 1);
}

async fn check_with(bytes: usize, point: Point, fault: Fault, expected: &str) {
    for pipelining in [false, true] {
        let server = Server::with_fault(pipelining, point, fault.clone());
        let smtp = smtp(&server, settings());
        let outcome = smtp.attempt(attempt(1, bytes)).await;
        let context = format!("{point:?} {fault:?} pipelining={pipelining}: {outcome:?}");
        assert_eq!(short(&outcome), expected, "{context}");
        next_message_gets_through(&smtp, &server).await;
    }
}

async fn check(point: Point, fault: Fault, expected: &str) {
    check_with(SMALL, point, fault, expected).await;
}

/// What is no SMTP, whatever it is a reply to.
fn garbage() -> Vec<Fault> {
    vec![
        say("hello"),
        say("25"),
        say("999 what"),
        say("250-one\r\n550 two"),
        Fault::Say(vec![b'2'; 10_000]),
        Fault::Say(b"250-more\r\n".repeat(500)),
        Fault::Say(b"\r\n\r\n\r\n".to_vec()),
        Fault::Say(b"\0\0\0\n".to_vec()),
    ]
}

#[tokio::test(start_paused = true)]
async fn before_the_transaction_nothing_is_sent() {
    for (point, phase) in
        [(Point::Connect, "connect"), (Point::Banner, "banner"), (Point::Hello, "hello")]
    {
        let expected = format!("not sent, {phase}, Unreachable");
        for fault in [Fault::Close, Fault::Hang] {
            check(point, fault, &expected).await;
        }
        if point != Point::Connect {
            for fault in [say("421 busy"), say("554 go away"), say("450 later")] {
                check(point, fault, &expected).await;
            }
            for fault in garbage() {
                check(point, fault, &expected).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn within_the_transaction_the_server_decides() {
    for (point, phase) in
        [(Point::Mail, "mail"), (Point::Recipient, "recipient"), (Point::Data, "data")]
    {
        let unreachable = format!("not sent, {phase}, Unreachable");
        check(point, say("450 4.2.0 later"), &format!("not sent, {phase}, Deferred")).await;
        check(point, say("421 4.3.2 closing"), &unreachable).await;
        check(point, Fault::SayAndClose(b"421 closing\r\n".to_vec()), &unreachable).await;
        check(point, say("530 5.7.0 log in"), &format!("not sent, {phase}, Configuration")).await;
        check(point, say("550 5.7.1 policy"), "rejected suppress=false").await;
        let bounce = format!("rejected suppress={}", point != Point::Mail);
        check(point, say("550-5.1.1 no\r\n550 5.1.1 such user"), &bounce).await;
        check(point, say("334 challenge"), &unreachable).await;
        check(point, Fault::Close, &unreachable).await;
        check(point, Fault::Hang, &unreachable).await;
        for fault in garbage() {
            check(point, fault, &unreachable).await;
        }
    }
    check(Point::Data, say("250 not what you expect"), "not sent, data, Unreachable").await;
}

#[tokio::test(start_paused = true)]
async fn a_body_without_its_end_is_not_sent() {
    check_with(LARGE, Point::Body, Fault::Close, "not sent, body, Unreachable").await;
    check_with(LARGE, Point::Body, Fault::Hang, "not sent, body, Unreachable").await;
}

#[tokio::test(start_paused = true)]
async fn after_the_end_only_an_answer_decides() {
    for bytes in [SMALL, LARGE] {
        let answer = Point::Answer;
        check_with(bytes, answer, say("250"), "accepted").await;
        check_with(bytes, answer, say("250-a\r\n250 b"), "accepted").await;
        check_with(bytes, answer, Fault::Say(b"250 \xff\xfe gr\xfc\xdfe\r\n".to_vec()), "accepted")
            .await;
        check_with(bytes, answer, say("451 4.3.0 later"), "not sent, answer, Deferred").await;
        check_with(bytes, answer, say("421 4.3.0 later"), "not sent, answer, Unreachable").await;
        check_with(bytes, answer, say("554 5.7.1 spam"), "rejected suppress=false").await;
        check_with(bytes, answer, say("550 5.1.1 no such user"), "rejected suppress=true").await;
        check_with(bytes, answer, say("354 go"), "unknown, answer").await;
        check_with(bytes, answer, Fault::Close, "unknown, answer").await;
        check_with(bytes, answer, Fault::Hang, "unknown, answer").await;
        for fault in garbage() {
            check_with(bytes, answer, fault, "unknown, answer").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_was_closed_is_replaced_at_once() {
    for fault in [Fault::Close, Fault::SayAndClose(b"421 idle too long\r\n".to_vec())] {
        let count = Mutex::new(0);
        let server = Server::new(true, move |point| {
            let mut count = count.lock().unwrap();
            *count += usize::from(point == Point::Mail);
            (point == Point::Mail && *count == 2).then(|| fault.clone())
        });
        let smtp = smtp(&server, settings());
        assert_eq!(short(&smtp.attempt(attempt(1, SMALL)).await), "accepted");
        assert_eq!(short(&smtp.attempt(attempt(2, SMALL)).await), "accepted");
        assert_eq!(*server.connections.lock().unwrap(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_farewell_on_an_idle_connection_is_seen_before_it_is_used() {
    let farewell = Fault::Say(b"250 queued\r\n421 idle too long\r\n".to_vec());
    let server = Server::with_fault(true, Point::Answer, farewell);
    let smtp = smtp(&server, settings());
    assert_eq!(short(&smtp.attempt(attempt(1, SMALL)).await), "accepted");
    next_message_gets_through(&smtp, &server).await;
    assert_eq!(*server.connections.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn connections_are_reused_up_to_their_limits() {
    let server = Server::new(true, |_| None);
    let limited = super::Settings { messages_per_connection_max: 3, ..settings() };
    let smtp = smtp(&server, limited);
    for send in 1..=7 {
        assert_eq!(short(&smtp.attempt(attempt(send, SMALL)).await), "accepted");
    }
    assert_eq!(*server.connections.lock().unwrap(), 3);
    let mut later = attempt(8, SMALL);
    later.now = later.now.plus_ms(60_000);
    later.deadline = later.now.plus_ms(60_000);
    assert_eq!(short(&smtp.attempt(later).await), "accepted");
    assert_eq!(*server.connections.lock().unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_refused_recipient_does_not_cost_the_connection() {
    for pipelining in [false, true] {
        let server = Server::with_fault(pipelining, Point::Recipient, say("550 5.1.1 unknown"));
        let smtp = smtp(&server, settings());
        assert_eq!(short(&smtp.attempt(attempt(1, SMALL)).await), "rejected suppress=true");
        next_message_gets_through(&smtp, &server).await;
        assert_eq!(*server.connections.lock().unwrap(), 1);
    }
}

#[derive(Debug)]
struct Withdrawn(Arc<AtomicBool>);

impl Permit for Withdrawn {
    fn holds(&self) -> bool {
        self.0.store(true, Ordering::SeqCst);
        false
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_permit_holds_the_end_back() {
    for bytes in [SMALL, LARGE] {
        let server = Server::new(true, |_| None);
        let smtp = smtp(&server, settings());
        let asked = Arc::new(AtomicBool::new(false));
        let permit = Box::new(Withdrawn(Arc::clone(&asked)));
        let outcome = smtp.attempt(attempt_with(1, bytes, 1_000_000, permit)).await;
        assert_eq!(short(&outcome), "not sent, body, Expired");
        assert!(asked.load(Ordering::SeqCst));
        next_message_gets_through(&smtp, &server).await;
        assert!(!server.seen.lock().unwrap().contains_key(&message_id(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_what_is_not_complete_and_only_that() {
    let late = |send| attempt_with(send, SMALL, 5_000, Box::new(crate::channel::Always));
    for (point, expected) in [
        (Point::Banner, "not sent, banner, Expired"),
        (Point::Data, "not sent, data, Expired"),
        (Point::Answer, "unknown, answer"),
    ] {
        let server = Server::with_fault(true, point, Fault::Hang);
        let smtp = smtp(&server, settings());
        assert_eq!(short(&smtp.attempt(late(1)).await), expected);
        next_message_gets_through(&smtp, &server).await;
    }
    let server = Server::new(true, |_| None);
    let smtp = smtp(&server, settings());
    let passed = attempt_with(1, SMALL, 0, Box::new(crate::channel::Always));
    assert_eq!(short(&smtp.attempt(passed).await), "not sent, connect, Expired");
    assert_eq!(*server.connections.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn slots_bound_the_connections() {
    let server = Server::new(true, |_| None);
    let smtp = smtp(&server, super::Settings { slots: 3, ..settings() });
    assert_eq!(smtp.slots(), 3);
    let all = futures_util::future::join_all((1..=20).map(|send| smtp.attempt(attempt(send, 10))));
    assert!(all.await.iter().all(|outcome| short(outcome) == "accepted"));
    assert_eq!(*server.connections.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_bad_recipient_is_rejected_without_a_connection() {
    let server = Server::new(true, |_| None);
    let smtp = smtp(&server, settings());
    for address in ["", "nobody", "a@b\r\nRCPT TO:<c@d>", "a b@c", "<a@b>"] {
        let mut attempt = attempt(1, SMALL);
        attempt.message.to.address = address.to_owned();
        assert_eq!(short(&smtp.attempt(attempt).await), "rejected suppress=true", "{address:?}");
    }
    assert_eq!(*server.connections.lock().unwrap(), 0);
}
