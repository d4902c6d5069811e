//! The way in: a batch of work is split by partition, room is reserved in all of them, and only
//! then is anything handed over. All or nothing: the sender hears "later" or "durable".

use std::sync::Arc;

use domain::event::Event;
use domain::ids::{CustomerId, CustomerKey, JourneyName, SendId};
use domain::time::Instant;
use domain::value::{Map, Text};
use engine::merge::Word;
use engine::report::Report;
use runtime::reply::{Answer, reply};
use runtime::{Busy, Clock, Credit, Handle, Lane, reserve_all};

use super::core::Ack;
use super::{Addressed, PartitionMsg, Work};
use crate::telemetry::trace::Origins;

/// How long the rest of a batch, of which a piece was let in, waits for room: longer than it takes
/// to make room of a full partition, shorter than what callers wait for an answer.
const ROOM_LIMIT_MS: u64 = 10_000;

/// The two doors of one partition: work is bounded by one pool of credits, control by another, so
/// that a full queue keeps out neither outcomes nor the committer's news.
#[derive(Clone, Debug)]
pub struct Partition {
    /// For work from outside.
    pub work: Handle<PartitionMsg>,
    /// For everything else.
    pub control: Handle<PartitionMsg>,
}

/// All partitions of this process.
#[derive(Clone, Debug)]
pub struct Directory(Arc<Vec<Partition>>);

/// A directory that is filled once all partitions have started.
pub type LateDirectory = Arc<std::sync::OnceLock<Directory>>;

impl Directory {
    /// Of partitions in the order of their numbers.
    pub fn new(partitions: Vec<Partition>) -> Self {
        Self(Arc::new(partitions))
    }

    /// How many there are.
    pub fn count(&self) -> u16 {
        self.0.len() as u16
    }

    /// Every partition.
    pub fn all(&self) -> &[Partition] {
        &self.0
    }

    /// The partition that owns a customer.
    pub fn partition(&self, key: CustomerKey) -> &Partition {
        &self.0[usize::from(key.partition(self.count()))]
    }

    /// Takes in events. The answer comes when all of them are durable; it is an error if some were
    /// dropped on the way (a customer with too much pending, a stop), and the sender repeats all.
    pub fn ingest<E: Into<Arc<Event>>>(
        &self,
        events: Vec<E>,
        lane: Lane,
    ) -> Result<Answer<()>, Busy> {
        self.ingest_from(events, lane, Origins::Unknown)
    }

    /// As [`Self::ingest`], of events that somebody sent inside of spans.
    pub fn ingest_from<E: Into<Arc<Event>>>(
        &self,
        events: Vec<E>,
        lane: Lane,
        origins: Origins,
    ) -> Result<Answer<()>, Busy> {
        let works = events.into_iter().map(|event| {
            let event = event.into();
            let id = event.customer.clone();
            (id, lane, move |ack| Work::Event { event, ack: Some(ack) })
        });
        self.dispatch_from(works.collect(), origins)
    }

