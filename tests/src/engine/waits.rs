//! Waits: calendar and elapsed time, zones, catch-up, pause, engagement events (semantics 9, 11,
//! 13 and 14).

use serde_json::{Value, json};

use super::given::Given;
use super::script::check;

fn waiting(wait: Value) -> Given {
    Given::new().journey("j", json!({"enter": {"event": "Go"}, "steps": [{"wait": wait}]}))
}

/// The clocks of Madrid go forward in the night to 29 March 2026, which is day 27 of the script.
#[test]
fn days_are_calendar_days_and_hours_are_elapsed() {
    let enter = "26d j enter\n26d j wait-1\n";
    let script = "wait PT624H\ntrack Go\nwait P9D";
    check(waiting(json!({"for": "P2D"})), script, &format!("{enter}27d23h j exit completed"));
    check(waiting(json!({"for": "PT48H"})), script, &format!("{enter}28d j exit completed"));
}

#[test]
fn a_new_zone_moves_what_waits_for_local_time() {
    let at_nine = waiting(json!({"at": "09:00"}));
    check(
        at_nine,
        "track Go\nwait PT1H\nidentify {\"timezone\": \"America/New_York\"}\nwait P2D",
        "0 j enter\n0 j wait-1\n1d5h j exit completed",
    );
    let elapsed = waiting(json!({"for": "PT20H"}));
    check(
        elapsed,
        "track Go\nwait PT1H\nidentify {\"timezone\": \"America/New_York\"}\nwait P2D",
        "0 j enter\n0 j wait-1\n20h j exit completed",
    );
}

/// 09:00 of the next day in New York is 14:00 UTC; in Tokyo it is 00:00 UTC, which has passed.
#[test]
fn an_instant_that_has_passed_in_the_new_zone_fires_at_once_and_once() {
    check(
        waiting(json!({"at": "09:00"})),
        "identify {\"timezone\": \"America/New_York\"}
         wait PT6H
         track Go
         wait PT12H
         identify {\"timezone\": \"Asia/Tokyo\"}
         wait P9D",
        "6h j enter\n6h j wait-1\n18h j exit completed",
    );
}

#[test]
fn an_unknown_zone_changes_nothing() {
    check(
        waiting(json!({"at": "09:00"})),
        "track Go\nidentify {\"timezone\": \"Mars/Olympus\"}\nwait P2D",
        "0 j enter\n0 j wait-1\n0 unknown zone\n23h j exit completed",
    );
}

fn catching_up(rule: Value) -> Given {
    Given::new().journey(
        "j",
        json!({"enter": {"event": "Go"}, "catch_up": rule, "steps": [
        {"wait": {"for": "PT1H"}},
        {"send": {"channels": [{"email": "hello"}], "class": "marketing"}},
        {"send": {"channels": [{"email": "hello"}], "class": "marketing"}}]}),
    )
}

#[test]
fn what_was_missed_fires_is_skipped_or_is_spread() {
    let enter = "0 j enter\n0 j wait-1\n";
    let both = "9h j send-1\n9h j send-1 sent by email\n9h j send-2\n9h j send-2 sent by email\n\
                9h j exit completed";
    let script = "track Go\nsleep PT9H";
    check(catching_up(json!("fire")), script, &format!("{enter}{both}"));
    check(
        catching_up(json!({"skip": {"older_than": "PT6H"}})),
        script,
        &format!(
            "{enter}9h j send-1\n9h j send-1 refused: catch_up\n9h j send-2\n\
             9h j send-2 sent by email\n9h j exit completed"
        ),
    );
    let young = json!({"skip": {"older_than": "PT8H1M"}});
    check(catching_up(young), script, &format!("{enter}{both}"));
    let spread = json!({"spread": {"over": "PT4H"}});
    let one = check(catching_up(spread), script, enter);
    let due = one.loaded.customer.due_at.ms_since(one.now);
    assert!((1..4 * 3_600_000).contains(&due), "spread to {due} ms later");
}

#[test]
fn what_was_spread_fires_once() {
    let mut one = super::customer::One::new(catching_up(json!({"spread": {"over": "PT4H"}})));
    super::script::run(&mut one, "track Go\nsleep PT9H\npassivate\nsleep PT9H");
    let sent = one.lines().iter().filter(|line| line.contains("sent by email"));
    assert_eq!(sent.count(), 2, "{:#?}", one.lines());
}

#[test]
fn a_paused_journey_keeps_its_waits_and_runs_goals_and_exits() {
    let given = Given::new().journey(
        "j",
        json!({
        "enter": {"event": "Go", "reentry": "parallel"}, "goal": {"event": "Buy"},
        "steps": [{"wait": {"for": "PT1H"}},
            {"send": {"channels": [{"email": "hello"}], "class": "marketing"}}]}),
    );
    check(
        given.clone(),
        "track Go\npause j\ntrack Go\nwait PT3H\npassivate\nresume j",
        "0 j enter
         0 j wait-1
         0 j not entered: Paused
         3h j send-1
         3h j send-1 sent by email
         3h j exit completed",
    );
    check(
        given.clone(),
        "track Go\npause j\nwait PT3H\ntrack Buy\nresume j",
        "0 j enter\n0 j wait-1\n3h j exit goal",
    );
    check(given, "track Go\nstop j\ntrack Go", "0 j enter\n0 j wait-1\n0 j exit stopped");
}

#[test]
fn nothing_is_released_while_paused() {
    let given = Given::new().journey(
        "j",
        json!({"enter": {"event": "Go"},
        "steps": [{"wait": {"until": {"event": "Now"}}},
            {"send": {"channels": [{"email": "hello"}], "class": "marketing"}}]}),
    );
    check(
        given,
        "track Go\npause j\ntrack Now\nwait PT3H\nresume j",
        "0 j enter
         0 j wait-1
         0 j send-1
         3h j send-1 sent by email
         3h j exit completed",
    );
}

#[test]
fn an_engagement_event_means_the_nearest_send_unless_there_is_a_filter() {
    let journey = |wait: Value| {
        Given::new().journey(
            "j",
            json!({"enter": {"event": "Go"}, "steps": [
            {"send": {"channels": [{"email": "hello"}], "class": "marketing"}},
            {"wait": wait}]}),
        )
    };
    let plain = json!({"until": {"event": "Email Clicked"}, "for": "P3D"});
    let mut one = super::customer::One::new(journey(plain));
    super::script::run(&mut one, "track Go\ntrack Email Clicked | {\"send_id\": \"0\"}");
    let send = one.sends()[0].ledger.send;
    assert!(!one.lines().iter().any(|line| line.contains("exit")), "of another send");
    let clicked = format!("track Email Clicked | {{\"send_id\": \"{send}\"}}");
    super::script::run(&mut one, &clicked);
    assert!(one.lines().iter().any(|line| line.contains("exit")), "of her own send");
    let filtered = json!({"until": {"event": "Email Clicked",
        "when": "event.properties.link == \"sale\""}, "for": "P3D"});
    check(
        journey(filtered),
        "track Go\ntrack Email Clicked | {\"link\": \"sale\"}",
        "0 j enter\n0 j send-1\n0 j send-1 sent by email\n0 j wait-1\n0 j exit completed",
    );
}
