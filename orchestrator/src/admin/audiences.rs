//! Retargeting audiences: how they stand, and an export on demand.

use domain::channel::Provider;
use domain::channel::audience::{Format, Identifier};
use domain::ids::ChannelName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Refusal, refuse};
use crate::access::audit::Change;
use crate::access::principal::Principal;
use crate::actors::audience::{ExportError, ExportNow, Exported, last_export};
use crate::error::ErrorCode;
use crate::members::{Found, MemberPlace};

/// How an audience stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AudienceState {
    /// Its name: that of its channel.
    pub name: String,
    /// Where its files are written, as the definition says.
    pub folder: String,
    /// Format of the files.
    pub format: Format,
    /// What is exported of a member, hashed.
    pub identifiers: Vec<Identifier>,
    /// Period of exports, in seconds.
    pub every_seconds: i64,
    /// The last export; none before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_export: Option<ExportState>,
}

/// The last export of an audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportState {
    /// When it was tried.
    pub at: String,
    /// What became of it: `accepted`, `rejected`, `not_sent` or `unknown`.
    pub outcome: String,
    /// What the provider said.
    pub reply: String,
    /// Members that it was to hand over.
    pub members: u64,
    /// When one was accepted last.
    pub accepted_at: Option<String>,
}

impl From<Exported> for ExportState {
    fn from(exported: Exported) -> Self {
        let Exported { at, outcome, reply, members, accepted_at } = exported;
        let accepted_at = accepted_at.map(|at| at.to_string());
        Self { at: at.to_string(), outcome, reply, members, accepted_at }
    }
}

impl Admin {
    /// The audiences that are published, by name.
    pub async fn audiences(&self) -> Result<Vec<AudienceState>, Refusal> {
        let state = self.state.lock().await;
        let mut found = Vec::new();
        for (name, channel) in &state.built.definitions.channels {
            let Provider::Audience(audience) = &channel.provider else {
                continue;
            };
            let last = last_export(&self.app.store, name).or_else(failed)?;
            found.push(AudienceState {
                name: name.to_string(),
                folder: audience.folder.clone(),
                format: audience.format,
                identifiers: audience.identifiers.iter().map(|(kind, _)| *kind).collect(),
                every_seconds: audience.every_ms / 1_000,
                last_export: last.map(ExportState::from),
            });
        }
        Ok(found)
    }

    /// Members of an audience, in the order of the hashes of their ids.
    ///
    /// # Errors
    /// If there is no such audience; rows that cannot be read.
    pub async fn members(
        &self,
        name: &ChannelName,
        from: Option<MemberPlace>,
        limit: usize,
        by: &Principal,
    ) -> Result<Found, Refusal> {
        let number = {
            let state = self.state.lock().await;
            let channel = state.built.definitions.channels.get(name);
            let is_audience =
                channel.is_some_and(|it| matches!(it.provider, Provider::Audience(_)));
            state.built.catalog.channel(name).filter(|_| is_audience).map(|info| info.id)
        };
        let Some(number) = number else { return failed(ExportError::Unknown) };
        let (eyes, now) = (self.eyes(self.mask(by).await).await, self.now());
        self.read(move || eyes.sight().members(number, from, limit, now)).await
    }

    /// Exports an audience now; returns when that is over.
    pub async fn export_audience(
        &self,
        name: &ChannelName,
        by: &Principal,
    ) -> Result<ExportState, Refusal> {
        if self.audiences().await?.iter().all(|audience| audience.name != name.as_str()) {
            return failed(ExportError::Unknown);
        }
        let change = Change::made("audience.export", name.as_str(), "asked for".to_owned());
        // What finds no room is not announced.
        let Ok(room) = self.app.exports.try_reserve() else {
            return refuse(ErrorCode::Overloaded, "too many exports wait already");
        };
        self.access.announce(by, change).await?;
        let (reply, answer) = runtime::reply::reply();
        room.send(ExportNow { audience: name.clone(), reply });
        match answer.await {
            Ok(Ok(exported)) => Ok(exported.into()),
            Ok(Err(error)) => failed(error),
            Err(_) => failed(ExportError::Ending),
        }
    }
}

fn failed<T>(error: ExportError) -> Result<T, Refusal> {
    let code = match error {
        ExportError::Read(_) | ExportError::Ending => ErrorCode::StoreUnavailable,
        ExportError::Damaged(_) => ErrorCode::StoreCorrupt,
        ExportError::Unknown => ErrorCode::ChannelUnknown,
    };
    refuse(code, error)
}
