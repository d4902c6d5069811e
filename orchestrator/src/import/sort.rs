//! The order in which `simulate` and `import --trigger replay` process events (semantics 2, 3).

use domain::event::Recorded;

/// By the instant of occurrence, then in the order of receipt, aliases behind everything else of
/// their instant. Receipt is set to the instant of occurrence, as simulation and replay want it.
pub fn replay_order(mut all: Vec<Recorded>) -> Vec<Recorded> {
    // The sort is stable: events of one instant keep the order in which they were read.
    all.sort_by_key(|one| (one.at(), matches!(one, Recorded::Alias(_))));
    for one in &mut all {
        if let Recorded::Event(event) = one {
            event.received_at = event.occurred_at;
        }
    }
    all
}
