//! Redrives: a message that ended without having been accepted is sent again as a new send, which
//! passes the whole gate (semantics 31).

use domain::ids::SendId;
use engine::Input;
use engine::redrive::REDRIVE_VALID_MS;
use policies::CountState;
use serde_json::json;

use super::outcomes::{SENT, sending, states};
use super::script::{check, check_customer, run};

fn redrive(send: SendId, even_if_arrived: bool) -> Input {
    Input::Redrive { send, even_if_arrived, ticket: None }
}

#[test]
fn what_ended_badly_is_sent_again_as_a_new_send() {
    for (answer, state) in
        [("rejected", CountState::Rejected), ("not sent for P2D", CountState::Released)]
    {
        let one = check(
            sending("marketing"),
            &format!("by hand\ntrack Go\n{answer}\nwait PT1H\nredrive\naccepted"),
            &format!("{SENT}1h redriven\n1h j send-1 sent by email"),
        );
        assert_eq!(states(&one), [state, CountState::Accepted], "{answer}");
        let [ended, again] = &one.sends()[..] else { panic!("two rows") };
        assert_eq!(again.ledger.send, ended.ledger.send.redrive());
        assert_eq!(again.ledger.counted_at, one.now, "it counts from now on");
        assert_eq!(again.ledger.send.head(), ended.ledger.send.head());
        assert_eq!(one.partition.open_sends(), 0);
        assert!(ended.info.kept.is_some() && again.info.kept.is_none());
    }
}

#[test]
fn a_redrive_happens_once() {
    let mut one = check(
        sending("marketing"),
        "by hand\ntrack Go\nrejected\nredrive & redrive\naccepted",
        &format!("{SENT}0 redriven\n0 j send-1 sent by email"),
    );
    let send = one.sends()[0].ledger.send;
    one.turn(vec![redrive(send, true)]);
    run(&mut one, "passivate");
    one.turn(vec![redrive(send, true)]);
    run(&mut one, "restart");
    one.turn(vec![redrive(send, true)]);
    assert_eq!(states(&one), [CountState::Rejected, CountState::Accepted]);
}

#[test]
fn a_redrive_that_ended_badly_can_be_sent_again_itself() {
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nrejected\nwait PT1M\nredrive\nrejected\nwait PT1M\nredrive\naccepted",
        &format!(
            "{SENT}1m redriven\n1m j send-1 sent by email\n2m redriven\n2m j send-1 sent by email"
        ),
    );
    assert_eq!(states(&one), [CountState::Rejected, CountState::Rejected, CountState::Accepted]);
}

#[test]
fn what_was_accepted_or_is_under_way_is_not_sent_again() {
    let mut one = check(sending("marketing"), "track Go", SENT);
    let send = one.sends()[0].ledger.send;
    one.turn(vec![redrive(send, true)]);
    assert_eq!(states(&one), [CountState::Accepted]);
    let mut one = check(sending("marketing"), "by hand\ntrack Go\nnot sent", SENT);
    let send = one.sends()[0].ledger.send;
    one.turn(vec![redrive(send, true)]);
    one.turn(vec![redrive(SendId(7), true)]);
    assert_eq!(one.sends().len(), 1);
}

/// The one rule against doubles: what may have arrived is sent again only on an explicit word,
/// unless its guarantee is at least once anyway.
#[test]
fn what_may_have_arrived_needs_the_word() {
    let one = check(sending("marketing"), "by hand\ntrack Go\nunknown\nredrive", SENT);
    assert_eq!(states(&one), [CountState::Unknown]);
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nunknown\nredrive anyway\naccepted",
        &format!("{SENT}0 redriven\n0 j send-1 sent by email"),
    );
    assert_eq!(states(&one), [CountState::Unknown, CountState::Accepted]);
    let one = check(
        sending("transactional"),
        "by hand\ntrack Go\nunknown\nwait PT30S\nnot sent for P2D\nwait P3D\nredrive\naccepted",
        &format!("{SENT}30s attempt 2 of send-1\n3d30s redriven\n3d30s j send-1 sent by email"),
    );
    assert_eq!(states(&one), [CountState::Unknown, CountState::Accepted]);
}

