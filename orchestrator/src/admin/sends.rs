//! Looking at sends, and sending a message again that did not go.

use std::sync::Arc;

use domain::ids::SendId;
use engine::Catalog;
use engine::redrive::{self, NotRedriven};
use store::Store;
use tokio::sync::Semaphore;

use super::{Admin, Refusal, busy, refuse};
use crate::access::audit::Change;
use crate::access::mask::Mask;
use crate::access::principal::Principal;
use crate::error::ErrorCode;
use crate::recovery::RecoverError;
use crate::sends::{self, Filter, Found, One, Place, SendDetail, Sight};

/// What a read of sends needs, on a thread of its own.
pub(super) struct Eyes {
    store: Store,
    partitions: u16,
    catalog: Arc<Catalog>,
    mask: Mask,
}

impl Eyes {
    pub(super) fn sight(&self) -> Sight<'_, Store> {
        let Self { store, partitions, catalog, mask } = self;
        Sight { store, partitions: *partitions, catalog, mask }
    }
}

impl Admin {
    pub(super) async fn eyes(&self, mask: Mask) -> Eyes {
        let catalog = self.state.lock().await.built.catalog.clone();
        let (store, partitions) = (self.app.store.clone(), self.app.directory.count());
        Eyes { store, partitions, catalog, mask }
    }

    /// Reads on a thread that may wait for the disk.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, RecoverError> + Send + 'static,
    ) -> Result<T, Refusal> {
        one_of_few(&self.reading, read).await
    }

    /// Reads for a provider's report.
    pub(super) async fn read_for_report<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, RecoverError> + Send + 'static,
    ) -> Result<T, Refusal> {
        one_of_few(&self.reporting, read).await
    }

    /// The newest sends before a place that a filter lets through, as far as somebody may see them.
    pub async fn sends(
        &self,
        filter: Filter,
        before: Option<Place>,
        limit: usize,
        by: &Principal,
    ) -> Result<Found, Refusal> {
        let eyes = self.eyes(self.mask(by).await).await;
        self.read(move || sends::list(&eyes.sight(), &filter, before, limit)).await
    }

    /// One send.
    pub async fn send(&self, id: SendId, by: &Principal) -> Result<SendDetail, Refusal> {
        Ok(self.find_send(id, by).await?.detail)
    }

    async fn find_send(&self, id: SendId, by: &Principal) -> Result<One, Refusal> {
        let eyes = self.eyes(self.mask(by).await).await;
        match self.read(move || sends::one(&eyes.sight(), id)).await? {
            Some(one) => Ok(one),
            None => refuse(ErrorCode::SendUnknown, format!("there is no send `{id}`")),
        }
    }

    /// Sends a message again that ended without having been accepted (semantics 31): a new send,
    /// which the gate decides on anew. Says how that one stands. Once it was handed over, asking
    /// again changes nothing.
    pub async fn redrive(
        &self,
        id: SendId,
        even_if_arrived: bool,
        by: &Principal,
    ) -> Result<SendDetail, Refusal> {
        let ended = self.find_send(id, by).await?;
        let repeated = self.find_send(id.redrive(), by).await;
        if let Ok(One { row: Some(_), detail, .. }) = repeated {
            return Ok(detail);
        }
        let Some(row) = &ended.row else {
            return refuse(ErrorCode::StateConflict, format!("send `{id}` was not handed over"));
        };
        let catalog = self.state.lock().await.built.catalog.clone();
        match redrive::of(row, even_if_arrived, &catalog) {
            Ok(_) => {}
            Err(NotRedriven::MayHaveArrived) => {
                return refuse(ErrorCode::SendMayHaveArrived, format!("send `{id}`"));
            }
            Err(why) => return refuse(ErrorCode::StateConflict, format!("send `{id}`: {why}")),
        }
        let also = if even_if_arrived { ", even if it may have arrived" } else { "" };
        let after = format!("send {}{also}", id.redrive());
        // What finds no room is not announced.
        let room = self.app.directory.room(ended.customer).or_else(busy)?;
        self.access.announce(by, Change::made("send.redrive", id.to_string(), after)).await?;
        if room.redrive(id, even_if_arrived).await.is_err() {
            return refuse(ErrorCode::StoreUnavailable, "the redrive is not durable");
        }
        match self.find_send(id.redrive(), by).await {
            Ok(one) => Ok(one.detail),
            Err(_) => refuse(ErrorCode::StateConflict, format!("send `{id}` changed just now")),
        }
    }
}

/// Reads on a thread that may wait for the disk, when it is its turn.
async fn one_of_few<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    read: impl FnOnce() -> Result<T, RecoverError> + Send + 'static,
) -> Result<T, Refusal> {
    // It is never closed.
    let turn = turns.clone().acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let found = read();
        // Whoever asked may have gone: the thread is as busy all the same.
        drop(turn);
        found
    });
    match done.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => refuse(ErrorCode::StoreCorrupt, error),
        Err(_) => refuse(ErrorCode::ShuttingDown, ""),
    }
}
