//! The cases. Behind each, the same channel must get the next message through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use channels::{Always, Attempt, Content, Message, Outcome, Permit, Phase, Recipient, Retry};
use domain::ids::SendId;
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::other::{Mood, Other};
use super::subjects::{NAMES, SLOTS, Subject, WITH_OTHERS, channel};
use crate::channels::NOW;

/// Reads the same in every encoding.
fn text(send: u128) -> String {
    format!("text-of-{}", SendId(send))
}

fn attempt(subject: &Subject, send: u128) -> Attempt {
    Attempt {
        send: SendId(send),
        number: 1,
        now: NOW,
        deadline: NOW.plus_ms(60_000),
        message: Message {
            to: Recipient { address: subject.to.to_owned(), name: None },
            content: (subject.content)(&text(send)),
        },
        permit: Box::new(Always),
    }
}

/// The next message gets through, with an answer of its own.
async fn still_works(name: &str, subject: &Subject) {
    if let Some(other) = &subject.other {
        other.becomes(Mood::Take);
    }
    let outcome = subject.channel.attempt(attempt(subject, 99)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{name}: {outcome:?}");
    if let Some(other) = &subject.other {
        assert_eq!(other.saw(&text(99)), 1, "{name}");
    }
}

/// Runs a case for every channel that has another side.
async fn with_others(case: impl AsyncFn(&str, &Subject, &Other)) {
    for name in WITH_OTHERS {
        let subject = Subject::new(name).await;
        let other = subject.other.as_ref().expect(name);
        case(name, &subject, other).await;
        still_works(name, &subject).await;
    }
}

#[tokio::test]
async fn what_is_taken_is_accepted() {
    for name in NAMES {
        let subject = Subject::new(name).await;
        let outcome = subject.channel.attempt(attempt(&subject, 1)).await;
        let Outcome::Accepted { reply, .. } = &outcome else { panic!("{name}: {outcome:?}") };
        assert!(!reply.is_empty(), "{name}");
        if let Some(other) = &subject.other {
            assert_eq!((other.saw(&text(1)), other.total()), (1, 1), "{name}");
        }
        assert_eq!(subject.channel.name(), name);
        still_works(name, &subject).await;
    }
}

#[tokio::test]
async fn what_is_refused_is_rejected() {
    with_others(async |name, subject, other| {
        other.becomes(Mood::Refuse);
        let outcome = subject.channel.attempt(attempt(subject, 1)).await;
        assert!(matches!(outcome, Outcome::Rejected { suppress: None, .. }), "{name}: {outcome:?}");
        assert_eq!(other.saw(&text(1)), 1, "{name}");
    })
    .await;
}

#[tokio::test]
async fn what_is_wanted_later_is_not_sent() {
    with_others(async |name, subject, other| {
        other.becomes(Mood::Later);
        let outcome = subject.channel.attempt(attempt(subject, 1)).await;
        assert!(
            matches!(outcome, Outcome::NotSent { retry: Retry::Deferred, .. }),
            "{name}: {outcome:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn where_nobody_is_nothing_is_sent() {
    for name in WITH_OTHERS {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let mut subject = Subject::new(name).await;
        subject.channel = channel(name, port);
        let outcome = subject.channel.attempt(attempt(&subject, 1)).await;
        assert!(
            matches!(
                outcome,
                Outcome::NotSent { retry: Retry::Unreachable, phase: Phase::Connect, .. }
            ),
            "{name}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn what_left_and_got_no_answer_is_unknown() {
    with_others(async |name, subject, other| {
        other.becomes(Mood::Break);
        let outcome = subject.channel.attempt(attempt(subject, 1)).await;
        assert!(
            matches!(outcome, Outcome::Unknown { phase: Phase::Answer, .. }),
            "{name}: {outcome:?}"
        );
        // Nothing sends it once more by itself.
        assert_eq!(other.saw(&text(1)), 1, "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_dropped_attempt_leaves_nothing_behind() {
    with_others(async |name, subject, other| {
        // Before anything happened, and while the answer is waited for.
        let mut early = subject.channel.attempt(attempt(subject, 1));
        let _ = (&mut early).now_or_never();
        drop(early);
        other.becomes(Mood::Hold);
        let before = other.total();
        let mut late = subject.channel.attempt(attempt(subject, 2));
        tokio::select! {
            outcome = &mut late => panic!("{name}: {outcome:?}"),
            () = other.has_seen(before + 1) => {}
        }
        drop(late);
        other.becomes(Mood::Take);
        assert!(other.saw(&text(2)) <= 1, "{name}");
        // All its slots are free again.
        let all =
            (10..10 + SLOTS as u128).map(|send| subject.channel.attempt(attempt(subject, send)));
        for outcome in join_all(all).await {
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{name}: {outcome:?}");
        }
    })
    .await;
}

#[derive(Debug)]
struct Withdrawn(Arc<AtomicBool>);

impl Permit for Withdrawn {
    fn holds(&self) -> bool {
        self.0.store(true, Ordering::SeqCst);
        false
    }
}

#[tokio::test]
async fn a_permit_that_no_longer_holds_stops_the_message() {
    for name in NAMES {
        let subject = Subject::new(name).await;
        let asked = Arc::new(AtomicBool::new(false));
        let permit = Box::new(Withdrawn(asked.clone()));
        let outcome = subject.channel.attempt(Attempt { permit, ..attempt(&subject, 1) }).await;
        assert!(
            matches!(outcome, Outcome::NotSent { retry: Retry::Expired, phase: Phase::Body, .. }),
            "{name}: {outcome:?}"
        );
        assert!(asked.load(Ordering::SeqCst), "{name}");
        still_works(name, &subject).await;
        if let Some(other) = &subject.other {
            assert_eq!(other.saw(&text(1)), 0, "{name}");
        }
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_lets_nothing_leave() {
    for name in NAMES {
        let subject = Subject::new(name).await;
        for late_ms in [0, 1, 1_000_000] {
            let deadline = NOW.plus_ms(-late_ms);
            let late = Attempt { deadline, ..attempt(&subject, 1) };
            let outcome = subject.channel.attempt(late).await;
            assert!(
                matches!(outcome, Outcome::NotSent { retry: Retry::Expired, .. }),
                "{name}: {outcome:?}"
            );
        }
        if let Some(other) = &subject.other {
            assert_eq!(other.total(), 0, "{name}");
        }
        still_works(name, &subject).await;
    }
}

#[tokio::test]
async fn no_more_messages_are_under_way_than_there_are_slots() {
    with_others(async |name, subject, other| {
        assert_eq!(subject.channel.slots(), SLOTS, "{name}");
        other.becomes(Mood::Hold);
        let all =
            (1..=3 * SLOTS as u128).map(|send| subject.channel.attempt(attempt(subject, send)));
        let mut all = join_all(all);
        tokio::select! {
            outcomes = &mut all => panic!("{name}: {outcomes:?}"),
            () = other.has_seen(SLOTS) => {}
        }
        // Everything that can happen without another answer happens.
        for _ in 0..1_000 {
            let _ = (&mut all).now_or_never();
            tokio::task::yield_now().await;
        }
        assert_eq!(other.total(), SLOTS, "{name}");
        other.becomes(Mood::Take);
        let outcomes = all.await;
        assert!(outcomes.iter().all(|one| matches!(one, Outcome::Accepted { .. })), "{outcomes:?}");
        assert_eq!(other.total(), 3 * SLOTS, "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_message_of_another_kind_is_rejected() {
    with_others(async |name, subject, other| {
        for of in NAMES.into_iter().filter(|of| *of != name && *of != "capture") {
            let content: Content = (Subject::new(of).await.content)("Hello");
            let mut attempt = attempt(subject, 1);
            attempt.message.content = content;
            let outcome = subject.channel.attempt(attempt).await;
            assert!(matches!(outcome, Outcome::Rejected { suppress: None, .. }), "{outcome:?}");
        }
        assert_eq!(other.total(), 0, "{name}");
    })
    .await;
}
