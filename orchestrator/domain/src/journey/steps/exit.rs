//! `exit`: leave the journey.
//!
//! ```yaml
//! - exit: {reason: not interested}
//! ```

/// An exit.
#[derive(Clone, Debug, Default)]
pub struct Exit {
    /// Free text, kept in the history.
    pub reason: Option<String>,
}
