//! Entries: re-entry, keys, segments, schedules, the API (semantics 6 and 7).

use serde_json::{Value, json};

use super::customer::One;
use super::given::Given;
use super::script::{check, check_customer};

fn reentry(rule: Value) -> Given {
    Given::new().journey(
        "j",
        json!({
        "enter": {"event": "Go", "reentry": rule}, "exit": [{"event": "Stop"}],
        "steps": [{"wait": {"for": "P90D"}}]}),
    )
}

#[test]
fn never_is_never() {
    check(
        reentry(json!("never")),
        "track Go\ntrack Go\ntrack Stop\nwait P80D\npassivate\ntrack Go",
        "0 j enter
         0 j wait-1
         0 j not entered: Reentry
         0 j exit exit_condition
         79d23h j not entered: Reentry",
    );
}

#[test]
fn after_exit_waits_for_the_exit_only() {
    check(
        reentry(json!("after_exit")),
        "track Go\ntrack Go\ntrack Stop\ntrack Go",
        "0 j enter
         0 j wait-1
         0 j not entered: Reentry
         0 j exit exit_condition
         0 j enter
         0 j wait-1",
    );
}

#[test]
fn after_counts_from_the_last_exit() {
    check(
        reentry(json!({"after": "P7D"})),
        "track Go
         wait P10D
         track Stop
         wait PT167H
         track Go
         wait PT1H
         track Go",
        "0 j enter
         0 j wait-1
         10d j exit exit_condition
         16d23h j not entered: Reentry
         17d j enter
         17d j wait-1",
    );
}

#[test]
fn parallel_is_always() {
    check(
        reentry(json!("parallel")),
        "track Go\ntrack Go",
        "0 j enter\n0 j wait-1\n0 j enter\n0 j wait-1",
    );
}

#[test]
fn each_key_is_its_own_entry() {
    let given = Given::new().journey(
        "cart",
        json!({
        "enter": {"event": "Cart", "key": "event.properties.cart_id", "reentry": "never"},
        "steps": [{"wait": {"for": "P9D"}}]}),
    );
    check(
        given,
        "track Cart | {\"cart_id\": \"a\"}
         track Cart | {\"cart_id\": 7}
         track Cart | {\"cart_id\": \"a\"}
         track Cart",
        "0 cart enter a
         0 cart wait-1
         0 cart enter 7
         0 cart wait-1
         0 cart not entered: Reentry
         0 cart not entered: NoKey",
    );
}

fn lapsed(backfill: bool, since: u32) -> Given {
    Given::new().segment("gold", "customer.traits.tier == \"gold\"", since).journey(
        "j",
        json!({
            "enter": {"segment": "gold", "backfill": backfill, "reentry": "parallel"},
            "steps": [{"exit": {}}]}),
    )
}

#[test]
fn a_segment_enters_at_its_edge() {
    check(
        lapsed(false, 1),
        "identify {\"tier\": \"gold\"}
         identify {\"tier\": \"gold\"}
         identify {\"tier\": null}
         identify {\"tier\": \"gold\"}",
        "0 segment +gold
         0 j enter
         0 j exit-1
         0 j exit exit_step
         0 segment -gold
         0 segment +gold
         0 j enter
         0 j exit-1
         0 j exit exit_step",
    );
}

/// A member at the moment of `apply` enters at her next input, and only with `backfill`.
#[test]
fn members_at_apply_enter_only_with_backfill() {
    let entered = "0 j enter\n0 j exit-1\n0 j exit exit_step";
    for (backfill, expected) in [(false, ""), (true, entered)] {
        let mut one = One::new(Given::new());
        super::script::run(&mut one, "identify {\"tier\": \"gold\"}");
        one.given = lapsed(backfill, 1);
        one.partition.set_catalog(one.given.catalog());
        check_customer(one, "refresh\nrefresh\ntrack Other", expected);
    }
}

#[test]
fn a_tick_enrolls_once_however_often_it_is_told() {
    let given = Given::new().segment("gold", "customer.traits.tier == \"gold\"", 1).journey(
        "letter",
        json!({
            "enter": {"schedule": {"cron": "0 9 * * mon", "zone": "Europe/Madrid"},
                "segment": "gold"},
            "steps": [{"exit": {}}]}),
    );
    check(
        given,
        "tick letter
         identify {\"tier\": \"gold\"}
         tick letter
         tick again
         passivate
         tick again
         wait P7D
         tick letter",
        "0 segment +gold
         0 letter enter 2026-03-02T09:00:00Z
         0 letter exit-1
         0 letter exit exit_step
         7d letter enter 2026-03-09T09:00:00Z
         7d letter exit-1
         7d letter exit exit_step",
    );
}

#[test]
fn the_api_enters_by_key() {
    let given = Given::new()
        .journey("j", json!({"enter": {"api": {}}, "steps": [{"wait": {"for": "P9D"}}]}));
    check(
        given,
        "enroll j a\nenroll j a\nenroll j b\nenroll other",
        "0 j enter a\n0 j wait-1\n0 j not entered: Reentry\n0 j enter b\n0 j wait-1",
    );
}

#[test]
fn the_timeline_says_that_a_stopped_journey_was_not_entered_by_the_api() {
    let journey = |enter| json!({"enter": enter, "steps": [{"wait": {"for": "P9D"}}]});
    let given = Given::new()
        .journey("j", journey(json!({"api": {}})))
        .journey("k", journey(json!({"event": "Go"})));
    check(
        given,
        "stop j\nstop k\nenroll j a\ntrack Go\nresume j\nenroll j a",
        "0 j not entered: Stopped\n0 j enter a\n0 j wait-1",
    );
}
