//! One request and its answer, with what an attempt must know: whether anything has left.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ANSWER_BYTES_MAX;
use super::body::Held;
use super::egress::{Egress, Refused, Target};
use crate::channel::{Outcome, Permit, Phase, Retry};

/// No receiver's word makes us wait longer than a day.
const RETRY_AFTER_S_MAX: u64 = 86_400;

/// Why nothing left of an attempt whose time was up.
pub(crate) const LATE: &str = "the deadline of the attempt passed";

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the body is given away: connecting, TLS and the head.
    pub hand_over: Duration,
    /// From then until the answer begins; once more until its end.
    pub answer: Duration,
}

/// A request. All of them are posts: each hands a message over.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) target: &'a Target,
    pub(crate) headers: HeaderMap,
    /// User name and password.
    pub(crate) login: Option<(&'a str, &'a str)>,
    pub(crate) body: Vec<u8>,
    /// One of these is held until the answer is in.
    pub(crate) slots: &'a Semaphore,
}

/// What the other side said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: u16,
    /// The pause that it asked for, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// The first [`ANSWER_BYTES_MAX`] bytes of the body.
    pub(crate) body: Vec<u8>,
}

/// An exchange that came to no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// What happened; names no address of a customer.
    pub(crate) reason: String,
    /// How far it got.
    pub(crate) phase: Phase,
    /// What kind of trouble it is, where nothing has left.
    pub(crate) retry: Retry,
}

impl From<Failed> for Outcome {
    /// What was given away and got no answer is unknown; anything before is not sent.
    fn from(failed: Failed) -> Self {
        let Failed { reason, phase, retry } = failed;
        match phase {
            Phase::Answer => Self::Unknown { reason, phase },
            _ => Self::NotSent { reason, phase, retry, retry_after_ms: None },
        }
    }
}

/// Sends a request and reads its answer. `left` is the time until the body must have gone.
pub(crate) async fn exchange(
    egress: &Egress,
    request: Request<'_>,
    permit: Arc<dyn Permit>,
    left: Duration,
    timeouts: Timeouts,
) -> Result<Answer, Failed> {
    let (body, state) = Held::new(Bytes::from(request.body), permit);
    let mut builder = egress
        .client(request.target)
        .post(request.target.url.clone())
        .headers(request.headers)
        .body(reqwest::Body::wrap(body));
    if let Some((user, password)) = request.login {
        builder = builder.basic_auth(user, Some(password));
    }
    let mut _slot = None;
    let response = async {
        // Never closed; without a slot there would only be one request too many.
        _slot = request.slots.acquire().await.ok();
        builder.send().await
    };
    let mut response = std::pin::pin!(response);
    let before = timeouts.hand_over.min(left);
    let early = timeout(before, async {
        tokio::select! {
            biased;
            () = state.bell.notified() => None,
            response = &mut response => Some(response),
        }
    });
    let result = match early.await {
        Ok(Some(result)) => Ok(result),
        // Given away, perhaps in the very moment in which the time was up.
        _ if state.is_given() => timeout(timeouts.answer, response).await,
        _ => {
            let (reason, retry) = if left <= timeouts.hand_over {
                (LATE, Retry::Expired)
            } else {
                ("the server did not take the request in time", Retry::Unreachable)
            };
            return Err(Failed { reason: reason.to_owned(), phase: Phase::Connect, retry });
        }
    };
    match result {
        Ok(Ok(response)) => Ok(read(response, timeouts.answer).await),
        Ok(Err(error)) => {
            Err(failed(&error, request.target, state.is_given(), state.is_withdrawn()))
        }
        Err(_) => Err(Failed {
            reason: "the server did not answer in time".to_owned(),
            phase: Phase::Answer,
            retry: Retry::Unreachable,
        }),
    }
}

pub(super) fn failed(
    error: &reqwest::Error,
    target: &Target,
    given: bool,
    withdrawn: bool,
) -> Failed {
    if withdrawn {
        return Failed {
            reason: super::body::Withdrawn.to_string(),
            phase: Phase::Body,
            retry: Retry::Expired,
        };
    }
    let phase = if given { Phase::Answer } else { Phase::Connect };
    let mut causes = Vec::new();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    let mut refused = false;
    while let Some(inner) = cause {
        refused |= inner.is::<Refused>();
        causes.push(inner.to_string());
        cause = inner.source();
    }
    // The outermost error repeats the whole address, which may carry a secret.
    let host = target.url.host_str().unwrap_or_default();
    let why = causes.pop().unwrap_or_else(|| "the request failed".to_owned());
    let reason = if given {
        format!("{host}: the connection broke before the answer: {why}")
    } else {
        format!("{host}: {why}")
    };
    let retry = if refused { Retry::Configuration } else { Retry::Unreachable };
    Failed { reason, phase, retry }
}

/// The status is the answer. Its words are read as far as they come.
async fn read(mut response: reqwest::Response, limit: Duration) -> Answer {
    let (status, retry_after_ms) = (response.status().as_u16(), pause(response.headers()));
    let mut body = Vec::new();
    let words = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ANSWER_BYTES_MAX {
                return;
            }
        }
    };
    // Too late or broken: what was read by then has to do.
    let _ = timeout(limit, words).await;
    Answer { status, retry_after_ms, body }
}

/// The pause in seconds; a date is not understood, because nobody here has a clock.
fn pause(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.min(RETRY_AFTER_S_MAX) * 1_000)
}
