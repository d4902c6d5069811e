//! The gate: holds, releases, expiry, withdrawal, channels, refusals (semantics 8, 10, 16 to 19
//! and 21).

use serde_json::{Value, json};

use super::given::Given;
use super::script::check;

fn nights() -> Value {
    json!([{"name": "nights", "quiet_hours": {"windows": [{"from": "21:00", "to": "08:00"}]}}])
}

fn send(more: Value) -> Value {
    let mut send = json!({"channels": [{"email": "hello"}], "class": "marketing"});
    let more = more.as_object().expect("keys of a send").clone();
    send.as_object_mut().expect("an object").extend(more);
    json!({"send": send})
}

fn journey(steps: Value) -> Given {
    Given::new().rules(nights()).journey(
        "j",
        json!({
        "enter": {"event": "Go", "reentry": "parallel"}, "goal": {"event": "Buy"},
        "exit": [{"event": "Leave"}], "steps": steps}),
    )
}

/// The script begins at 10:00; twelve hours later it is night until 08:00, 22 hours in.
#[test]
fn a_send_parks_and_what_follows_counts_from_its_release() {
    check(
        journey(json!([send(json!({})), {"wait": {"for": "PT1H"}}])),
        "wait PT12H\ntrack Go\nwait PT15H",
        "12h j enter
         12h j send-1
         12h j send-1 held until 22h: nights
         22h j send-1 sent by email
         22h j wait-1
         23h j exit completed",
    );
}

#[test]
fn a_goal_or_an_exit_withdraws_what_is_held() {
    for (event, reason) in [("Buy", "goal"), ("Leave", "exit_condition")] {
        let one = check(
            journey(json!([send(json!({}))])),
            &format!("wait PT12H\ntrack Go\nwait PT1H\ntrack {event}\nwait P2D"),
            &format!(
                "12h j enter
                 12h j send-1
                 12h j send-1 held until 22h: nights
                 13h withdrawn
                 13h j exit {reason}"
            ),
        );
        assert!(one.sends().is_empty(), "a hold reserves nothing");
    }
}

#[test]
fn a_hold_beyond_validity_is_refused_as_expired() {
    check(
        journey(json!([send(json!({"valid_for": "PT10H"})), {"wait": {"for": "PT1H"}}])),
        "wait PT12H\ntrack Go\nwait P1D",
        "12h j enter
         12h j send-1
         12h j send-1 refused: validity
         12h j wait-1
         13h j exit completed",
    );
}

#[test]
fn a_refusal_goes_on_or_ends_the_enrollment() {
    for (on_refused, then) in
        [("continue", "0 j branch-1\n0 j exit-1\n0 j exit exit_step"), ("exit", "0 j exit refused")]
    {
        check(
            journey(json!([
                send(json!({"id": "first", "on_refused": on_refused})),
                {"branch": [{"when": "steps.first.outcome == \"refused:consent\"",
                    "steps": [{"exit": {}}]}]},
                {"wait": {"for": "PT1H"}}])),
            "deny email\ntrack Go",
            &format!("0 j enter\n0 j first\n0 j first refused: consent\n{then}"),
        );
    }
}

#[test]
fn the_next_channel_is_tried_in_the_same_turn() {
    let cap = json!([{"name": "one-mail", "frequency_cap": {"limit": 1,
        "window": {"rolling": "P1D"}, "scope": {"channels": ["email"]},
        "on_exceeded": "next_channel"}}]);
    let steps = json!([send(json!({"channels": [{"email": "hello"}, {"sms": "text"}]}))]);
    check(
        journey(steps).rules(cap),
        "track Go\ntrack Go",
        "0 j enter
         0 j send-1
         0 j send-1 sent by email
         0 j exit completed
         0 j enter
         0 j send-1
         0 j send-1 not by email: one-mail
         0 j send-1 sent by sms
         0 j exit completed",
    );
}

#[test]
fn a_rolling_window_is_elapsed_time_and_half_open() {
    let cap = json!([{"name": "one", "frequency_cap": {"limit": 1,
        "window": {"rolling": "P7D"}}}]);
    check(
        journey(json!([send(json!({"valid_for": "P9D"}))])).rules(cap),
        "wait PT624H\ntrack Go\nwait P1D\ntrack Go\nwait P9D",
        "26d j enter
         26d j send-1
         26d j send-1 sent by email
         26d j exit completed
         26d23h j enter
         26d23h j send-1
         26d23h j send-1 held until 33d: one
         33d j send-1 sent by email
         33d j exit completed",
    );
}

#[test]
fn transactional_messages_pass_quiet_hours_and_caps() {
    let all = json!([
        {"name": "nights", "quiet_hours": {"windows": [{"from": "21:00", "to": "08:00"}]}},
        {"name": "one", "frequency_cap": {"limit": 1, "window": {"rolling": "P7D"}}}]);
    check(
        journey(json!([
            send(json!({"valid_for": "PT10H"})),
            send(json!({"class": "transactional"}))
        ]))
        .rules(all),
        "track Go\nwait PT12H\ntrack Go",
        "0 j enter
         0 j send-1
         0 j send-1 sent by email
         0 j send-2
         0 j send-2 sent by email
         0 j exit completed
         12h j enter
         12h j send-1
         12h j send-1 refused: validity
         12h j send-2
         12h j send-2 sent by email
         12h j exit completed",
    );
}

#[test]
fn released_messages_are_spread_within_their_validity() {
    let given = journey(json!([send(json!({}))])).spread_ms(3_600_000);
    let one = check(
        given,
        "wait PT12H\ntrack Go",
        "12h j enter\n12h j send-1\n12h j send-1 held until 22h: nights",
    );
    let late = one.loaded.customer.due_at.ms_since(one.now) - 10 * 3_600_000;
    assert!((0..3_600_000).contains(&late), "{late} ms after the end of the night");
}

#[test]
fn a_message_that_no_address_is_known_for_is_refused() {
    check(
        journey(json!([send(json!({"channels": [{"email": "hello"}]}))])),
        "identify {\"email\": null}\ntrack Go",
        "0 j enter\n0 j send-1\n0 j send-1 not by email: reachability\n0 j exit completed",
    );
}
