//! What operators do to a running process: publish definitions, pause journeys, look, bring in
//! recorded events. Behind the control socket, the console and the server's own start; it owns the
//! one copy of what is published and must never let two changes of it overlap.

mod audiences;
mod catalog;
mod customers;
mod lag;
mod published;
mod repeats;
mod replay;
mod reports;
mod requests;
mod sends;
mod status;
mod test_message;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use channels::capture::Capture;
use channels::http::Egress;
use channels::unsubscribe::Keys;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, ChannelName, CustomerId, JourneyName, VersionNo};
use domain::journey::definition::Entry;
use domain::time::Instant;
use domain::value::{Map, Text, to_json_map};
use engine::catalog::Control;
use engine::counters::{CounterKey, Counters};
use runtime::{Clock, SimulatedClock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::access::Access;
use crate::access::audit::Change;
use crate::access::mask::Mask;
use crate::access::principal::Principal;
use crate::actors::load::first_unfit;
use crate::app::{App, Opened, StartError};
use crate::config::{self, Source};
use crate::error::{ErrorCode, Problem, ProblemItem};
use crate::outgoing::{self, Outgoing, OutgoingError};
use crate::publish::{Built, ChangeKind, Plan, Publication, PublicationError, plan};
use crate::recovery::RecoverError;
use crate::telemetry::recent::Recent;
use crate::timeline::{self, Timeline};
use crate::web::api::tracking::EVENT_BYTES_MAX;
use crate::web::console::counts::{self, Overview};

pub use audiences::{AudienceState, ExportState};
pub use catalog::{
    ChannelState, Definition, DefinitionLine, JourneyVersion, PolicyState, SegmentState,
    VersionDiff,
};
pub use lag::{COMMITS_SLOW_US, Lag, Measured, TIMERS_DUE_MAX, TIMERS_LATE_US};
pub use published::{AppliedRow, applied as applied_rows};
pub use replay::{IMPORT_EVENTS_MAX, Imported, Trigger};
pub use requests::{Begin, KeptAnswer, Requests};
pub use status::{JourneyState, OlderVersion, Status};
pub use test_message::{TestMessage, Tested};

/// Long reads of rows at once: each keeps a thread busy for up to a tenth of a second. Others wait.
const READS_AT_ONCE_MAX: usize = 4;
/// Reads for providers' reports at once, of one or two rows each. Others wait.
const REPORTS_AT_ONCE_MAX: usize = 2;

/// Most bytes of the rows of one `apply`: the publication, with versions that still have
/// enrollments, and what the `apply` changed. They become durable together or not at all, so all of
/// them go into one transaction of the store, with some room for its own bytes.
pub const APPLY_BYTES_MAX: usize = store::TRANSACTION_BYTES_MAX - 64 * 1024;

/// Why an operation was refused.
pub type Refusal = Box<Problem>;

/// Why the process cannot start with what is published.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store or the actors.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The publication in the store cannot be read.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// It cannot be compiled.
    #[error(transparent)]
    Publication(#[from] PublicationError),
    /// A channel of it cannot be used.
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
}

/// What channels are built with.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// What signs links.
    pub keys: Arc<Keys>,
    /// Folder of the files that channels name.
    pub folder: PathBuf,
    /// Folder of the exports of audiences that name a relative one.
    pub exports: PathBuf,
    /// Scheme and host for links, where a channel names none.
    pub public_url: Option<String>,
    /// Sends requests to addresses that definitions name.
    pub egress: Egress,
}

/// The operations on one running process.
#[derive(Debug)]
pub struct Admin {
    /// The process.
    pub app: App,
    /// Who may do what.
    pub access: Arc<Access>,
    workshop: Workshop,
    state: tokio::sync::Mutex<State>,
    captures: RwLock<Vec<(ChannelName, Capture)>>,
    /// The hand that moves the clock, where recorded events may do so.
    time: Option<SimulatedClock>,
    /// Held by the one replay that does so.
    replaying: tokio::sync::Mutex<()>,
    /// Lets few long reads run at once.
    reading: Arc<Semaphore>,
    /// Lets few reads for providers' reports run at once: people who look wait for each other, not
    /// providers for them.
    reporting: Arc<Semaphore>,
    /// Requests that came with a key.
    pub requests: Requests,
    /// What was measured in the last minutes.
    pub recent: Recent,
}

