//! Traces: one short one for each activation of an enrollment, none over a wait.
//!
//! An activation is what one turn does to one enrollment: it enters, moves, is decided about, or
//! ends. What is needed to tell of it is noted as plain data on the hot path, and only while
//! traces are exported; spans are built from it elsewhere, and only of what is kept. Ids follow
//! from the enrollment and the point at which it stands, so the next activation, days and restarts
//! later, finds the one before without a byte in any record
//! ([ADR 10](../../../docs/adr/0010-traces.md)).

mod activation;
mod event;
mod ids;
mod parent;
mod tracer;
mod watch;

pub use activation::{
    Activation, Attempted, Decided, FailedTurn, Inputs, Interrupted, Reported, Settled,
};
pub use event::{Did, Idle};
pub use ids::{Ids, Keyed, Point};
pub use parent::{Origins, Senders, TraceParent};
pub(crate) use tracer::attempt_ids;
pub use tracer::{Record, Sampling, Tracer};
pub use watch::{Done, Watch};
