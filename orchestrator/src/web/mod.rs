//! HTTP: one file per resource or page. Knows requests and answers, decides nothing.

pub mod api;
pub mod console;
mod control;
mod cors;
mod guard;
mod idempotency;
pub(crate) mod json;
pub mod live_events;
pub mod openapi;
mod presented;
mod raw;
mod respond;
pub mod server;
mod whole;

pub(crate) use api::health::exposition;
pub use control::{ControlError, ControlServer, control_socket, is_of_its_owner};
pub use server::{Server, ServerError, Site};
