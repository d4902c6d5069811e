//! HTTP: one file per resource or page. Knows requests and answers, decides nothing.

pub mod api;
mod json;
mod respond;
pub mod server;

pub use server::{Server, ServerError, Site};
