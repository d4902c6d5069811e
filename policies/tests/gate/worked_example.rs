//! A published worked example of pressure rules: at most three newsletters per two weeks, rolling,
//! and widened to calendar months or quarters (research note d.6, after Adobe Campaign).

use cadencia_policies::CountState;
use domain::verdict::Decision;

use crate::fixture::{World, at, set};

const NEWSLETTERS: [&str; 6] = ["05-30", "06-03", "06-08", "06-12", "06-22", "06-30"];

/// The days on which a newsletter is blocked, if each allowed one is sent.
fn blocked(window: &str) -> Vec<&'static str> {
    let cap = format!("frequency_cap: {{limit: 3, on_exceeded: refuse, window: {window}}}");
    let set = set(&format!("rules: [{{name: pressure, {cap}}}]"));
    let mut world = World::default();
    let mut blocked = Vec::new();
    for day in NEWSLETTERS {
        let now = at(&format!("2026-{day}T10:00:00Z"));
        match world.ask(&set, now).decision {
            Decision::Allow => world.reserve(&set, now, CountState::Accepted),
            _ => blocked.push(day),
        }
    }
    blocked
}

#[test]
fn rolling_blocks_the_fourth_only() {
    assert_eq!(blocked("{rolling: P14D}"), ["06-12"]);
    assert_eq!(blocked("{rolling: PT336H}"), ["06-12"]);
}

#[test]
fn widened_to_months_blocks_two() {
    assert_eq!(blocked("{rolling: P14D, widen_to: month, zone: utc}"), ["06-12", "06-30"]);
}

#[test]
fn widened_to_quarters_blocks_three() {
    let window = "{rolling: P14D, widen_to: quarter, zone: utc}";
    assert_eq!(blocked(window), ["06-12", "06-22", "06-30"]);
}

#[test]
fn calendar_windows_forget_at_their_border() {
    assert_eq!(blocked("{calendar: month, zone: utc}"), ["06-22", "06-30"]);
    assert_eq!(blocked("{calendar: quarter, zone: utc}"), ["06-12", "06-22", "06-30"]);
    assert_eq!(blocked("{calendar: week, zone: utc}"), [""; 0]);
}
