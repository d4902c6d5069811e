//! Behaviour of the engine, rule by rule: definitions and a script of what happens are given, the
//! customer's timeline is expected. The numbers are those of the semantics.

mod costs;
mod customer;
pub(crate) mod given;
mod script;

mod arbitration;
mod audiences;
mod dedupe;
mod edge_cases;
mod entries;
mod guide;
mod holds;
mod lines;
mod merge;
mod order;
mod outcomes;
mod redrives;
mod reports;
mod restart;
mod versions;
mod waits;
