//! The audience actor: exports the members of retargeting audiences, each in its period. Who is a
//! member is the engine's; this carries their rows to the provider, which hands over what changed.
//!
//! An export is the whole set as it is durable, so that one that failed or was cut short is made
//! good by the next one.

mod hand_over;
mod places;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use channels::audience::{Folder, Hashed, Members};
use channels::{Channel, Outcome};
use domain::ids::{ChannelName, NameId};
use domain::time::Instant;
use engine::audience::MemberRow;
use engine::codec::{self, DecodeError};
use runtime::{Clock, Reply};
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read, ReadError, Store};
use tokio::sync::{mpsc, watch};

pub use self::hand_over::{EXPORT_LIMIT_MS, hand_over};
use super::Published;
use crate::app::Keeper;
use crate::rows;
use crate::telemetry::metrics::Metrics;

/// Requests for an export that may wait: each is one person's, who waits for it.
pub const EXPORTS_WAITING_MAX: usize = 16;
/// Pause after an export that failed, in milliseconds.
const RETRY_MS: i64 = 60_000;
/// Rows of members read at once.
const PAGE_MEMBERS: usize = 4_096;

/// The last export of an audience, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// When it was tried.
    pub at: Instant,
    /// What became of it: `accepted`, `rejected`, `not_sent` or `unknown`.
    pub outcome: String,
    /// What the provider said.
    pub reply: String,
    /// Members that it was to hand over.
    pub members: u64,
    /// When one was accepted last.
    pub accepted_at: Option<Instant>,
}

/// Key of the row of an audience's last export.
fn key(audience: &ChannelName) -> Vec<u8> {
    [b"E", audience.as_str().as_bytes()].concat()
}

/// The last export of an audience, if there was one.
pub fn last_export(
    store: &impl Read,
    audience: &ChannelName,
) -> Result<Option<Exported>, ExportError> {
    let row = store.get(rows::table(engine::Table::Meta), &key(audience))?;
    Ok(row.map(|row| codec::decode("export", &row)).transpose()?)
}

/// Why an export could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row of it makes no sense.
    #[error(transparent)]
    Damaged(#[from] DecodeError),
    /// What came of it could not be made durable: the process is ending.
    #[error("the process is ending")]
    Ending,
    /// There is no such audience.
    #[error("there is no audience of this name")]
    Unknown,
}

/// Somebody asks for an export now.
#[derive(Debug)]
pub struct ExportNow {
    /// The audience.
    pub audience: ChannelName,
    /// Who waits for the end of it.
    pub reply: Reply<Result<Exported, ExportError>>,
}

/// The actor.
#[derive(Debug)]
pub struct AudienceActor {
    /// What is published; closed when the process ends.
    pub published: watch::Receiver<Arc<Published>>,
    /// Who asks.
    pub asked: mpsc::Receiver<ExportNow>,
    /// Where members are read.
    pub store: Store,
    /// Partitions of the store.
    pub partitions: u16,
    /// Where the last export of each audience is kept.
    pub keeper: Keeper,
    /// The one clock.
    pub clock: Clock,
    /// Real time, however fast the process's clock runs: exports are limited by it.
    pub real: Clock,
    /// Where exports are counted.
    pub metrics: Arc<Metrics>,
    /// Where exports lie, unless an audience says where else.
    pub exports: PathBuf,
    /// Places that are being left, by their keys: one that hangs is asked again, not opened again.
    pub leaving: HashMap<Vec<u8>, Folder>,
}

/// An audience that is published.
struct Audience {
    name: ChannelName,
    number: NameId,
    period_ms: i64,
    provider: Arc<dyn Channel>,
}

impl AudienceActor {
    /// Exports until the process ends.
    pub async fn run(mut self) {
        loop {
            let next = self.export_due().await;
            tokio::select! {
                changed = self.published.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                asked = self.asked.recv() => {
                    let Some(ExportNow { audience, reply }) = asked else { return };
                    reply.send(self.export_now(&audience).await);
                }
                () = self.clock.sleep_until(next.0) => {}
            }
        }
    }

