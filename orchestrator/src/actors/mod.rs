//! The actors: who owns what, and which message goes where. No decision about a customer is made
//! here; those are the engine's.
//!
//! Per partition, on one arbiter: the partition actor (queue, activation, commits), the customer
//! actors that are active (one turn at a time), the scheduler (who is due) and the contact-policy
//! actor (who waits for a connection slot, what is tried again). Per channel: the channel actor.

pub mod channel;
pub mod contact_policy;
pub mod core;
pub mod customer;
pub mod ingest;
pub mod partition;
pub mod scheduler;

use std::sync::Arc;

use domain::event::Event;
use domain::ids::{ChannelName, CustomerId, CustomerKey, JourneyName, SendId, VersionNo};
use domain::time::Instant;
use domain::value::Map;
use engine::ledger::Outcome;
use engine::merge::Word;
use engine::{Catalog, Partition};
use runtime::{Lane, Permit, Reply};

use self::core::Ack;

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
    /// Something is due.
    Timer {
        /// For when the timer was set: another instant in the record makes it stale.
        due: Instant,
    },
    /// A connection slot of this channel is free.
    Slot(ChannelName),
    /// The next attempt of a send is due.
    Retry(SendId),
    /// What a channel said of a send.
    Outcome(SendId, Outcome),
    /// A schedule ticked.
    Tick {
        /// The version the schedule belongs to.
        version: VersionNo,
        /// The tick.
        instant: Instant,
    },
    /// The API enrolls.
    Enroll {
        /// The journey.
        journey: JourneyName,
        /// The entry key.
        key: Arc<str>,
        /// Its payload.
        payload: Map,
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
    /// The catalog changed in a way that this customer must look at.
    Refresh,
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
    Catalog(Arc<Catalog>),
    /// A question.
    Query(Query),
    /// Write rows of the table `Meta`, and answer when they are durable.
    Put(Vec<engine::Write>, Ack),
    /// Write a snapshot, given a group commit that is durable.
    Snapshot(u64),
    /// Answer when everything that was taken in is durable and no attempt is under way.
    Drain(Reply<()>),
}

impl std::fmt::Debug for PartitionMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Work(_) => "Work",
            Self::Permit(..) => "Permit",
            Self::Durable => "Durable",
            Self::Catalog(_) => "Catalog",
            Self::Query(_) => "Query",
            Self::Put(..) => "Put",
            Self::Snapshot(_) => "Snapshot",
            Self::Drain(_) => "Drain",
        })
    }
}
