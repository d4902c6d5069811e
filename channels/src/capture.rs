//! `capture`: keeps messages instead of sending them, for the demo and for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::SendId;
use domain::time::Instant;

use crate::{Attempt, BoxFuture, Channel, Message, Outcome};

/// Messages kept; older ones make room. A console page shows a few hundred at most.
pub const CAPTURED_MAX: usize = 1_000;
/// Attempts at once. Capturing is immediate, so this only bounds what is between two commits.
const CAPTURE_SLOTS: usize = 4_096;

/// A captured message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The send.
    pub send: SendId,
    /// When it was captured.
    pub at: Instant,
    /// The message.
    pub message: Message,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Captured>,
    total: u64,
}

/// The channel. Clones share what was captured.
#[derive(Clone, Debug)]
pub struct Capture {
    name: String,
    state: Arc<Mutex<State>>,
}

impl Capture {
    /// An empty one.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), state: Arc::default() }
    }

    /// The newest messages, newest first, at most `count`.
    pub fn newest(&self, count: usize) -> Vec<Captured> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.messages.iter().rev().take(count).cloned().collect()
    }

    /// Messages captured since the start, also those that had to make room.
    pub fn total(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl Channel for Capture {
    fn name(&self) -> &str {
        &self.name
    }

    fn slots(&self) -> usize {
        CAPTURE_SLOTS
    }

    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome> {
        let captured = Captured { send: attempt.send, at: attempt.now, message: attempt.message };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.messages.len() >= CAPTURED_MAX {
            state.messages.pop_front();
        }
        state.messages.push_back(captured);
        state.total += 1;
        Box::pin(std::future::ready(Outcome::Accepted { reply: "captured".to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_and_counts_all() {
        let capture = Capture::new("email");
        for number in 0..=CAPTURED_MAX as u128 {
            let attempt = Attempt {
                send: SendId(number),
                number: 1,
                now: Instant(0),
                deadline: Instant::MAX,
                message: Message::default(),
                permit: Box::new(()),
            };
            drop(capture.attempt(attempt));
        }
        assert_eq!(capture.total(), CAPTURED_MAX as u64 + 1);
        let newest = capture.newest(CAPTURED_MAX + 1);
        assert_eq!(newest.len(), CAPTURED_MAX);
        assert_eq!(newest[0].send, SendId(CAPTURED_MAX as u128));
    }
}
