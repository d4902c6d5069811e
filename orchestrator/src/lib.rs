//! Cadencia: the composition of the pure core, the runtime, the store and the channels into one
//! program.
//!
//! Owns what touches the outside: configuration, actors, HTTP, command line, telemetry. It must
//! hold no decision about a customer: those are made in `domain`, `policies` and `engine`.

pub mod access;
pub mod actors;
pub mod admin;
pub mod app;
pub mod backup;
pub mod bench;
pub mod cli;
pub mod config;
pub mod customers;
pub mod demo;
pub mod doctor;
pub mod error;
pub mod fatal;
pub mod import;
pub mod members;
pub mod outgoing;
pub mod publish;
pub mod recovery;
pub mod rows;
pub mod secret;
pub mod sends;
pub mod simulate;
pub mod telemetry;
pub mod timeline;
pub mod web;
