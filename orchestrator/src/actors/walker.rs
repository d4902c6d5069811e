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
use crate::rows::{self, Rows};
use crate::telemetry::CustomerHash;

/// Customers of one page: small enough to leave room for live work, large enough that a durable
/// cursor for each page costs little.
const PAGE_CUSTOMERS: usize = 256;
/// Pause before those are told again who refused it.
const BUSY_PAUSE_MS: u64 = 50;
/// How often somebody is told: for about a minute. Longer than that no queue stays full, and the
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
        let (mut keys, last) = self.page(page, catalog);
        if keys.is_empty() || self.tell(&page.task, &keys).await? {
            return Ok(last);
        }
        // Somebody did not take it: told once more, the others know it already.
        for _ in 1..PAGE_TELLS_MAX {
            Clock::system().sleep(BUSY_PAUSE_MS).await;
            if self.published.has_changed().is_err() {
                return Err(Ended);
            }
            keys = self.who_can_be_read(keys);
            keys = self.who_refuses(&page.task, keys).await?;
            if keys.is_empty() {
                return Ok(last);
            }
        }
        for key in keys {
            tracing::error!(
                partition = self.number, customer.hash = %CustomerHash(key), task = ?page.task,
                "a customer was passed over: it did not take this in for too long"
            );
        }
        Ok(last)
    }

    /// Whom to tell of the next customers, and the last of those.
    fn page(&self, page: &Page, catalog: &Catalog) -> (Vec<CustomerKey>, Option<CustomerKey>) {
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
                // Only where one does not take it is it worth a look why.
                Task::Tick { .. } => Ok(true),
                Task::Refresh { .. } => must_look(key, record, catalog),
            };
            told.unwrap_or_else(|error| self.pass_over(key, &error)).then_some(key)
        };
        (found.rows.iter().filter_map(wanted).collect(), last)
    }

    /// Those whose record makes sense.
    fn who_can_be_read(&self, keys: Vec<CustomerKey>) -> Vec<CustomerKey> {
        let records = match Rows(&self.store).customers(self.number, &keys) {
            Ok(records) => records,
            Err(error) => crate::fatal::store_failed(&error),
        };
        let can_be_read = |(key, record): &(CustomerKey, Option<Vec<u8>>)| {
            let Some(record) = record else { return true };
            let read = codec::decode_customer(*key, record).map(|_| true);
            read.unwrap_or_else(|error| self.pass_over(*key, &error))
        };
        let all = keys.into_iter().zip(records);
        all.filter(can_be_read).map(|(key, _)| key).collect()
    }

    /// Whose record cannot be read is told nothing: no turn could begin, and the others must not
    /// wait for it.
    fn pass_over(&self, key: CustomerKey, error: &DecodeError) -> bool {
        tracing::error!(
            partition = self.number, customer.hash = %CustomerHash(key), %error,
            "a customer was passed over"
        );
        false
    }

    /// False if a part of it was refused.
    async fn tell(&self, task: &Task, keys: &[CustomerKey]) -> Result<bool, Ended> {
        let (asker, answer) = runtime::reply::reply();
        let ack = Ack::new(keys.len(), asker);
        self.hand_over(task, keys.iter().map(|key| (*key, ack.clone())).collect()).await?;
        drop(ack);
        Ok(answer.await.is_ok())
    }

    /// Tells each for itself, and gives back who refused it.
    async fn who_refuses(
        &self,
        task: &Task,
        keys: Vec<CustomerKey>,
    ) -> Result<Vec<CustomerKey>, Ended> {
        let (mut told, mut answers) = (Vec::new(), Vec::new());
        for key in keys {
            let (asker, answer) = runtime::reply::reply();
            told.push((key, Ack::new(1, asker)));
            answers.push((key, answer));
        }
        self.hand_over(task, told).await?;
        let mut refused = Vec::new();
        for (key, answer) in answers {
            if answer.await.is_err() {
                refused.push(key);
            }
        }
        Ok(refused)
    }

    async fn hand_over(&self, task: &Task, told: Vec<(CustomerKey, Ack)>) -> Result<(), Ended> {
        let (lane, work): (Lane, &dyn Fn(Ack) -> Work) = match task {
            Task::Refresh { .. } => (Lane::Recompute, &|ack| Work::Refresh { ack }),
            Task::Tick { version, instant, .. } => {
                (Lane::Broadcast, &|ack| Work::Tick { version: *version, instant: *instant, ack })
            }
        };
        let credit = self.doors.work.credits().take(told.len() as u32).await.map_err(|_| Ended)?;
        let works = told.into_iter();
        let works = works.map(|(key, ack)| Addressed { key, id: None, lane, work: work(ack) });
        let message = PartitionMsg::Work(works.collect());
        self.doors.work.tell_reserved(message, credit).map_err(|_| Ended)
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

fn must_look(key: CustomerKey, record: &[u8], catalog: &Catalog) -> Result<bool, DecodeError> {
    // Who waits for a slot looks in any case: the rest of the record need not be decoded.
    let planned = codec::decode_customer_header(record)?.planned;
    if planned {
        return Ok(true);
    }
    Ok(walks::must_look(&codec::decode_customer(key, record)?, planned, catalog))
}