#[test]
fn a_redrive_passes_the_whole_gate() {
    // The unknown one still counts: nobody can say that it did not arrive.
    let capped = |on: &str, window: &str| {
        sending("marketing").rules(json!([{"name": "one", "frequency_cap":
            {"limit": 1, "window": {"rolling": window}, "on_exceeded": on}}]))
    };
    let one = check(
        capped("refuse", "P7D"),
        "by hand\ntrack Go\nunknown\nredrive anyway",
        &format!("{SENT}0 redriven\n0 j send-1 refused: one"),
    );
    assert_eq!(states(&one), [CountState::Unknown]);
    // A rejected one gave its place back, and somebody else has it by now.
    check(
        capped("refuse", "P7D"),
        "by hand\ntrack Go\nrejected\ntrack Go\naccepted\nredrive",
        &format!("{SENT}{SENT}0 redriven\n0 j send-1 refused: one"),
    );
    check(
        sending("marketing"),
        "by hand\ntrack Go\nrejected\ndeny email\nredrive",
        &format!("{SENT}0 redriven\n0 j send-1 refused: consent"),
    );
    // What is held is not remembered; the operator asks again, and it is the same send.
    let one = check(
        capped("hold", "PT12H"),
        "by hand\ntrack Go\nunknown\nredrive anyway\nwait P1D\nredrive anyway\naccepted",
        &format!(
            "{SENT}0 redriven\n0 j send-1 held until 12h: one\n\
             1d redriven\n1d j send-1 sent by email"
        ),
    );
    assert_eq!(one.sends()[1].ledger.send, one.sends()[0].ledger.send.redrive());
}

#[test]
fn it_goes_to_the_present_address() {
    let mut one = check(
        sending("marketing"),
        "by hand\ntrack Go\nsuppressed\nidentify {\"email\": \"new@example.com\"}\nredrive",
        &format!("{SENT}0 redriven\n0 j send-1 sent by email"),
    );
    assert_eq!(&*one.in_flight[0].address, "new@example.com");
    assert_eq!(one.in_flight[0].valid_until, one.now.plus_ms(REDRIVE_VALID_MS));
    run(&mut one, "suppressed\nredrive");
    let last = one.lines().last().expect("a line");
    assert!(last.ends_with("refused: suppression"), "{last}");
}

#[test]
fn without_a_slot_it_waits_and_a_crash_leaves_one_unknown_at_most() {
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nrejected\nslots 0\nredrive\nwait PT5S\nslots 1\nwait PT2S",
        &format!("{SENT}0 redriven\n0 j send-1 allowed"),
    );
    assert_eq!(one.in_flight.len(), 1);
    let one = check_customer(one, "restart", &format!("{SENT}0 redriven\n0 j send-1 allowed"));
    assert_eq!(states(&one), [CountState::Rejected, CountState::Unknown]);
    assert_eq!(one.partition.open_sends(), 0);
}

#[test]
fn a_paused_or_stopped_journey_sends_nothing_again() {
    for control in ["pause", "stop"] {
        let one = check(
            sending("marketing"),
            &format!("by hand\ntrack Go\nrejected\n{control} j\nredrive"),
            SENT,
        );
        assert_eq!(one.sends().len(), 1, "{control}");
    }
}

#[test]
fn the_counts_say_what_was_handed_over() {
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nrejected\nredrive\naccepted",
        &format!("{SENT}0 redriven\n0 j send-1 sent by email"),
    );
    let sent = one.partition.counters().iter().filter_map(|(key, count)| {
        matches!(key, engine::counters::CounterKey::Sent(..)).then_some(count)
    });
    assert_eq!(sent.sum::<i64>(), 2);
}
