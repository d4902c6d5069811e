//! E-mail: building, signing and handing over.

pub mod bench;
pub mod classify;
pub mod dkim;
pub mod message;
pub mod smtp;