    /// As [`Self::ingest_from`], of any number of events, with the answer. The first piece finds
    /// room or is refused at once; whoever was let in with it waits for the room of the rest.
    /// False if some were dropped on the way.
    pub async fn ingest_all(
        &self,
        events: Vec<Event>,
        lane: Lane,
        origins: Origins,
    ) -> Result<bool, Busy> {
        if self.is_one_piece(events.len()) {
            return Ok(self.ingest_from(events, lane, origins)?.await.is_ok());
        }
        let real = Clock::system();
        let events = events.into_iter().map(Arc::new).collect();
        let mut before = 0;
        for (number, piece) in self.pieces(events).into_iter().enumerate() {
            let origins = origins.of_part(before..before + piece.len());
            before += piece.len();
            let mut left_ms = if number == 0 { 0 } else { ROOM_LIMIT_MS };
            let answer = loop {
                match self.ingest_from(piece.clone(), lane, origins.clone()) {
                    Err(Busy::Full { retry_after_ms, .. }) if left_ms > 0 => {
                        let pause_ms = u64::from(retry_after_ms).min(left_ms);
                        left_ms -= pause_ms;
                        real.sleep(pause_ms).await;
                    }
                    answer => break answer?,
                }
            };
            if answer.await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_one_piece(&self, events: usize) -> bool {
        let room = |partition: &Partition| partition.work.credits().limit() as usize;
        self.0.iter().all(|partition| events <= room(partition))
    }

    /// Cuts a batch in pieces of which each fits before its partitions, in the order of the events.
    pub fn pieces(&self, events: Vec<Arc<Event>>) -> Vec<Vec<Arc<Event>>> {
        if self.is_one_piece(events.len()) {
            return vec![events];
        }
        let mut pieces = vec![Vec::new()];
        let mut taken = vec![0; self.0.len()];
        for event in events {
            let partition = usize::from(event.customer.key().partition(self.count()));
            if taken[partition] >= self.0[partition].work.credits().limit() {
                taken.fill(0);
                pieces.push(Vec::new());
            }
            taken[partition] += 1;
            if let Some(piece) = pieces.last_mut() {
                piece.push(event);
            }
        }
        pieces
    }

    /// Takes in events of the past that are to set off nothing; else as [`Self::ingest`].
    pub fn record(&self, events: Vec<Arc<Event>>, lane: Lane) -> Result<Answer<()>, Busy> {
        let works = events.into_iter().map(|event| {
            let id = event.customer.clone();
            (id, lane, move |ack| Work::Recorded { event, ack: Some(ack) })
        });
        self.dispatch(works.collect())
    }

    /// Takes room for what an operator wants of a customer, before anything is written of it.
    pub fn room(&self, customer: CustomerId) -> Result<Room<'_>, Busy> {
        let partition = self.partition(customer.key());
        let credit = partition.work.credits().try_take(1)?;
        Ok(Room { partition, customer, credit })
    }

    /// What a provider reports of a customer's send. The answer comes when that is durable.
    pub fn report(
        &self,
        customer: CustomerId,
        send: SendId,
        report: Report,
    ) -> Result<Answer<()>, Busy> {
        let work = move |ack| Work::Report { send, report, ack: Some(ack) };
        self.dispatch(vec![(customer, Lane::Transactional, work)])
    }

    /// Merges a customer into another one. `previous` may be an anonymous id; `at` is when it was
    /// said. The answer comes when the other one has taken everything in.
    pub fn alias(
        &self,
        previous: CustomerId,
        into: CustomerId,
        at: Instant,
    ) -> Result<Answer<()>, Busy> {
        self.merge(into, Word::Ask { previous, at, followed: false }, Lane::Live)
    }

    /// As [`Self::alias`], of the past: the merge enters nobody.
    pub fn record_alias(
        &self,
        previous: CustomerId,
        into: CustomerId,
        at: Instant,
    ) -> Result<Answer<()>, Busy> {
        self.merge(into, Word::AskRecorded { previous, at, followed: false }, Lane::Recompute)
    }

    fn merge(&self, into: CustomerId, word: Word, lane: Lane) -> Result<Answer<()>, Busy> {
        let work = move |ack| Work::Merge { word, ack: Some(ack) };
        self.dispatch(vec![(into, lane, work)])
    }

    fn dispatch<F>(&self, items: Vec<(CustomerId, Lane, F)>) -> Result<Answer<()>, Busy>
    where
        F: FnOnce(Ack) -> Work,
    {
        self.dispatch_from(items, Origins::Unknown)
    }

    fn dispatch_from<F>(
        &self,
        items: Vec<(CustomerId, Lane, F)>,
        origins: Origins,
    ) -> Result<Answer<()>, Busy>
    where
        F: FnOnce(Ack) -> Work,
    {
        let (asker, answer) = reply();
        if items.is_empty() {
            asker.send(());
            return Ok(answer);
        }
        let ack = Ack::of(items.len(), asker, origins);
        let mut parts: Vec<Vec<Addressed>> = Vec::new();
        parts.resize_with(self.0.len(), Vec::new);
        for (at, (id, lane, work)) in items.into_iter().enumerate() {
            let key = id.key();
            let work = work(ack.item(at));
            let partition = usize::from(key.partition(self.count()));
            parts[partition].push(Addressed { key, id: Some(id), lane, work });
        }
        let wanted: Vec<_> = parts
            .iter()
            .zip(self.0.iter())
            .filter(|(works, _)| !works.is_empty())
            .map(|(works, partition)| (partition.work.credits(), works.len() as u32))
            .collect();
        let mut credits = reserve_all(&wanted)?.into_parts().into_iter();
        for (works, partition) in parts.into_iter().zip(self.0.iter()) {
            if works.is_empty() {
                continue;
            }
            if let Some(credit) = credits.next() {
                // A partition that has stopped drops the work, and with it the acknowledgement.
                drop(partition.work.tell_reserved(PartitionMsg::Work(works), credit));
            }
        }
        Ok(answer)
    }
}

/// Room for one work of a customer.
#[derive(Debug)]
pub struct Room<'a> {
    partition: &'a Partition,
    customer: CustomerId,
    credit: Credit,
}

impl Room<'_> {
    /// Enrolls her by API.
    pub fn enroll(self, journey: JourneyName, key: Text, payload: Map) -> Answer<()> {
        self.hand_over(move |ack| Work::Enroll { journey, key, payload, ack: Some(ack) })
    }

    /// Sends a message of hers again. The answer comes when whatever was decided is durable.
    pub fn redrive(self, send: SendId, even_if_arrived: bool) -> Answer<()> {
        self.hand_over(move |ack| Work::Redrive { send, even_if_arrived, ack: Some(ack) })
    }

    fn hand_over(self, work: impl FnOnce(Ack) -> Work) -> Answer<()> {
        let (asker, answer) = reply();
        let (key, id) = (self.customer.key(), Some(self.customer));
        let work = work(Ack::of(1, asker, Origins::Unknown));
        let works = vec![Addressed { key, id, lane: Lane::Transactional, work }];
        // A partition that has stopped drops the work, and with it the acknowledgement.
        drop(self.partition.work.tell_reserved(PartitionMsg::Work(works), self.credit));
        answer
    }
}
