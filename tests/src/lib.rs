//! Tests through the public interfaces, against the real counterparts, and the tidy test.
//!
//! One module per concern; this file is only their list. Run all of them with `tests/run.sh`,
//! which prepares what they need. No test sleeps, asks the network beyond this machine, or leaves
//! anything behind.

#[cfg(test)]
mod actors;
#[cfg(test)]
mod api;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod config;
#[cfg(test)]
mod console;
#[cfg(test)]
mod editor;
#[cfg(test)]
mod engine;
pub mod environment;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod import;
pub mod online_retail;
#[cfg(test)]
mod served;
#[cfg(test)]
mod simulation;
pub mod store_contract;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod tidy;
