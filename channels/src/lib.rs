//! Channels: from a template and data to a message, and from a message to what became of it.
//!
//! Owns rendering, building and signing of e-mails, the length of text messages, the client for
//! addresses that users give, the providers that hand messages over, the classes of what they
//! answer and report later, and the signed links that stop further messages. Called by the channel
//! actors (attempts), by `validate` (templates) and by the web layer (tokens, reports). It must
//! never decide whether a message may go, never read a clock (it is handed `now`), and never keep
//! an attempt alive beyond its answer.

pub mod audience;
pub mod capture;
mod channel;
pub mod email;
pub mod http;
pub mod render;
mod report;
pub mod sms;
pub mod unsubscribe;
pub mod webhook;

pub use channel::{
    Always, Attempt, Channel, Content, Message, Outcome, Permit, Phase, Recipient, Retry,
};
pub use report::{Callback, CallbackError, Report, Said};
