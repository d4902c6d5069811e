//! Order within one event, and what counts when (semantics 1 to 3).

use serde_json::json;

use super::given::Given;
use super::script::check;

#[test]
fn goal_then_exit_then_wait_then_entry_each_by_journey_name() {
    let given = Given::new()
        .journey(
            "b-goal",
            json!({"enter": {"event": "Start"}, "goal": {"event": "Buy"},
            "steps": [{"wait": {"for": "P9D"}}]}),
        )
        .journey(
            "a-goal",
            json!({"enter": {"event": "Start"}, "goal": {"event": "Buy"},
            "steps": [{"wait": {"for": "P9D"}}]}),
        )
        .journey(
            "c-exit",
            json!({"enter": {"event": "Start"}, "exit": [{"event": "Buy"}],
            "steps": [{"wait": {"for": "P9D"}}]}),
        )
        .journey(
            "a-wait",
            json!({"enter": {"event": "Start"},
            "steps": [{"wait": {"until": {"event": "Buy"}}}, {"wait": {"for": "P9D"}}]}),
        )
        .journey(
            "a-entry",
            json!({"enter": {"event": "Buy"},
            "steps": [{"wait": {"for": "P9D"}}]}),
        );
    check(
        given,
        "track Start
         wait PT1H
         track Buy",
        "0 a-goal enter
         0 a-goal wait-1
         0 a-wait enter
         0 a-wait wait-1
         0 b-goal enter
         0 b-goal wait-1
         0 c-exit enter
         0 c-exit wait-1
         1h a-goal exit goal
         1h b-goal exit goal
         1h c-exit exit exit_condition
         1h a-wait wait-2
         1h a-entry enter
         1h a-entry wait-1",
    );
}

#[test]
fn a_goal_beats_an_exit_on_the_same_event() {
    let given = Given::new().journey(
        "j",
        json!({"enter": {"event": "Start"},
        "goal": {"event": "Buy"}, "exit": [{"event": "Buy"}],
        "steps": [{"wait": {"for": "P9D"}}]}),
    );
    check(given, "track Start\ntrack Buy", "0 j enter\n0 j wait-1\n0 j exit goal");
}

#[test]
fn an_exit_and_an_entry_of_one_journey_may_happen_on_one_event() {
    let given = Given::new().journey(
        "win-back",
        json!({
        "enter": {"event": "Buy", "reentry": "after_exit"}, "exit": [{"event": "Buy"}],
        "steps": [{"wait": {"for": "P9D"}}]}),
    );
    check(
        given,
        "track Buy\nwait PT1H\ntrack Buy",
        "0 win-back enter
         0 win-back wait-1
         1h win-back exit exit_condition
         1h win-back enter
         1h win-back wait-1",
    );
}

#[test]
fn the_event_at_hand_is_counted_before_anything_reads_the_counter() {
    let given = Given::new().journey(
        "third",
        json!({
        "enter": {"event": "Buy", "when": "customer.events[\"Buy\"].count == 3"},
        "steps": [{"wait": {"for": "P9D"}}]}),
    );
    check(given, "track Buy\ntrack Buy\ntrack Buy\ntrack Buy", "0 third enter\n0 third wait-1");
}

#[test]
fn the_event_that_starts_a_wait_does_not_end_it() {
    let given = Given::new().journey(
        "j",
        json!({"enter": {"event": "Start"},
        "steps": [{"wait": {"until": {"event": "Go"}}}, {"wait": {"until": {"event": "Go"}}}]}),
    );
    check(
        given,
        "track Start\ntrack Go\ntrack Go",
        "0 j enter\n0 j wait-1\n0 j wait-2\n0 j exit completed",
    );
}

#[test]
fn a_trigger_that_is_too_old_is_counted_and_enters_nothing() {
    let given = Given::new().journey(
        "j",
        json!({"enter": {"event": "Buy"},
        "steps": [{"wait": {"for": "P9D"}}]}),
    );
    let one = check(
        given,
        "track Buy | ago=PT25H\ntrack Buy | ago=PT23H",
        "0 j not entered: TooOld\n0 j enter\n0 j wait-1",
    );
    let counter = one.loaded.customer.counters["Buy"];
    assert_eq!(counter.count, 2);
    assert_eq!(one.now.ms_since(counter.first), 25 * 3_600_000);
    assert_eq!(one.now.ms_since(counter.last), 23 * 3_600_000);
}

#[test]
fn waits_count_from_receipt_and_goals_from_occurrence() {
    let given = Given::new().journey(
        "j",
        json!({"enter": {"event": "Cart"},
        "goal": {"event": "Buy"}, "steps": [{"wait": {"for": "PT2H"}}, {"wait": {"for": "P9D"}}]}),
    );
    check(
        given,
        "track Cart | ago=PT1H
         wait PT1H30M
         track Buy | ago=PT3H
         wait PT1H
         track Buy | ago=PT3H",
        "0 j enter
         0 j wait-1
         2h j wait-2
         2h30m j exit goal",
    );
}

#[test]
fn a_goal_counts_within_its_time_by_occurrence() {
    let given = Given::new().journey(
        "j",
        json!({"enter": {"event": "Cart"},
        "goal": {"event": "Buy", "within": "PT2H"}, "steps": [{"wait": {"for": "P9D"}}]}),
    );
    check(
        given,
        "track Cart\nwait PT3H\ntrack Buy\ntrack Buy | ago=PT1H",
        "0 j enter\n0 j wait-1\n3h j exit goal",
    );
}
