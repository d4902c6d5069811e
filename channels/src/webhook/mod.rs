//! The `webhook` provider: tells another system by Standard Webhooks.
//!
//! Called through [`Channel`] by the channel actors. A delivery may be repeated: its id says so to
//! the receiver. An endpoint that answers 410 is not asked again by this provider: a change of the
//! channel or a restart makes a new one.

mod sign;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::channel::webhook::Webhook as Settings;
use domain::time::Instant;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::channel::{Attempt, Channel, Content, Outcome, Phase, Retry};
use crate::http::{Answer, Egress, LATE, Refused, Request, Target, Timeouts, exchange, look};

pub use sign::{Secret, SecretError};

/// How long an endpoint may take.
const TIMEOUTS: Timeouts =
    Timeouts { hand_over: Duration::from_secs(10), answer: Duration::from_secs(10) };
/// Longest body, in bytes: the specification advises 20 kB; what is much longer is a mistake in the
/// template. A longer one is rejected.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Longest piece of an answer that is quoted, in characters.
const QUOTED_CHARS_MAX: usize = 100;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// JSON.
    pub body: String,
}

/// The provider.
#[derive(Debug)]
pub struct Endpoint {
    settings: Settings,
    target: Target,
    secrets: Vec<Secret>,
    egress: Egress,
    timeouts: Timeouts,
    /// Backs the promise of [`Channel::slots`], should a caller start more.
    in_use: Semaphore,
    /// When the endpoint said that it is gone.
    gone: Mutex<Option<Instant>>,
}

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address of the endpoint is refused.
    #[error("url: {0}")]
    Url(#[from] Refused),
}

impl Endpoint {
    /// A provider for an endpoint. The newest secret comes first; each of them signs.
    ///
    /// # Errors
    /// Where the address must not be asked.
    pub fn new(
        settings: Settings,
        secrets: Vec<Secret>,
        egress: Egress,
    ) -> Result<Self, SettingsError> {
        let target = egress.target(&settings.url)?;
        let in_use = Semaphore::new(usize::from(settings.slots));
        let (timeouts, gone) = (TIMEOUTS, Mutex::new(None));
        Ok(Self { settings, target, secrets, egress, timeouts, in_use, gone })
    }

    /// The same with other times.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    fn gone(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        // One instant cannot be left half changed.
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, attempt: Attempt) -> Outcome {
        let Content::Webhook(webhook) = attempt.message.content else {
            return rejected(None, "this channel tells other systems only");
        };
        if webhook.body.len() > BODY_BYTES_MAX {
            return rejected(None, "the body is longer than 256 KiB");
        }
        if let Some(since) = *self.gone() {
            return rejected(Some(410), &disabled(since));
        }
        let left = u64::try_from(attempt.deadline.ms_since(attempt.now)).unwrap_or(0);
        if left == 0 {
            return Outcome::NotSent {
                reason: LATE.to_owned(),
                phase: Phase::Connect,
                retry: Retry::Expired,
                retry_after_ms: None,
            };
        }
        let mut headers = sign::headers(attempt.send, attempt.now, &webhook.body, &self.secrets);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            target: &self.target,
            headers,
            login: None,
            body: webhook.body.into_bytes(),
            slots: &self.in_use,
        };
        let (permit, left) = (Arc::from(attempt.permit), Duration::from_millis(left));
        match exchange(&self.egress, request, permit, left, self.timeouts).await {
            Ok(answer) => {
                if answer.status == 410 {
                    self.gone().get_or_insert(attempt.now);
                }
                outcome(&answer, attempt.now)
            }
            Err(failed) => failed.into(),
        }
    }
}

/// What an answer means. A failure of the server may have come behind the work: it is unknown, and
/// tried again with the same id where the step asks for at least once.
fn outcome(answer: &Answer, now: Instant) -> Outcome {
    let said = words(answer);
    let later = |retry| Outcome::NotSent {
        reason: said.clone(),
        phase: Phase::Answer,
        retry,
        retry_after_ms: answer.retry_after_ms,
    };
    match answer.status {
        200..=299 => Outcome::Accepted { reply: said, parts: 1 },
        410 => rejected(Some(410), &disabled(now)),
        429 | 503 => later(Retry::Deferred),
        300..=399 => later(Retry::Configuration),
        408 | 500.. | ..=199 => Outcome::Unknown { reason: said, phase: Phase::Answer },
        status => rejected(Some(status), &said),
    }
}

fn disabled(since: Instant) -> String {
    format!("the endpoint is disabled: it said at {since} that it is gone (410)")
}

fn rejected(code: Option<u16>, reason: &str) -> Outcome {
    Outcome::Rejected { code, enhanced: None, reason: reason.to_owned(), suppress: None }
}

/// The status and the beginning of the answer, on one line.
fn words(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body: String = body
        .chars()
        .take(QUOTED_CHARS_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    format!("{} {}", answer.status, body.trim()).trim_end().to_owned()
}

impl Channel for Endpoint {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn slots(&self) -> usize {
        usize::from(self.settings.slots)
    }

    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome> {
        self.run(attempt).boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<String, String>> {
        async {
            // An endpoint need not know the method: that it answers is what can be seen.
            let status = look(&self.egress, Method::HEAD, &self.target, None, None).await?;
            Ok(format!("somebody answers there ({status} to HEAD); only a message can try it"))
        }
        .boxed()
    }
}
