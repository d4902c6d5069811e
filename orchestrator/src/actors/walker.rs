//! The walker of one partition: goes over its customers, page by page, for the ticks of schedules
//! and for the look at a changed catalog. It carries pages to the partition and remembers durably
//! how far it has come; what to walk is the engine's [`Walks`], what it means for a customer its
//! turn.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use domain::ids::CustomerKey;
use domain::time::Instant;
use engine::codec::DecodeError;
use engine::walks::{self, Page, Task, Walks};
use engine::{Catalog, codec};
use runtime::{Clock, Lane};
use store::{Limit, Range, Read, Store};
use tokio::sync::watch;

use super::core::Ack;
use super::ingest::Partition as Doors;
use super::{Addressed, PartitionMsg, Published, Work};
use crate::rows;

/// Customers of one page: small enough to leave room for live work, large enough that a durable
/// cursor for each page costs little.
const PAGE_CUSTOMERS: usize = 256;
/// Pause before a page is walked again of which the partition refused a part.
const BUSY_PAUSE_MS: u64 = 50;
/// How often a page is told: for about a minute. Longer than that no queue stays full, and the
/// others must not wait for it.
const PAGE_TELLS_MAX: u32 = 1_200;

/// When the walker has work next, for whoever asks whether all is quiet: now, while it walks.
pub type NextWalk = Rc<Cell<Instant>>;

/// The walker.
#[derive(Debug)]
pub struct Walker {
    /// The partition's number.
    pub number: u16,
    /// What is published; closed when the process ends.
    pub published: watch::Receiver<Arc<Published>>,
    /// Where pages are read.
    pub store: Store,
    /// The way into the partition.
    pub doors: Doors,
    /// The one clock.
    pub clock: Clock,
    /// Where the partition looks whether the walker rests.
    pub next: NextWalk,
}

/// The process ends: the walk goes on at the next start.
struct Ended;

impl Walker {
    /// Walks until the process ends.
    pub async fn run(mut self) {
        let mut walks = self.recover();
        while self.step(&mut walks).await.is_ok() {}
    }

    fn recover(&self) -> Walks {
        let row = self.store.get(rows::table(engine::Table::Meta), &codec::walks_key(self.number));
        match row {
            Ok(None) => Walks::default(),
            Ok(Some(row)) => match codec::decode("walks", &row) {
                Ok(walks) => walks,
                // Without it no schedule would tick, and a replay would wait for it for ever.
                Err(error) => crate::fatal::row_damaged(&error),
            },
            Err(error) => crate::fatal::store_failed(&error),
        }
    }

    async fn step(&mut self, walks: &mut Walks) -> Result<(), Ended> {
        self.next.set(Instant::MIN);
        let published = self.published.borrow_and_update().clone();
        let now = Instant(self.clock.now_ms());
        if walks.follow(&published.catalog) {
            // Behind it all turns under the catalog before are durable: what a page shows is not
            // older than what it is to be compared with.
            self.keep(walks).await?;
        }
        if let Some(page) = walks.next(&published.catalog, now) {
            let last = self.walk(&page, &published.catalog).await?;
            walks.walked(&page.task, last);
            return self.keep(walks).await;
        }
        let next = walks.next_tick(&published.catalog);
        self.next.set(next);
        // Whoever waits for quiet is told to look again.
        drop(self.doors.control.tell(PartitionMsg::Durable, 1));
        tokio::select! {
            changed = self.published.changed() => changed.map_err(|_| Ended),
            () = self.clock.sleep_until(next.0) => Ok(()),
        }
    }

    /// Tells one page of customers, and gives back the last of them once all is durable.
    async fn walk(&self, page: &Page, catalog: &Catalog) -> Result<Option<CustomerKey>, Ended> {
        let mut last = None;
        for told in 0..PAGE_TELLS_MAX {
            if self.published.has_changed().is_err() {
                return Err(Ended);
            }
            let (keys, end) = self.page(page, catalog, told > 0);
            if end.is_none() || keys.is_empty() || self.tell(&page.task, &keys).await? {
                return Ok(end);
            }
            last = end;
            // A customer had too much before it: told again, the others know it already.
            Clock::system().sleep(BUSY_PAUSE_MS).await;
        }
        tracing::error!(partition = self.number, task = ?page.task, "customers were passed over");
        Ok(last)
    }

