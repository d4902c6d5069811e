//! Outcomes: what a provider's answer does to a send, its row and its customer (semantics 18, 25
//! and 26).

use domain::event::EventBody;
use domain::verdict::Reason;
use policies::CountState;
use serde_json::json;

use super::customer::One;
use super::given::{Given, granted};
use super::script::{check, run};

/// One message of this class.
pub(super) fn sending(class: &str) -> Given {
    Given::new().journey(
        "j",
        json!({"enter": {"event": "Go", "reentry": "parallel"}, "steps": [
        {"send": {"channels": [{"email": "hello"}], "class": class, "valid_for": "P1D"}}]}),
    )
}

/// What happens until its hand-over.
pub(super) const SENT: &str =
    "0 j enter\n0 j send-1\n0 j send-1 sent by email\n0 j exit completed\n";

/// How her sends stand.
pub(super) fn states(one: &One) -> Vec<CountState> {
    one.sends().iter().map(|row| row.ledger.state).collect()
}

#[test]
fn the_row_says_what_became_of_it() {
    for (answer, state) in [
        ("accepted", CountState::Accepted),
        ("rejected", CountState::Rejected),
        ("unknown", CountState::Unknown),
    ] {
        let script = format!("by hand\ntrack Go\n{answer}\nwait P2D");
        let one = check(sending("marketing"), &script, SENT);
        assert_eq!(states(&one), [state], "{answer}");
        assert_eq!(one.partition.open_sends(), 0);
    }
}

#[test]
fn a_bad_address_is_not_written_to_again() {
    check(
        sending("marketing"),
        "by hand\ntrack Go\nsuppressed\npassivate\ntrack Go\n\
         identify {\"email\": \"new@example.com\"}\ntrack Go",
        &format!(
            "{SENT}0 j enter\n0 j send-1\n0 j send-1 refused: suppression\n\
             0 j exit completed\n{SENT}"
        ),
    );
}

#[test]
fn a_stop_says_why_and_only_an_operator_lifts_it() {
    for (answer, why) in [("suppressed", "hard_bounce"), ("opted out", "opted_out")] {
        let mut one = One::new(sending("transactional"));
        run(&mut one, &format!("by hand\ntrack Go\n{answer}"));
        let granted = one.event(EventBody::Consent(granted()), None, 0);
        one.turn(vec![granted]);
        run(&mut one, "lift sms\ntrack Go");
        let refused = one.last_refusal().expect("a refusal");
        assert_eq!(refused.reason, Reason::Suppressed(why.to_owned()));
        assert_eq!(one.in_flight.len(), 0, "{answer}");
        run(&mut one, "passivate\nlift email\ntrack Go");
        assert_eq!(one.in_flight.len(), 1, "{answer}");
        // What is stopped later is stopped again.
        run(&mut one, &format!("{answer}\ntrack Go"));
        assert_eq!(one.in_flight.len(), 0, "{answer}");
    }
}

#[test]
fn a_send_ends_once_however_often_it_was_tried() {
    let mut one = One::new(sending("transactional"));
    run(&mut one, "by hand\ntrack Go\nnot sent\nwait PT30S\nunknown");
    assert_eq!(one.partition.take_ended(), [], "it is tried again");
    run(&mut one, "wait PT2M\naccepted\ntrack Go\nrejected\ntrack Go\nrejected");
    let email = || "email".into();
    let expected = [(email(), CountState::Accepted, 1), (email(), CountState::Rejected, 2)];
    assert_eq!(one.partition.take_ended(), expected);
    assert_eq!(one.partition.take_ended(), []);
}

#[test]
fn what_was_not_sent_is_tried_again_with_doubling_pauses() {
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nnot sent\nwait PT30S\nnot sent\nwait PT60S\nnot sent for PT10M
         wait PT10M\naccepted",
        &format!(
            "{SENT}30s attempt 2 of send-1\n1m30s attempt 3 of send-1\n\
                  11m30s attempt 4 of send-1"
        ),
    );
    assert_eq!(states(&one), [CountState::Accepted]);
    assert_eq!(one.sends()[0].ledger.counted_at, one.now.plus_ms(-11 * 60_000 - 30_000));
}

#[test]
fn attempts_end_with_validity_and_give_the_place_back() {
    let one = check(sending("marketing"), "by hand\ntrack Go\nnot sent for P2D\nwait P3D", SENT);
    assert_eq!(states(&one), [CountState::Released]);
}

#[test]
fn an_unknown_outcome_is_final_for_marketing_and_repeated_for_transactional() {
    let one = check(sending("marketing"), "by hand\ntrack Go\nunknown\nwait PT1H", SENT);
    assert_eq!(states(&one), [CountState::Unknown]);
    let one = check(
        sending("transactional"),
        "by hand\ntrack Go\nunknown\nwait PT1H\naccepted",
        &format!("{SENT}30s attempt 2 of send-1"),
    );
    assert_eq!(states(&one), [CountState::Accepted]);
    assert_eq!(one.sends().len(), 1, "the same send, the same id");
}

/// The first attempt may have arrived: that later ones did not leave does not change it.
#[test]
fn what_was_unknown_once_is_never_given_back() {
    let one = check(
        sending("transactional"),
        "by hand\ntrack Go\nunknown\nwait PT30S\nnot sent for P2D\nwait P3D",
        &format!("{SENT}30s attempt 2 of send-1"),
    );
    assert_eq!(states(&one), [CountState::Unknown]);
    let one =
        check(sending("transactional"), "by hand\ntrack Go\nunknown\ndeny email\nwait P3D", SENT);
    assert_eq!(states(&one), [CountState::Unknown]);
}

#[test]
fn the_policy_is_asked_again_before_a_retry() {
    let one =
        check(sending("marketing"), "by hand\ntrack Go\nnot sent\ndeny email\nwait PT1H", SENT);
    assert_eq!(states(&one), [CountState::Released]);
    assert_eq!(one.partition.open_sends(), 0);
}

#[test]
fn a_retry_waits_for_a_slot_and_is_not_held_by_its_own_reservation() {
    let capped = sending("marketing").rules(json!([{"name": "one", "frequency_cap":
        {"limit": 1, "window": {"rolling": "P7D"}}}]));
    let one = check(
        capped,
        "by hand\ntrack Go\nnot sent\nslots 0\nwait PT40S\nslots 1\nwait PT2S\naccepted",
        &format!("{SENT}40s attempt 2 of send-1"),
    );
    assert_eq!(states(&one), [CountState::Accepted]);
}

#[test]
fn a_rejected_message_gives_its_place_back_and_an_unknown_one_does_not() {
    for (answer, second) in [
        ("rejected", "0 j send-1 sent by email\n0 j exit completed"),
        ("unknown", "0 j send-1 refused: one\n0 j exit completed"),
    ] {
        let capped = sending("marketing").rules(json!([{"name": "one", "frequency_cap":
            {"limit": 1, "window": {"rolling": "P7D"}, "on_exceeded": "refuse"}}]));
        check(
            capped,
            &format!("by hand\ntrack Go\n{answer}\ntrack Go"),
            &format!("{SENT}0 j enter\n0 j send-1\n{second}"),
        );
    }
}
