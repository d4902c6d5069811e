//! The order in which `simulate` and `import --trigger replay` process events (semantics 2, 3).

use domain::event::Event;

/// By the instant of occurrence, then in the order of receipt.
pub fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    // The sort is stable: events of one instant keep the order in which they were read.
    events.sort_by_key(|event| event.occurred_at);
    events
}

/// [`sorted`], with receipt set to the instant of occurrence, as simulation and replay want it.
pub fn replay_order(events: Vec<Event>) -> Vec<Event> {
    let mut events = sorted(events);
    for event in &mut events {
        event.received_at = event.occurred_at;
    }
    events
}
