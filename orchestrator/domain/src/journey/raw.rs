//! The YAML shape of a journey. Steps have theirs in their own files.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::journey::steps::RawStep;

/// A journey: who enters, what happens step by step, and what ends it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawJourney {
    /// How customers enter.
    pub enter: RawEntry,
    /// What the journey wants to reach. Reaching it ends the enrollment.
    pub goal: Option<RawGoal>,
    /// Events that end the enrollment in every state, also while a message is held.
    #[serde(default)]
    pub exit: Vec<RawEventMatch>,
    /// What happens to waits that end late, after downtime or a pause. Default: `fire`.
    pub catch_up: Option<RawCatchUp>,
    /// A trigger older than this is recorded and counted, but enters nothing. Default: `P1D`.
    pub max_event_age: Option<String>,
    /// For enrollments of earlier versions: `old-step: new-step`. Without it they stay on the
    /// version that they entered.
    #[serde(default)]
    pub migrate: BTreeMap<String, String>,
    /// What happens, in order.
    pub steps: Vec<RawStep>,
}

/// How customers enter: by exactly one of `event`, `segment`, `schedule` and `api`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["event"]},
    {"required": ["segment"], "not": {"required": ["schedule"]}},
    {"required": ["schedule"]},
    {"required": ["api"]},
]))]
pub struct RawEntry {
    /// Enter on this event.
    pub event: Option<String>,
    /// CEL: one enrollment per customer, journey and key (`event.properties.cart_id`).
    pub key: Option<String>,
    /// CEL: enter only if it holds.
    pub when: Option<String>,
    /// When a customer may enter again. Default: `never`.
    pub reentry: Option<RawReentry>,
    /// Enter on becoming a member of this segment; with `schedule`: whom the schedule enrolls.
    pub segment: Option<String>,
    /// With `segment`: whether those who are members at the moment of `apply` enter too.
    pub backfill: Option<bool>,
    /// Enter at the ticks of a schedule.
    pub schedule: Option<RawSchedule>,
    /// Enter only by a call of the API: `{}`.
    pub api: Option<RawApi>,
}

/// Entry by the API has no settings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawApi {}

/// Ticks: again and again by `cron`, or `once`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["cron"]}, {"required": ["once"]}]))]
pub struct RawSchedule {
    /// A cron pattern of five fields, in the zone's civil time (`0 9 * * mon`).
    pub cron: Option<String>,
    /// A local date and time (`2026-03-01T09:00`), for a broadcast.
    pub once: Option<String>,
    /// The zone of the pattern or of the date (`Europe/Madrid`).
    pub zone: String,
}

/// When a customer may enter again. Earlier entries are never forgotten.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawReentry {
    /// Once per customer and key.
    Never,
    /// When no enrollment of the same key is active.
    AfterExit,
    /// Always.
    Parallel,
    /// When none is active and this long has passed since the last exit (`P7D`).
    After(String),
}

/// An event and a condition.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEventMatch {
    /// Name of the event.
    pub event: String,
    /// CEL: only if it holds.
    pub when: Option<String>,
}

/// What a journey wants to reach.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGoal {
    /// Name of the event.
    pub event: String,
    /// CEL: only if it holds.
    pub when: Option<String>,
    /// How long after the entry it counts (`P7D`). Without it: as long as the enrollment lives.
    pub within: Option<String>,
}

/// What happens to waits that end late, after downtime or a pause.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RawCatchUp {
    /// Go on at once.
    Fire,
    /// Go on; what is later than `older_than` does not send its next message.
    Skip {
        /// Lateness up to which a message still goes (`PT6H`).
        older_than: String,
    },
    /// Go on within a period, each enrollment at its own moment.
    Spread {
        /// Length of the period (`PT2H`).
        over: String,
    },
}
