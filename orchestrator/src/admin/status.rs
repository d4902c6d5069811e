//! How the process and its journeys stand.

use domain::ids::JourneyName;
use engine::catalog::Control;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Refusal, refuse};
use crate::error::ErrorCode;
use crate::web::console::counts::{Overview, Spent};

/// How the process stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// Its clock.
    pub now: String,
    /// Whether recorded events move that clock.
    pub replay: bool,
    /// Revision of what is published.
    pub revision: u64,
    /// Partitions of the store.
    pub partitions: u16,
}

/// How a journey stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyState {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    #[schemars(with = "String", extend("enum" = ["running", "paused", "stopped"]))]
    pub state: Control,
    /// The version that new entries get; none once it is published no more.
    pub version: Option<u32>,
    /// Earlier versions that still have enrollments, with their numbers.
    pub older: Vec<OlderVersion>,
    /// Enrollments made, of the versions that are still known.
    pub entered: i64,
    /// Enrollments that have not ended.
    pub active: i64,
    /// Messages handed over.
    pub sent: i64,
    /// Decisions to hold a message.
    pub held: i64,
    /// Messages refused.
    pub refused: i64,
    /// What its messages cost.
    pub spent: Spent,
}

/// An earlier version that still has enrollments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OlderVersion {
    /// Its number.
    pub version: u32,
    /// Its enrollments that have not ended.
    pub active: i64,
}

impl Admin {
    /// How the process stands.
    pub async fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now: self.now().to_string(),
            replay: self.time.is_some(),
            revision: self.state.lock().await.publication.revision,
            partitions: self.app.directory.count(),
        }
    }

    /// How one journey stands.
    pub async fn journey(&self, name: &str) -> Result<JourneyState, Refusal> {
        match self.journeys().await?.into_iter().find(|state| state.name == name) {
            Some(state) => Ok(state),
            None => refuse(ErrorCode::JourneyUnknown, format!("no journey `{name}` is published")),
        }
    }

    /// How each journey stands, by name.
    pub async fn journeys(&self) -> Result<Vec<JourneyState>, Refusal> {
        let overview = self.overview().await?;
        Ok(self.states(&overview).await)
    }

    /// How each journey stands by what was counted, by name.
    pub async fn states(&self, overview: &Overview) -> Vec<JourneyState> {
        let controls = self.state.lock().await.publication.controls.clone();
        let mut states: Vec<JourneyState> = Vec::new();
        for counts in &overview.journeys {
            let at = match states.iter().position(|state| state.name == counts.name) {
                Some(at) => at,
                None => {
                    let name = JourneyName::from(counts.name.as_str());
                    let state = controls.get(&name).copied().unwrap_or_default();
                    states.push(JourneyState::new(&counts.name, state));
                    states.len() - 1
                }
            };
            let state = &mut states[at];
            let (sent, held, refused) = counts.messages();
            state.entered += counts.entered;
            state.active += counts.active;
            state.sent += sent;
            state.held += held;
            state.refused += refused;
            state.spent.micros += counts.spent_micros();
            state.spent.currency.clone_from(&overview.spent.currency);
            if counts.current {
                state.version = Some(counts.version);
            } else if counts.active > 0 {
                state.older.push(OlderVersion { version: counts.version, active: counts.active });
            }
        }
        states.sort_by(|a, b| a.name.cmp(&b.name));
        states
    }
}

impl JourneyState {
    fn new(name: &str, state: Control) -> Self {
        Self {
            name: name.to_owned(),
            state,
            version: None,
            older: Vec::new(),
            entered: 0,
            active: 0,
            sent: 0,
            held: 0,
            refused: 0,
            spent: Spent::default(),
        }
    }
}
