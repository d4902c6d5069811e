//! A repeated message changes nothing (semantics 4).

use serde_json::json;

use super::customer::One;
use super::given::Given;
use super::script::{check, run};

fn given() -> Given {
    Given::new().journey(
        "j",
        json!({"enter": {"event": "Buy", "reentry": "parallel"},
        "steps": [{"exit": {}}]}),
    )
}

fn bought(one: &One) -> u64 {
    one.loaded.customer.counters.get("Buy").map_or(0, |counter| counter.count)
}

#[test]
fn a_repeat_enters_nothing_and_counts_nothing() {
    let one = check(
        given(),
        "track Buy | id=a\ntrack Buy | id=a & track Buy | id=a\npassivate\ntrack Buy | id=a",
        "0 j enter\n0 j exit-1\n0 j exit exit_step",
    );
    assert_eq!(bought(&one), 1);
}

#[test]
fn two_copies_in_one_turn_are_one_event() {
    let one = check(
        given(),
        "track Buy | id=a & track Buy | id=a",
        "0 j enter\n0 j exit-1\n0 j exit exit_step",
    );
    assert_eq!(bought(&one), 1);
}

/// More messages than the record holds: the older ones are remembered in rows of their own.
#[test]
fn spilled_messages_are_remembered() {
    let mut one = One::new(Given::new());
    let all: String = (0..60).map(|number| format!("track Buy | id={number}\n")).collect();
    run(&mut one, &all);
    assert_eq!(bought(&one), 60);
    run(&mut one, &all);
    assert_eq!(bought(&one), 60, "while she is in memory");
    run(&mut one, &format!("passivate\n{all}"));
    assert_eq!(bought(&one), 60, "after she was loaded");
    run(&mut one, &format!("wait P6D\npassivate\n{all}"));
    assert_eq!(bought(&one), 60, "six days later");
}

/// Whether she stayed in memory must not decide what is a repeat.
#[test]
fn messages_are_forgotten_after_seven_days() {
    for passivated in ["", "passivate"] {
        let mut one = One::new(Given::new());
        let all: String = (0..40).map(|number| format!("track Buy | id={number}\n")).collect();
        run(&mut one, &format!("{all}\nwait PT167H\n{passivated}\n{all}"));
        assert_eq!(bought(&one), 40, "{passivated}: within seven days");
        run(&mut one, &format!("wait PT1H1S\n{passivated}\n{all}"));
        assert_eq!(bought(&one), 80, "{passivated}: after seven days");
    }
}
