//! Cases that bite people in other products and that need a whole journey: one test each, by the
//! number of the case. The others stand beside the contact policy.

use serde_json::{Value, json};

use super::given::Given;
use super::script::check;

/// A step that waits for a date on the profile.
fn renewal(on_past: &str) -> Given {
    let wait = json!({"date": "customer.traits.renewal", "at": "09:00", "on_past": on_past});
    let send = json!({"channels": [{"email": "hello"}], "class": "marketing"});
    let steps = json!([{"wait": wait}, {"send": send}]);
    Given::new().journey("j", json!({"enter": {"event": "Go"}, "steps": steps}))
}

#[test]
fn edge_13_a_date_in_the_past_fires_skips_or_exits_and_says_so() {
    let script = "identify {\"renewal\": \"2020-01-01\"}\ntrack Go\nwait P2D";
    let sent = "0 j enter\n0 j wait-1\n0 j send-1\n0 j send-1 sent by email\n0 j exit completed";
    check(renewal("fire"), script, sent);
    check(
        renewal("skip"),
        script,
        "0 j enter\n0 j wait-1\n0 j send-1\n0 j send-1 refused: catch_up\n0 j exit completed",
    );
    check(renewal("exit"), script, "0 j enter\n0 j wait-1\n0 j exit past_date");
}

#[test]
fn edge_14_a_step_reads_a_profile_that_is_not_older_than_its_trigger() {
    let given = || {
        Given::new().journey(
            "j",
            json!({"enter": {"event": "Go", "when": "customer.traits.tier == \"gold\""},
                   "steps": [{"exit": {}}]}),
        )
    };
    let entered = "0 j enter\n0 j exit-1\n0 j exit exit_step";
    check(given(), "identify {\"tier\": \"gold\"}\ntrack Go", entered);
    // Both in one turn, the profile behind its trigger: what came later is not read.
    check(given(), "track Go & identify {\"tier\": \"gold\"}", "");
    check(given(), "identify {\"tier\": \"gold\"} & track Go", entered);
}

#[test]
fn edge_15_what_may_enter_again_is_declared_and_remembered() {
    let given = |rule: Value| {
        Given::new().journey(
            "j",
            json!({"enter": {"event": "Go", "reentry": rule}, "steps": [{"exit": {}}]}),
        )
    };
    let once = "0 j enter\n0 j exit-1\n0 j exit exit_step\n";
    let script = "track Go\nwait P800D\npassivate\ntrack Go";
    let refused = format!("{once}799d23h j not entered: Reentry");
    check(given(json!("never")), script, &refused);
    let again = format!("{once}799d23h j enter\n799d23h j exit-1\n799d23h j exit exit_step");
    check(given(json!("after_exit")), script, &again);
    check(given(json!({"after": "P799D"})), script, &again);
    check(given(json!({"after": "P801D"})), script, &refused);
}

/// Labels of a step reach the ledger, and caps that are about them; limits read her traits.
#[test]
fn caps_read_labels_and_traits_of_a_whole_journey() {
    let cap = json!([{"name": "big", "frequency_cap": {
        "limit": "customer.traits.room", "window": {"rolling": "P7D"},
        "scope": {"labels": {"size": "big"}}, "on_exceeded": "refuse"}}]);
    let send = |labels: Value| {
        let channels = json!([{"email": "hello"}]);
        json!({"send": {"channels": channels, "class": "marketing", "labels": labels}})
    };
    let steps = json!([
        send(json!({"size": "big"})),
        send(json!({"size": "small"})),
        send(json!({"size": "big", "team": "growth"}))
    ]);
    let given =
        Given::new().rules(cap).journey("j", json!({"enter": {"event": "Go"}, "steps": steps}));
    check(
        given.clone(),
        "identify {\"room\": 1}\ntrack Go",
        "0 j enter
         0 j send-1
         0 j send-1 sent by email
         0 j send-2
         0 j send-2 sent by email
         0 j send-3
         0 j send-3 refused: big
         0 j exit completed",
    );
    check(
        given,
        "track Go",
        "0 j enter
         0 j send-1
         0 j send-1 refused: big
         0 j send-2
         0 j send-2 sent by email
         0 j send-3
         0 j send-3 refused: big
         0 j exit completed",
    );
}
