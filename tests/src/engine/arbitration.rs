//! Candidates of one instant, and messages that wait for a slot (semantics 20 and 25).

use serde_json::json;

use super::customer::One;
use super::given::Given;
use super::script::{check, run};

/// Three journeys that all want to send on one event, under a cap of one message.
fn rivals(order: [usize; 3]) -> Given {
    let rivals = [("a", 50, 1.0), ("b", 90, 0.0), ("c", 50, 2.0)];
    let mut given = Given::new().rules(json!([{"name": "one", "frequency_cap":
        {"limit": 1, "window": {"rolling": "P1D"}, "on_exceeded": "refuse"}}]));
    for at in order {
        let (name, priority, value) = rivals[at];
        given = given.journey(
            name,
            json!({"enter": {"event": "Go"}, "steps": [
            {"send": {"channels": [{"email": "hello"}], "class": "marketing",
                "priority": priority, "value": value}}]}),
        );
    }
    given
}

#[test]
fn the_order_of_definition_or_arrival_does_not_decide() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut one = One::new(rivals(order));
        run(&mut one, "track Go");
        let decided: Vec<&String> =
            one.lines().iter().filter(|line| line.contains("send-1 ")).collect();
        let expected =
            ["0 b send-1 sent by email", "0 c send-1 refused: one", "0 a send-1 refused: one"];
        assert_eq!(decided, expected);
    }
}

#[test]
fn candidates_of_several_inputs_of_one_turn_are_one_choice() {
    let given = Given::new()
        .rules(json!([{"name": "one", "frequency_cap":
            {"limit": 1, "window": {"rolling": "P1D"}, "on_exceeded": "refuse"}}]))
        .journey(
            "low",
            json!({"enter": {"event": "A"}, "steps": [
            {"send": {"channels": [{"email": "hello"}], "class": "marketing", "priority": 1}}]}),
        )
        .journey(
            "high",
            json!({"enter": {"event": "B"}, "steps": [
            {"send": {"channels": [{"email": "hello"}], "class": "marketing", "priority": 9}}]}),
        );
    check(
        given,
        "track A & track B",
        "0 low enter
         0 low send-1
         0 high enter
         0 high send-1
         0 high send-1 sent by email
         0 high exit completed
         0 low send-1 refused: one
         0 low exit completed",
    );
}

/// Otherwise equal enrollments of one journey ask in the order of their entry keys, which the
/// journey's author chose, not in that of their send ids, which nobody can foresee.
#[test]
fn enrollments_of_one_journey_ask_in_the_order_of_their_keys() {
    for keys in [["a", "b", "c", "d"], ["d", "b", "a", "c"]] {
        let given = Given::new()
            .rules(json!([{"name": "one", "frequency_cap":
                {"limit": 1, "window": {"rolling": "P1D"}, "on_exceeded": "refuse"}}]))
            .journey(
                "j",
                json!({
                    "enter": {"event": "Go", "key": "event.properties.cart", "reentry": "parallel"},
                    "steps": [{"send": {"channels": [{"email": "hello"}], "class": "marketing"}},
                        {"wait": {"for": "P1D"}}]}),
            );
        let script = keys.map(|key| format!("track Go | {{\"cart\": \"{key}\"}}")).join(" & ");
        let mut one = One::new(given);
        run(&mut one, &script);
        let sends = one.sends();
        assert_eq!(sends.len(), 1, "{:#?}", one.lines());
        let sent = one.loaded.customer.enrollments.iter();
        let sent: Vec<&str> = sent
            .filter(|enrollment| enrollment.last_send == Some(sends[0].ledger.send))
            .map(|enrollment| &*enrollment.key)
            .collect();
        assert_eq!(sent, ["a"]);
    }
}

fn queueing() -> Given {
    let step = |priority| {
        json!({"enter": {"event": "Go", "reentry": "parallel"}, "steps": [
            {"send": {"channels": [{"email": "hello"}], "class": "marketing",
                "priority": priority, "valid_for": "PT2H"}}]})
    };
    Given::new().journey("high", step(90)).journey("low", step(10))
}

#[test]
fn what_has_no_slot_is_planned_and_goes_by_priority() {
    let one = check(
        queueing(),
        "by hand
         slots 0
         track Go
         wait PT1H
         slots 1
         accepted",
        "0 high enter
         0 high send-1
         0 low enter
         0 low send-1
         1h high send-1 sent by email
         1h high exit completed
         1h low send-1 sent by email
         1h low exit completed",
    );
    assert_eq!(one.in_flight.len(), 1);
}

#[test]
fn what_gets_no_slot_in_time_expires() {
    check(
        queueing(),
        "slots 0\ntrack Go\nwait PT3H",
        "0 high enter
         0 high send-1
         0 low enter
         0 low send-1
         2h high send-1 refused: validity
         2h high exit completed
         2h low send-1 refused: validity
         2h low exit completed",
    );
}

/// A slot that comes while the journey is paused must not make the message lose its place.
#[test]
fn what_waits_for_a_slot_survives_a_pause() {
    check(
        queueing(),
        "slots 0\ntrack Go\npause high\nslots 1\nwait PT1H\nresume high",
        "0 high enter
         0 high send-1
         0 low enter
         0 low send-1
         0 low send-1 sent by email
         0 low exit completed
         1h high send-1 sent by email
         1h high exit completed",
    );
}

#[test]
fn what_waits_for_a_slot_survives_a_restart() {
    check(
        queueing(),
        "slots 0\ntrack Go\nrestart\nslots 2",
        "0 high enter
         0 high send-1
         0 low enter
         0 low send-1
         0 high send-1 sent by email
         0 high exit completed
         0 low send-1 sent by email
         0 low exit completed",
    );
}