    fn audiences(&mut self) -> Vec<Audience> {
        let published = self.published.borrow_and_update().clone();
        let found = published.channels.iter().filter_map(|(name, door)| {
            let info = published.catalog.channel(name)?;
            (info.export_ms > 0).then(|| Audience {
                name: name.clone(),
                number: info.id,
                period_ms: info.export_ms,
                provider: door.provider.clone(),
            })
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }

    /// Exports what is due; when the next one is.
    async fn export_due(&mut self) -> Instant {
        let audiences = self.audiences();
        let mut next = match self.leave(&audiences).await {
            Ok(next) => next,
            Err(ExportError::Ending) => return Instant::MAX,
            Err(error) => self.failed(&"places of audiences", &error),
        };
        for audience in audiences {
            let due = match last_export(&self.store, &audience.name) {
                Ok(last) => last.map_or(Instant::MIN, |last| due(&last, audience.period_ms)),
                Err(error) => {
                    next = next.min(self.failed(&audience.name, &error));
                    continue;
                }
            };
            if due > self.now() {
                next = next.min(due);
                continue;
            }
            match self.export(&audience).await {
                Ok(exported) => next = next.min(self::due(&exported, audience.period_ms)),
                Err(ExportError::Ending) => return Instant::MAX,
                Err(error) => next = next.min(self.failed(&audience.name, &error)),
            }
        }
        next
    }

    /// Says that an export could not be made; when it is tried again.
    fn failed(&self, audience: &dyn std::fmt::Display, error: &ExportError) -> Instant {
        tracing::error!(%audience, %error, "no export");
        self.now().plus_ms(RETRY_MS)
    }

    async fn export_now(&mut self, name: &ChannelName) -> Result<Exported, ExportError> {
        let audience = self.audiences().into_iter().find(|audience| audience.name == *name);
        self.export(&audience.ok_or(ExportError::Unknown)?).await
    }

    async fn export(&self, audience: &Audience) -> Result<Exported, ExportError> {
        let now = self.now();
        let (store, partitions, number) = (self.store.clone(), self.partitions, audience.number);
        let read = move || members(&store, partitions, number, now);
        let members =
            tokio::task::spawn_blocking(read).await.map_err(|_| ExportError::Ending)??;
        let count = members.len() as u64;
        if let Some(place) = audience.provider.place() {
            self.remember(&place).await?;
        }
        let outcome = self.hand_over(&*audience.provider, audience.name.as_str(), members).await;
        let (label, reply) = (outcome.label(), said(&outcome));
        let accepted = matches!(outcome, Outcome::Accepted { .. });
        let before = last_export(&self.store, &audience.name)?.and_then(|last| last.accepted_at);
        let accepted_at = if accepted { Some(now) } else { before };
        let outcome = label.to_owned();
        let exported = Exported { at: now, outcome, reply, members: count, accepted_at };
        self.put(vec![(key(&audience.name), Some(codec::encode(&exported)))]).await?;
        Ok(exported)
    }

    /// Hands members over, counts that and says it in the log.
    async fn hand_over(&self, provider: &dyn Channel, name: &str, members: Members) -> Outcome {
        let outcome = hand_over(&self.real, provider, name, members, self.now()).await;
        self.metrics.audience_export(name, outcome.label());
        let reply = said(&outcome);
        match outcome {
            Outcome::Accepted { .. } => {
                tracing::info!(audience = name, reply, "an audience was exported");
            }
            _ => tracing::warn!(audience = name, reply, "an export failed"),
        }
        outcome
    }

    fn now(&self) -> Instant {
        Instant(self.clock.now_ms())
    }
}

fn due(last: &Exported, period_ms: i64) -> Instant {
    let accepted = last.accepted_at == Some(last.at);
    last.at.plus_ms(if accepted { period_ms } else { RETRY_MS.min(period_ms) })
}

/// Everybody whose membership is durable and has not ended.
fn members(
    store: &Store,
    partitions: u16,
    audience: NameId,
    now: Instant,
) -> Result<Members, ExportError> {
    let table = rows::table(engine::Table::Meta);
    let mut found = Vec::new();
    for partition in 0..partitions {
        let mut range = Range::prefix(codec::members_prefix(partition, audience));
        loop {
            let page = store.scan(table, &range, Limit::rows(PAGE_MEMBERS))?;
            for (_, row) in &page.rows {
                let row: MemberRow = codec::decode("member of an audience", row)?;
                let identifiers = row.identifiers.iter().map(|(kind, text)| (*kind, &**text));
                found.extend(Hashed::of(identifiers).filter(|_| now < row.until));
            }
            match page.next {
                Some(next) => range = range.resume(next),
                None => break,
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { reply, .. } => reply,
        Outcome::Rejected { reason, .. }
        | Outcome::NotSent { reason, .. }
        | Outcome::Unknown { reason, .. } => reason,
    }
    .clone()
}
