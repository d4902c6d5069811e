//! Answers to questions: a one-time sender that travels in a message, and the future of its answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::sync::oneshot;

/// The question was dropped: its actor has stopped, or chose not to answer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the actor has stopped before it answered")]
pub struct Unanswered;

/// The right to answer once.
#[derive(Debug)]
pub struct Reply<R>(oneshot::Sender<R>);

impl<R> Reply<R> {
    /// Answers. Whether anybody still waits does not matter.
    pub fn send(self, answer: R) {
        let _ = self.0.send(answer);
    }

    /// Whether the asker has gone, so that the work can be saved.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}

/// The future of the answer.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Answer<R>(oneshot::Receiver<R>);

impl<R> Future for Answer<R> {
    type Output = Result<R, Unanswered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll(cx)).map_err(|_| Unanswered))
    }
}

/// A pair of the right to answer and the future of the answer.
pub fn reply<R>() -> (Reply<R>, Answer<R>) {
    let (sender, receiver) = oneshot::channel();
    (Reply(sender), Answer(receiver))
}
