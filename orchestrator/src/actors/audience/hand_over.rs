//! One export, for as long as it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use channels::audience::Members;
use channels::{Attempt, Channel, Content, Message, Outcome, Permit, Phase, Recipient};
use domain::ids::SendId;
use domain::time::Instant;
use runtime::Clock;

/// How long an export may take, in milliseconds: ten minutes hash and write 100 million members.
/// What takes longer is given up: other audiences wait for it.
pub const EXPORT_LIMIT_MS: u32 = 600_000;

/// The leave to write, until the time is up: what comes later must not replace what is newer.
#[derive(Debug)]
struct InTime(Arc<AtomicBool>);

impl Permit for InTime {
    fn holds(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Hands all members of an audience over. `now` is when, by the process's clock; `real` measures
/// how long it takes.
pub async fn hand_over(
    real: &Clock,
    provider: &dyn Channel,
    audience: &str,
    members: Members,
    now: Instant,
) -> Outcome {
    let in_time = Arc::new(AtomicBool::new(true));
    let attempt = Attempt {
        // The set is what it is: a repeat is recognised by having nothing new.
        send: SendId(0),
        number: 1,
        now,
        deadline: now.plus_ms(i64::from(EXPORT_LIMIT_MS)),
        message: Message {
            to: Recipient { address: audience.to_owned(), name: None },
            content: Content::Audience(members),
        },
        permit: Box::new(InTime(in_time.clone())),
    };
    match real.timeout(u64::from(EXPORT_LIMIT_MS), provider.attempt(attempt)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            in_time.store(false, Ordering::Release);
            let minutes = EXPORT_LIMIT_MS / 60_000;
            let reason = format!("the export did not end within {minutes} minutes");
            Outcome::Unknown { reason, phase: Phase::Body }
        }
    }
}