#[derive(Debug)]
struct State {
    publication: Publication,
    built: Built,
    outgoing: Outgoing,
}

/// Definitions on their way to the server: canonical text of each document.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The documents.
    pub documents: Vec<String>,
    /// The revision that the caller has seen; an `apply` to any other one is refused.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::web::json::count"
    )]
    #[schemars(with = "Option<u64>", range(max = i64::MAX))]
    pub revision: Option<u64>,
}

/// An entry by the API.
#[derive(Clone, Debug)]
pub struct ApiEntry {
    /// The customer's id.
    pub customer: String,
    /// The entry key.
    pub key: String,
    /// What `event.properties` will say.
    pub properties: Map,
}

/// What an `apply` did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// The revision now.
    pub revision: u64,
    /// What changed.
    pub plan: Plan,
}

fn refuse<T>(code: ErrorCode, detail: impl std::fmt::Display) -> Result<T, Refusal> {
    Err(Box::new(Problem::new(code, detail.to_string())))
}

impl Admin {
    /// Starts the process with what its store has published.
    pub fn start(
        opened: Opened,
        workshop: Workshop,
        time: Option<SimulatedClock>,
    ) -> Result<Self, AdminError> {
        let mut publication = opened.publication()?;
        let built = publication.build()?;
        let clock = opened.clock().clone();
        let outgoing = workshop.build(&built, &clock, None)?;
        let app = App::start(opened, &built.catalog, &outgoing.parts)?;
        let captures = RwLock::new(outgoing.captures.clone());
        // A demonstration's clock runs away: a login would last for seconds. A replay's stands
        // still until somebody moves it.
        let by = if time.is_some() { clock.clone() } else { Clock::system() };
        let access = Arc::new(Access::open(&app.store, app.keeper(), by)?);
        let requests = Requests::open(&app.store, app.keeper())?;
        let state = tokio::sync::Mutex::new(State { publication, built, outgoing });
        let replaying = tokio::sync::Mutex::new(());
        let reading = Arc::new(Semaphore::new(READS_AT_ONCE_MAX));
        let recent = Recent::new(app.metrics.clone(), Clock::system());
        let reporting = Arc::new(Semaphore::new(REPORTS_AT_ONCE_MAX));
        Ok(Self {
            app,
            access,
            workshop,
            state,
            captures,
            time,
            replaying,
            reading,
            reporting,
            requests,
            recent,
        })
    }

