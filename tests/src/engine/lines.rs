//! Who stands in line for a slot: messages on several channels, and attempts that are made again.

use domain::ids::ChannelName;
use domain::verdict::RuleKind;
use engine::Input;
use engine::counters::CounterKey;
use policies::CountState;
use serde_json::json;

use super::given::Given;
use super::outcomes::{SENT, sending, states};
use super::script::{check, run};

fn slot(channel: &str) -> Input {
    Input::Slot(ChannelName::from(channel))
}

#[test]
fn slots_of_two_channels_in_one_turn_serve_both_messages() {
    let journey = |channel: &str| {
        json!({"enter": {"event": "Go"}, "steps": [{"send": {
            "channels": [{channel: "hello"}], "class": "marketing", "valid_for": "P1D"}}]})
    };
    let given = Given::new().journey("a", journey("email")).journey("b", journey("sms"));
    let mut one =
        check(given, "by hand\nslots 0\ntrack Go", "0 a enter\n0 a send-1\n0 b enter\n0 b send-1");
    for channel in ["email", "sms"] {
        assert!(one.partition.next_waiting(&ChannelName::from(channel)).is_some());
    }
    one.free = 2;
    one.turn(vec![slot("email"), slot("sms")]);
    assert_eq!(one.in_flight.len(), 2, "{:?}", one.lines());
}

#[test]
fn a_retry_stands_in_line_by_priority_and_writes_nothing_meanwhile() {
    let step = |priority: u8| {
        json!({"enter": {"event": "Go", "reentry": "parallel"}, "steps": [{"send": {
            "channels": [{"email": "hello"}], "class": "marketing", "valid_for": "P1D",
            "priority": priority}}]})
    };
    let given = Given::new().journey("high", step(90)).journey("low", step(10));
    let mut one = check(
        given,
        "by hand\nslots 2\ntrack Go\nnot sent\naccepted\nslots 0\ntrack Go\nwait PT29S",
        "0 high enter\n0 high send-1\n0 low enter\n0 low send-1\n0 high send-1 sent by email\n\
         0 high exit completed\n0 low send-1 sent by email\n0 low exit completed\n\
         0 high enter\n0 high send-1\n0 low enter\n0 low send-1",
    );
    let before = one.partition.seq();
    run(&mut one, "wait PT1H");
    assert_eq!(one.partition.seq(), before, "who waits costs no commit");
    // The retry came first, and is of the higher priority: it goes before both.
    run(&mut one, "slots 1");
    let [attempt] = &one.in_flight[..] else { panic!("one slot, one attempt") };
    assert_eq!((attempt.journey.as_str(), attempt.number), ("high", 2));
    run(&mut one, "accepted\naccepted\naccepted");
    assert_eq!(states(&one), [CountState::Accepted; 4]);
}

#[test]
fn a_retry_that_waits_ends_with_its_validity() {
    let mut one = check(sending("marketing"), "by hand\ntrack Go\nnot sent\nslots 0", SENT);
    run(&mut one, "wait PT23H");
    assert_eq!(states(&one), [CountState::Reserved]);
    run(&mut one, "wait PT2H");
    assert_eq!(states(&one), [CountState::Released]);
    assert_eq!(one.partition.open_sends(), 0);
}

#[test]
fn a_paused_journey_makes_no_further_attempt_and_a_resumed_one_goes_on() {
    let one = check(
        sending("transactional"),
        "by hand\ntrack Go\nunknown\npause j\nwait PT1H\nrestart\nwait PT1H\nresume j\naccepted",
        &format!("{SENT}2h attempt 2 of send-1"),
    );
    assert_eq!(states(&one), [CountState::Accepted]);
    let one = check(sending("marketing"), "by hand\ntrack Go\nnot sent\npause j\nwait P2D", SENT);
    assert_eq!(states(&one), [CountState::Released], "its validity goes on");
}

#[test]
fn a_stopped_journey_makes_no_further_attempt() {
    let one = check(sending("marketing"), "by hand\ntrack Go\nnot sent\nstop j\nwait PT1H", SENT);
    assert_eq!(states(&one), [CountState::Released]);
    let reply = &one.sends()[0].info.reply;
    assert_eq!(reply, "not tried again: its journey was stopped; before that: 451 later");
    // What may have arrived keeps its place.
    let one =
        check(sending("transactional"), "by hand\ntrack Go\nunknown\nstop j\nwait PT1H", SENT);
    assert_eq!(states(&one), [CountState::Unknown]);
}

#[test]
fn a_refusal_before_a_retry_says_its_rule() {
    let one =
        check(sending("marketing"), "by hand\ntrack Go\nnot sent\ndeny email\nwait PT1M", SENT);
    assert_eq!(states(&one), [CountState::Released]);
    let reply = &one.sends()[0].info.reply;
    assert!(reply.starts_with("not tried again: by rule consent: "), "{reply}");
    let refused = one
        .partition
        .counters()
        .iter()
        .filter(|(key, _)| matches!(key, CounterKey::Refused(.., RuleKind::Consent)));
    assert_eq!(refused.map(|(_, count)| count).sum::<i64>(), 1);
}
