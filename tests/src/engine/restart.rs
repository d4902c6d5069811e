//! A restart: what was in flight, what is replayed, what is the same as before (semantics 26).

use policies::CountState;
use serde_json::json;

use super::customer::One;
use super::given::Given;
use super::script::{check, run};

fn sending(class: &str) -> Given {
    Given::new().journey(
        "j",
        json!({"enter": {"event": "Go", "reentry": "parallel"}, "steps": [
        {"send": {"channels": [{"email": "hello"}], "class": class, "valid_for": "P1D"}},
        {"wait": {"for": "PT2H"}}]}),
    )
}

const SENT: &str = "0 j enter\n0 j send-1\n0 j send-1 sent by email\n0 j wait-1\n";

#[test]
fn what_was_in_flight_is_unknown() {
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nrestart\nwait PT1H\nrestart\nwait PT2H",
        &format!("{SENT}2h j exit completed"),
    );
    assert_eq!(one.sends()[0].ledger.state, CountState::Unknown);
    let one = check(
        sending("transactional"),
        "by hand\ntrack Go\nrestart\nwait PT1H\naccepted\nrestart\nwait PT2H",
        &format!("{SENT}30s attempt 2 of send-1\n2h j exit completed"),
    );
    assert_eq!(one.sends()[0].ledger.state, CountState::Accepted);
}

#[test]
fn a_retry_that_was_due_later_is_still_due_then() {
    let one = check(
        sending("marketing"),
        "by hand\ntrack Go\nnot sent for PT10M\nrestart\nwait PT1H\naccepted",
        &format!("{SENT}10m attempt 2 of send-1"),
    );
    assert_eq!(one.sends()[0].ledger.state, CountState::Accepted);
}

/// A snapshot with the notes after it says what the partition says, wherever it is taken.
#[test]
fn the_snapshot_and_the_notes_after_it_equal_the_live_state() {
    let script = "by hand\ntrack Go\nnot sent\ntrack Go\naccepted\ntrack Go\nunknown\nwait PT1H\n\
                  track Go\nrejected\ntrack Go\npause j\ntrack Go\nresume j\nwait PT3H";
    let lines: Vec<&str> = script.lines().collect();
    for at in 0..=lines.len() {
        let mut one = One::new(sending("transactional"));
        for (number, line) in lines.iter().enumerate() {
            if number == at {
                one.snapshot();
            }
            run(&mut one, line);
            let replayed = one.replayed();
            assert_eq!(replayed.counters, *one.partition.counters(), "{at}: after {line}");
            assert_eq!(replayed.open.len(), one.partition.open_sends(), "{at}: after {line}");
            assert_eq!(replayed.seq, one.partition.seq());
        }
    }
}
