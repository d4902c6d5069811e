//! The actors: who owns what, and which message goes where. No decision about a customer is made
//! here; those are the engine's.
//!
//! Per partition, on one arbiter: the partition actor (queue, activation, commits), the customer
//! actors that are active (one turn at a time), the scheduler (who is due) and the contact-policy
//! actor (who waits for a connection slot, what is tried again). Per channel: the channel actor.
//! For all audiences: the audience actor.

pub mod audience;
pub mod channel;
pub mod contact_policy;
pub mod core;
pub mod customer;
pub mod ingest;
pub mod load;
pub mod lost;
pub mod partition;
pub mod scheduler;
pub mod walker;

use std::collections::HashMap;
use std::sync::Arc;

use domain::event::Event;
use domain::ids::{ChannelName, CustomerId, CustomerKey, JourneyName, SendId, VersionNo};
use domain::time::Instant;
use domain::value::{Map, Text};
use engine::ledger::Outcome;
use engine::merge::Word;
use engine::report::Report;
use engine::{Catalog, Partition};
use runtime::{Handle, Lane, Permit, Reply, Slots};

use self::channel::{ChannelMsg, Render};
use self::core::Ack;
use crate::telemetry::trace::Attempted;

/// What a customer is to be told, on its way through the partition's queue.
#[derive(Debug)]
pub enum Work {
    /// An event.
    Event {
        /// The event.
        event: Arc<Event>,
        /// Who waits for it to be durable.
        ack: Option<Ack>,
    },
    /// An event of the past that sets off nothing.
    Recorded {
        /// The event.
        event: Arc<Event>,
        /// Who waits for it to be durable.
        ack: Option<Ack>,
    },
    /// Something is due.
    Timer {
        /// For when the timer was set: another instant in the record makes it stale.
        due: Instant,
    },
    /// A connection slot of this channel, for a message that waits for one.
    Slot(ChannelName, Permit),
    /// The next attempt of a send is due.
    Retry(SendId),
    /// What a channel said of a send.
    Outcome(Settled),
    /// A schedule ticked.
    Tick {
        /// The version the schedule belongs to.
        version: VersionNo,
        /// The tick.
        instant: Instant,
        /// Who waits for it.
        ack: Ack,
    },
    /// The API enrolls.
    Enroll {
        /// The journey.
        journey: JourneyName,
        /// The entry key.
        key: Text,
        /// Its payload.
        payload: Map,
        /// Who waits for it.
        ack: Option<Ack>,
    },
    /// An operator wants a message sent again.
    Redrive {
        /// The send that ended.
        send: SendId,
        /// Also if it may have arrived.
        even_if_arrived: bool,
        /// Who waits for it.
        ack: Option<Ack>,
    },
    /// A provider reports what became of a send.
    Report {
        /// The send.
        send: SendId,
        /// What it says.
        report: Report,
        /// Who waits for it.
        ack: Option<Ack>,
    },
    /// A word of a merge.
    Merge {
        /// What is said.
        word: Word,
        /// Who waits for the end of it.
        ack: Option<Ack>,
    },
    /// The catalog changed: this customer must look at it.
    Refresh {
        /// Who waits for it.
        ack: Ack,
    },
}

/// What became of an attempt, with the slot that it holds until this is on its way to the store,
/// whatever other customer it has to follow until then.
#[derive(Debug)]
pub struct Settled {
    /// The send.
    pub send: SendId,
    /// What the channel said.
    pub outcome: Outcome,
    /// The slot.
    pub permit: Arc<Permit>,
    /// The attempt, where its trace is kept.
    pub trace: Option<Arc<Attempted>>,
}

/// Work for one customer.
#[derive(Debug)]
pub struct Addressed {
    /// The key of its rows.
    pub key: CustomerKey,
    /// Its id, where the sender knows it: a customer that has no record yet is made from it.
    pub id: Option<CustomerId>,
    /// Its scheduling class.
    pub lane: Lane,
    /// What it is told.
    pub work: Work,
}

/// What is published, as the actors see it: replaced as a whole.
#[derive(Debug)]
pub struct Published {
    /// The definitions, compiled.
    pub catalog: Arc<Catalog>,
    /// The channels.
    pub channels: HashMap<ChannelName, ChannelDoor>,
}

/// The way to a running channel.
#[derive(Clone)]
pub struct ChannelDoor {
    /// The provider.
    pub provider: Arc<dyn channels::Channel>,
    /// Its connection slots.
    pub slots: Slots,
    /// Its actors, one per arbiter.
    pub handles: Vec<Handle<ChannelMsg>>,
    /// Makes its messages.
    pub render: Render,
}

impl std::fmt::Debug for ChannelDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelDoor").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// A question about a partition, answered between turns.
pub type Query = Box<dyn FnOnce(&Partition) + Send>;

/// What a partition actor is told.
pub enum PartitionMsg {
    /// Work for its customers, one credit each.
    Work(Vec<Addressed>),
    /// A connection slot came free while this partition waited for one.
    Permit(ChannelName, Permit),
    /// The committer has news: look at the durable sequence.
    Durable,
    /// What is published has changed.
    Published(Arc<Published>),
    /// A question.
    Query(Query),
    /// Write rows of the table `Meta`, and answer when they are durable.
    Put(Vec<engine::Write>, Ack),
    /// Write a snapshot, given a group commit that is durable.
    Snapshot(u64),
    /// Answer when everything that was taken in is durable, nothing is due and no attempt is under
    /// way.
    Quiet(Reply<()>),
    /// The same before an end, for which nothing new is sent and nothing that is due is waited for.
    Drain(Reply<()>),
}

impl std::fmt::Debug for PartitionMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "Work",
            Self::Permit(..) => "Permit",
            Self::Durable => "Durable",
            Self::Published(_) => "Published",
            Self::Query(_) => "Query",
            Self::Put(..) => "Put",
            Self::Snapshot(_) => "Snapshot",
            Self::Quiet(_) => "Quiet",
            Self::Drain(_) => "Drain",
        })
    }
}
