//! Which of several sends of one customer asks the gate first, and how held ones spread out.

use domain::hash;
use domain::ids::SendId;
use domain::time::Instant;

/// A send that competes with others of the same customer at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a, T> {
    /// Priority of the step, 0 to 100.
    pub priority: u8,
    /// Expected value in millionths of the currency unit.
    pub value_micros: i64,
    /// The end of its validity: what expires first goes first.
    pub valid_until: Instant,
    /// Name of its journey.
    pub journey: &'a str,
    /// Id of its step.
    pub step: &'a str,
    /// Entry key of its enrollment: settles between two enrollments of one journey.
    pub key: &'a str,
    /// The send: settles what is otherwise equal (two enrollments with the same key).
    pub send: SendId,
    /// What the caller needs to go on with it.
    pub payload: T,
}

/// Sorts candidates into the order in which they ask the gate (semantics 20): highest priority,
/// highest expected value, earliest deadline, then journey name, step id, entry key and send id.
///
/// The order is total, so the result does not depend on the order of arrival.
pub fn arbitrate<T>(candidates: &mut [Candidate<'_, T>]) {
    candidates.sort_unstable_by(|a, b| {
        let urgency = b.priority.cmp(&a.priority).then(b.value_micros.cmp(&a.value_micros));
        urgency.then(a.valid_until.cmp(&b.valid_until)).then_with(|| {
            let a = (a.journey, a.step, a.key, a.send);
            a.cmp(&(b.journey, b.step, b.key, b.send))
        })
    });
}

/// How many milliseconds after the end of a hold this send is released, in `0..period_ms`, so that
/// a crowd does not arrive at once. Pass 0 (or less) where the channel has no rate: no spread.
pub fn release_spread(send: SendId, period_ms: i64) -> i64 {
    match u64::try_from(period_ms) {
        // Below `period_ms`, so it fits.
        Ok(period) if period > 0 => hash::bucket("release", &send.0.to_le_bytes(), period) as i64,
        _ => 0,
    }
}
