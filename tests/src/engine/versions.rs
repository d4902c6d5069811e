//! Versions: who stays, who moves, and what moves with her (semantics 12).

use serde_json::{Value, json};

use super::given::Given;
use super::script::check;

fn versions(first: Value, migrate: Value, second: Value) -> Given {
    let journey = |migrate: Value, steps: Value| {
        json!({"enter": {"event": "Go", "reentry": "parallel"}, "migrate": migrate,
            "steps": steps})
    };
    Given::new().journey("j", journey(json!({}), first)).later("j", journey(migrate, second))
}

fn wait(id: &str, span: &str) -> Value {
    json!({"wait": {"id": id, "for": span}})
}

fn send(id: &str, channel: &str) -> Value {
    json!({"send": {"id": id, "channels": [{channel: "hello"}], "class": "marketing"}})
}

#[test]
fn an_enrollment_stays_on_its_version() {
    check(
        versions(json!([wait("old", "P1D")]), json!({}), json!([wait("new", "P3D")])),
        "track Go\npublish\ntrack Go\nwait P2D",
        "0 j enter\n0 j old\n0 j enter\n0 j new\n1d j exit completed",
    );
}

#[test]
fn a_step_of_the_same_kind_keeps_its_due_instant() {
    check(
        versions(
            json!([wait("old", "P1D")]),
            json!({"old": "new"}),
            json!([wait("new", "P3D"), wait("more", "P1D")]),
        ),
        "track Go\nwait PT6H\npublish\nwait P3D",
        "0 j enter\n0 j old\n6h j now new\n1d j more\n2d j exit completed",
    );
}

#[test]
fn a_step_of_another_kind_is_entered_anew() {
    check(
        versions(
            json!([wait("old", "P1D")]),
            json!({"old": "new"}),
            json!([send("new", "email"), wait("more", "P1D")]),
        ),
        "track Go\nwait PT6H\npublish\nwait P3D",
        "0 j enter
         0 j old
         6h j now new
         6h j new
         6h j new sent by email
         6h j more
         1d6h j exit completed",
    );
}

#[test]
fn a_message_that_waits_for_a_slot_moves_to_the_new_channel() {
    check(
        versions(json!([send("old", "email")]), json!({"old": "new"}), json!([send("new", "sms")])),
        "slots 0\ntrack Go\npublish\nwait PT1H\nslots 1",
        "0 j enter\n0 j old\n0 j now new\n1h j new sent by sms\n1h j exit completed",
    );
}

/// The message belonged to a step that is no more: that it never went must be on record.
#[test]
fn a_held_message_is_withdrawn_when_its_step_becomes_another_kind() {
    let nights = json!([{"name": "nights",
        "quiet_hours": {"windows": [{"from": "21:00", "to": "08:00"}]}}]);
    let given =
        versions(json!([send("old", "email")]), json!({"old": "new"}), json!([wait("new", "P1D")]));
    let one = check(
        given.rules(nights),
        "wait PT12H\ntrack Go\nwait PT1H\npublish\nwait P3D",
        "12h j enter
         12h j old
         12h j old held until 22h: nights
         13h withdrawn
         13h j now new
         13h j new
         1d13h j exit completed",
    );
    assert!(one.sends().is_empty(), "what is withdrawn is not sent");
}