    /// What signs links.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.workshop.keys
    }

    /// Channels that keep their messages.
    pub fn captures(&self) -> Vec<(ChannelName, Capture)> {
        self.captures.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What applying a proposal would change.
    pub async fn plan(&self, proposal: Proposal) -> Result<Plan, Refusal> {
        let definitions = aside(move || definitions(&proposal)).await??;
        let state = self.state.lock().await;
        let counters = self.counters().await?;
        let versions = &state.built.catalog.parts().versions;
        Ok(plan(&state.publication, &definitions, versions, &counters))
    }

    /// Publishes a proposal. Nothing changes unless all of it can be used; it is in force when it
    /// is durable.
    pub async fn apply(&self, proposal: Proposal, by: &Principal) -> Result<Applied, Refusal> {
        let revision_seen = proposal.revision;
        let definitions = aside(move || definitions(&proposal)).await??;
        let mut state = self.state.lock().await;
        let known = state.publication.revision;
        if revision_seen.is_some_and(|seen| seen != known) {
            let detail = format!("the revision is {known} by now");
            return refuse(ErrorCode::PlanStale, detail);
        }
        let counters = self.counters().await?;
        let versions = &state.built.catalog.parts().versions;
        let plan = plan(&state.publication, &definitions, versions, &counters);
        let mut next = state.publication.applied(&definitions, self.now());
        if next.revision != known {
            next.forget(&in_use(&state.publication, &counters));
            let (before, after) = (revision(known), applied(next.revision, &plan));
            let change = Change::of("definitions.apply", "definitions", before, after);
            let at_ms = self.access.now().0;
            let rows = AppliedRow::writes(&self.app.store, next.revision, at_ms, by, &plan);
            self.put_in_force(&mut state, next, by, (change, rows)).await?;
        }
        Ok(Applied { revision: state.publication.revision, plan })
    }

    /// Pauses, resumes or stops a journey.
    pub async fn control(
        &self,
        journey: &JourneyName,
        control: Control,
        by: &Principal,
    ) -> Result<(), Refusal> {
        let mut state = self.state.lock().await;
        let mut next = state.publication.clone();
        if !next.control(journey, control) {
            return refuse(
                ErrorCode::JourneyUnknown,
                format!("no journey `{journey}` is published"),
            );
        }
        if next.controls == state.publication.controls {
            return Ok(());
        }
        let before = state.publication.controls.get(journey).copied().unwrap_or_default();
        let what = match control {
            Control::Running => "journey.resume",
            Control::Paused => "journey.pause",
            Control::Stopped => "journey.stop",
        };
        let change = Change::of(what, journey.as_str(), word(before), word(control));
        self.put_in_force(&mut state, next, by, (change, Vec::new())).await
    }

    /// Compiles, makes durable together with its audit row and more rows, and only then lets turns
    /// see it.
    async fn put_in_force(
        &self,
        state: &mut State,
        mut next: Publication,
        by: &Principal,
        (change, mut rows): (Change, Vec<engine::Write>),
    ) -> Result<(), Refusal> {
        let unusable = |error: &dyn std::fmt::Display| {
            Box::new(Problem::new(ErrorCode::InvalidDefinition, error.to_string()))
        };
        let (built, next) = aside(move || (next.build(), next)).await?;
        let built = built.map_err(|error| unusable(&error))?;
        let outgoing = self
            .workshop
            .build(&built, &self.app.clock, Some(&state.outgoing))
            .map_err(|error| unusable(&error))?;
        rows.push(self.access.audit(by, change));
        let rows = self.app.kept_rows(&next, rows);
        let bytes: usize = rows.iter().map(row_bytes).sum();
        if bytes > APPLY_BYTES_MAX {
            let detail = format!(
                "the definitions, with what changes in them, have {bytes} bytes, at most \
                 {APPLY_BYTES_MAX} are written at once; change or add fewer documents at a time"
            );
            return refuse(ErrorCode::DefinitionTooLarge, detail);
        }
        if self.app.keeper().put(rows).await.is_err() {
            return refuse(ErrorCode::StoreUnavailable, "the publication is not durable");
        }
        self.app.publish(&built.catalog, &outgoing.parts).await;
        *self.captures.write().unwrap_or_else(PoisonError::into_inner) = outgoing.captures.clone();
        *state = State { publication: next, built, outgoing };
        Ok(())
    }

    /// Lets a customer enter a journey whose entry is `api`. Returns when that is durable; whether
    /// she entered, and why not, stands in her timeline.
    pub async fn enroll(
        &self,
        journey: &JourneyName,
        entry: ApiEntry,
        by: &Principal,
    ) -> Result<(), Refusal> {
        let by_api = {
            let state = self.state.lock().await;
            let current = state.built.catalog.current(journey);
            let Some((_, definition)) = current else {
                let detail = format!("no journey `{journey}` is published");
                return refuse(ErrorCode::JourneyUnknown, detail);
            };
            if state.built.catalog.control(journey) == Control::Stopped {
                let detail = format!("`{journey}` is stopped: resume it first");
                return refuse(ErrorCode::StateConflict, detail);
            }
            matches!(definition.entry, Entry::Api)
        };
        if !by_api {
            let detail = format!("`{journey}` is not entered by the API");
            return refuse(ErrorCode::StateConflict, detail);
        }
        if entry.customer.is_empty() || entry.customer.len() > CUSTOMER_ID_MAX_BYTES {
            let detail = format!("`customer` must have 1 to {CUSTOMER_ID_MAX_BYTES} bytes");
            return refuse(ErrorCode::BadParameter, detail);
        }
        let bytes = entry.key.len() + to_json_map(&entry.properties).to_string().len();
        if bytes > EVENT_BYTES_MAX {
            let detail =
                format!("key and properties have {bytes} bytes, at most {EVENT_BYTES_MAX}");
            return refuse(ErrorCode::EventTooLarge, detail);
        }
        let customer = CustomerId::from(entry.customer);
        let whom = format!("customer {:032x}", u128::from_be_bytes(customer.key().0));
        let change = Change::made("journey.enroll", journey.as_str(), whom);
        // What finds no room is not announced.
        let room = self.app.directory.room(customer.clone()).or_else(busy)?;
        self.access.announce(by, change).await?;
        let key = Text::from(entry.key.as_str());
        match room.enroll(journey.clone(), key, entry.properties).await {
            Ok(()) => Ok(()),
            Err(_) => {
                let (store, partitions) = (&self.app.store, self.app.directory.count());
                match first_unfit(store, partitions, [&customer]) {
                    Some((id, error)) => refuse(error.code(), format!("customer {id}: {error}")),
                    None => refuse(ErrorCode::StoreUnavailable, "the entry is not durable"),
                }
            }
        }
    }

    /// Everything that is counted.
    pub async fn overview(&self) -> Result<Overview, Refusal> {
        counts::overview(&self.app.directory).await.or_else(busy)
    }

    async fn counters(&self) -> Result<Counters, Refusal> {
        counts::counters(&self.app.directory).await.or_else(busy)
    }

    /// What somebody must not see: personal data, unless she has the scope for it.
    pub async fn mask(&self, by: &Principal) -> Mask {
        self.outlook(by).await.0
    }

    /// One customer's timeline.
    pub async fn timeline(
        &self,
        id: &CustomerId,
        rows: usize,
        mask: Mask,
    ) -> Result<Timeline, Refusal> {
        let (store, partitions) = (self.app.store.clone(), self.app.directory.count());
        let whose = id.clone();
        let read = move || timeline::read(&store, partitions, &whose, rows, &mask);
        match self.read(read).await? {
            Some(timeline) => Ok(timeline),
            None => refuse(ErrorCode::CustomerUnknown, format!("nobody is known as `{id}`")),
        }
    }

    /// Now.
    pub fn now(&self) -> Instant {
        Instant(self.app.clock.now_ms())
    }
}

