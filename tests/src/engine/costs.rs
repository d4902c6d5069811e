//! What messages cost: reserved with the most that they may cost, settled with the outcome
//! (semantics 24). The counts always say what the rows say.

use engine::counters::CounterKey;

use super::customer::One;
use super::outcomes::{SENT, sending};
use super::script::{check, run};

/// What the counts say was spent, which is what the rows say.
#[track_caller]
fn spent(one: &One) -> i64 {
    let counted = one.partition.counters().iter();
    let spent = counted.filter(|(key, _)| matches!(key, CounterKey::Spent(..)));
    let spent: i64 = spent.map(|(_, micros)| micros).sum();
    let rows: i64 = one.sends().iter().map(|row| row.ledger.cost_micros).sum();
    assert_eq!(spent, rows, "the counts and the rows");
    spent
}

#[test]
fn the_outcome_settles_what_was_reserved() {
    for (answer, left) in [
        ("", 300),
        ("accepted", 100),
        ("accepted in 2", 200),
        ("accepted in 9", 300),
        ("rejected", 0),
        ("unknown", 300),
        ("not sent for P2D", 0),
        ("not sent", 300),
        ("report delivered", 300),
        ("report failed", 300),
        ("accepted\nreport failed", 100),
    ] {
        let given = sending("marketing").cost("email", 100, 3);
        let mut one = check(given, "by hand\ntrack Go", SENT);
        assert_eq!(spent(&one), 300);
        run(&mut one, answer);
        assert_eq!(spent(&one), left, "{answer}");
        run(&mut one, "passivate\nsnapshot");
        assert_eq!(spent(&one), left, "{answer}");
    }
}

#[test]
fn a_restart_keeps_what_was_spent() {
    let given = sending("marketing").cost("email", 100, 3);
    let mut one = check(given, "by hand\ntrack Go\naccepted in 2\ntrack Go", &SENT.repeat(2));
    assert_eq!(spent(&one), 500);
    run(&mut one, "restart");
    assert_eq!(spent(&one), 500, "what was under way is unknown, and counts as spent");
}

#[test]
fn each_further_send_costs_again() {
    let given = sending("marketing").cost("email", 100, 3);
    let mut one = check(given, "by hand\ntrack Go\nunknown", SENT);
    run(&mut one, "redrive anyway");
    assert_eq!(spent(&one), 600);
    run(&mut one, "accepted");
    assert_eq!(spent(&one), 400);
}

#[test]
fn later_attempts_of_one_send_cost_nothing_more() {
    let given = sending("transactional").cost("email", 100, 3);
    let mut one = check(given, "by hand\ntrack Go", SENT);
    run(&mut one, "not sent\nwait PT30S");
    assert_eq!((one.sends()[0].info.attempts, spent(&one)), (2, 300));
    run(&mut one, "accepted");
    assert_eq!(spent(&one), 100);
}

#[test]
fn without_a_price_nothing_is_counted() {
    let one = check(sending("marketing"), "track Go", SENT);
    assert_eq!(spent(&one), 0);
    let none =
        one.partition.counters().iter().all(|(key, _)| !matches!(key, CounterKey::Spent(..)));
    assert!(none);
}
