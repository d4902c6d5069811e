//! The `capture` provider: keeps messages instead of sending them.
//!
//! Used by the demo, by trials and by tests. Everything is accepted at once. It keeps the newest
//! messages in memory and, where told, writes each as a line of NDJSON.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::SendId;
use domain::time::Instant;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::Serialize;

use crate::channel::{Attempt, Channel, Message, Outcome, Phase, Retry};

/// How many messages are kept by default. A demo shows the last few; 10,000 mails of 4 KiB are
/// 40 MiB. The oldest makes room for the newest.
pub const CAPTURED_MESSAGES_MAX: usize = 10_000;

/// How many attempts may run at once: none waits for anything, so this only bounds bookkeeping.
const SLOTS: usize = 256;

/// A message that was captured instead of sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Captured {
    /// 1 for the first message since the start; gap-free.
    pub number: u64,
    /// The send, in hexadecimal when serialized.
    #[serde(serialize_with = "as_text")]
    pub send: SendId,
    /// Number of the attempt.
    pub attempt: u16,
    /// When it would have left.
    #[serde(serialize_with = "as_text")]
    pub at: Instant,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
}

fn as_text<S: serde::Serializer>(
    value: &impl std::fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The provider. Clones share what is kept, so that a page can show what a channel captured.
#[derive(Clone, Debug)]
pub struct Capture {
    shared: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    limit: usize,
    total: u64,
    messages: VecDeque<Arc<Captured>>,
    lines: Option<BufWriter<File>>,
}

impl Default for Capture {
    fn default() -> Self {
        Self::new(CAPTURED_MESSAGES_MAX)
    }
}

impl Capture {
    /// Keeps at most `limit` messages (at least one).
    pub fn new(limit: usize) -> Self {
        let kept = Kept { limit: limit.max(1), total: 0, messages: VecDeque::new(), lines: None };
        Self { shared: Arc::new(Mutex::new(kept)) }
    }

    /// Also appends every message to a file of NDJSON.
    ///
    /// # Errors
    /// Where the file cannot be opened for appending.
    pub fn with_lines(limit: usize, path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        let capture = Self::new(limit);
        capture.kept().lines = Some(BufWriter::new(file));
        Ok(capture)
    }

    /// How many messages were captured since the start, whether still kept or not.
    pub fn total(&self) -> u64 {
        self.kept().total
    }

    /// The newest messages, newest first, at most so many.
    pub fn newest(&self, limit: usize) -> Vec<Arc<Captured>> {
        self.kept().messages.iter().rev().take(limit).cloned().collect()
    }

    /// All messages that are still kept, oldest first.
    pub fn all(&self) -> Vec<Arc<Captured>> {
        self.kept().messages.iter().cloned().collect()
    }

    /// The message of a send, if it is still kept (the newest attempt of it).
    pub fn find(&self, send: SendId) -> Option<Arc<Captured>> {
        self.kept().messages.iter().rev().find(|message| message.send == send).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic elsewhere cannot leave the ring half changed in a way that matters here.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, attempt: Attempt) -> Outcome {
        // What stops a real message must stop a captured one just so.
        let expired = |reason: &str| Outcome::NotSent {
            reason: reason.to_owned(),
            phase: Phase::Body,
            retry: Retry::Expired,
            retry_after_ms: None,
        };
        if attempt.now >= attempt.deadline {
            return expired("the deadline of the attempt passed");
        }
        if !attempt.permit.holds() {
            return expired("the permit of the attempt was withdrawn");
        }
        self.kept().push(attempt)
    }
}

impl Kept {
    fn push(&mut self, attempt: Attempt) -> Outcome {
        let captured = Captured {
            number: self.total + 1,
            send: attempt.send,
            attempt: attempt.number,
            at: attempt.now,
            message: attempt.message,
        };
        if let Err(error) = self.write_line(&captured) {
            return Outcome::NotSent {
                reason: format!("cannot write the captured message: {error}"),
                phase: Phase::Body,
                retry: Retry::Unreachable,
                retry_after_ms: None,
            };
        }
        self.total += 1;
        if self.messages.len() == self.limit {
            self.messages.pop_front();
        }
        self.messages.push_back(Arc::new(captured));
        Outcome::Accepted { reply: format!("captured as message {}", self.total), parts: 1 }
    }

    /// One whole line per message, flushed: what was accepted is in the file.
    fn write_line(&mut self, captured: &Captured) -> io::Result<()> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let mut line = serde_json::to_vec(captured)?;
        line.push(b'\n');
        lines.write_all(&line)?;
        lines.flush()
    }
}

impl Channel for Capture {
    fn name(&self) -> &'static str {
        "capture"
    }

    fn slots(&self) -> usize {
        SLOTS
    }

    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome> {
        ready(self.keep(attempt)).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<String, String>> {
        ready(Ok("keeps messages here".to_owned())).boxed()
    }
}

#[cfg(test)]
mod tests;