impl Workshop {
    fn build(
        &self,
        built: &Built,
        clock: &Clock,
        known: Option<&Outgoing>,
    ) -> Result<Outgoing, OutgoingError> {
        outgoing::build(&built.definitions, self, clock, known)
    }
}

fn row_bytes(row: &engine::Write) -> usize {
    row.key.len() + row.value.as_ref().map_or(0, Vec::len)
}

fn revision(number: u64) -> String {
    format!("revision {number}")
}

/// What an `apply` did, in a few words for each document.
fn applied(number: u64, plan: &Plan) -> String {
    let changes = plan.changes.iter().map(|one| {
        let word = match one.change {
            ChangeKind::Added => "added",
            ChangeKind::Changed => "changed",
            ChangeKind::Removed => "removed",
        };
        format!("; {word} {} {}", one.kind.word(), one.name)
    });
    revision(number) + &changes.collect::<String>()
}

fn word(control: Control) -> String {
    match control {
        Control::Running => "running",
        Control::Paused => "paused",
        Control::Stopped => "stopped",
    }
    .to_owned()
}

fn busy<T>(error: impl std::fmt::Display) -> Result<T, Refusal> {
    refuse(ErrorCode::Overloaded, error)
}

/// Does what takes a core for a while, as compiling definitions does, where no request waits.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(_) => refuse(ErrorCode::ShuttingDown, ""),
    }
}

/// A proposal, validated again: it comes from outside.
fn definitions(proposal: &Proposal) -> Result<config::Definitions, Refusal> {
    let sources: Vec<Arc<Source>> = proposal
        .documents
        .iter()
        .enumerate()
        .map(|(at, text)| Source::new(format!("document {at}"), text.as_str()))
        .collect();
    let loaded = config::load_sources(&sources);
    match loaded.definitions {
        Some(definitions) => Ok(definitions),
        None => {
            let text = loaded.report.render(false);
            let item = ProblemItem::new(ErrorCode::InvalidDefinition, "documents", text);
            let problem = Problem::new(ErrorCode::InvalidDefinition, "the definitions have errors");
            Err(Box::new(problem.item(item)))
        }
    }
}

/// Versions with enrollments, and those that could get one until the next catalog is in force.
fn in_use(publication: &Publication, counters: &Counters) -> BTreeSet<VersionNo> {
    let mut standing: HashMap<VersionNo, i64> = HashMap::new();
    for (key, count) in counters.iter() {
        match key {
            CounterKey::StepEntered(version, _) => *standing.entry(version).or_default() += count,
            CounterKey::StepLeft(version, _) => *standing.entry(version).or_default() -= count,
            _ => {}
        }
    }
    let current = publication.versions.iter().filter(|one| one.current).map(|one| one.no);
    let busy = standing.into_iter().filter(|(_, count)| *count != 0).map(|(version, _)| version);
    current.chain(busy).collect()
}