    /// Whom to tell of the next customers, and the last of those.
    fn page(
        &self,
        page: &Page,
        catalog: &Catalog,
        again: bool,
    ) -> (Vec<CustomerKey>, Option<CustomerKey>) {
        let mut range = Range::prefix(self.number.to_be_bytes().to_vec());
        if let Some(after) = page.after {
            let mut next = codec::customer_key(self.number, after);
            next.push(0);
            range = range.resume(next);
        }
        let table = rows::table(engine::Table::Customers);
        let found = match self.store.scan(table, &range, Limit::rows(PAGE_CUSTOMERS)) {
            Ok(found) => found,
            Err(error) => crate::fatal::store_failed(&error),
        };
        let last = found.rows.last().and_then(|(key, _)| codec::key_of(key));
        let wanted = |(key, record): &(Vec<u8>, Vec<u8>)| {
            let key = codec::key_of(key)?;
            let told = match &page.task {
                // Only where one did not take it the first time is it worth a look why.
                Task::Tick { .. } if !again => Ok(true),
                Task::Tick { .. } => codec::decode_customer(key, record).map(|_| true),
                Task::Refresh { .. } => must_look(key, record, catalog, again),
            };
            told.unwrap_or_else(|error| self.pass_over(&error)).then_some(key)
        };
        (found.rows.iter().filter_map(wanted).collect(), last)
    }

    /// Whose record cannot be read is told nothing: no turn could begin, and the others must not
    /// wait for it.
    fn pass_over(&self, error: &DecodeError) -> bool {
        tracing::error!(partition = self.number, %error, "a customer was passed over");
        false
    }

    /// False if a part of it was refused.
    async fn tell(&self, task: &Task, keys: &[CustomerKey]) -> Result<bool, Ended> {
        let (asker, answer) = runtime::reply::reply();
        let ack = Ack::new(keys.len(), asker);
        let (lane, work): (Lane, &dyn Fn(Ack) -> Work) = match task {
            Task::Refresh { .. } => (Lane::Recompute, &|ack| Work::Refresh { ack }),
            Task::Tick { version, instant, .. } => {
                (Lane::Broadcast, &|ack| Work::Tick { version: *version, instant: *instant, ack })
            }
        };
        let works = keys
            .iter()
            .map(|key| Addressed { key: *key, id: None, lane, work: work(ack.clone()) })
            .collect();
        drop(ack);
        let credit = self.doors.work.credits().take(keys.len() as u32).await.map_err(|_| Ended)?;
        self.doors.work.tell_reserved(PartitionMsg::Work(works), credit).map_err(|_| Ended)?;
        Ok(answer.await.is_ok())
    }

    /// Makes it durable how far the walks have come.
    async fn keep(&self, walks: &Walks) -> Result<(), Ended> {
        let (asker, answer) = runtime::reply::reply();
        let write = engine::Write {
            table: engine::Table::Meta,
            key: codec::walks_key(self.number),
            value: Some(codec::encode(walks)),
        };
        let credit = self.doors.control.credits().take(1).await.map_err(|_| Ended)?;
        let message = PartitionMsg::Put(vec![write], Ack::new(1, asker));
        self.doors.control.tell_reserved(message, credit).map_err(|_| Ended)?;
        answer.await.map_err(|_| Ended)
    }
}

fn must_look(
    key: CustomerKey,
    record: &[u8],
    catalog: &Catalog,
    again: bool,
) -> Result<bool, DecodeError> {
    // Who waits for a slot looks in any case: the rest of the record need not be decoded, unless
    // the page had to be told again, and this record may be why.
    let planned = codec::decode_customer_header(record)?.planned;
    if planned && !again {
        return Ok(true);
    }
    Ok(walks::must_look(&codec::decode_customer(key, record)?, planned, catalog))
}
