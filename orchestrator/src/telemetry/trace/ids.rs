//! Ids of traces and spans: keyed hashes of what they are about, so that anybody who knows that
//! can name them, before and after a restart.

use domain::ids::{CustomerKey, EnrollmentId, SendId};
use domain::journey::enrollment::{Enrollment, Phase, State};
use domain::time::Instant;
use policies::CountState;

/// Where an activation leaves an enrollment, or what else a trace is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// It stands on a step.
    At {
        /// How many steps it has entered.
        visits: u32,
        /// When it wants to be looked at next.
        next_at: Instant,
        /// What it is doing there.
        phase: u8,
    },
    /// It has ended.
    Ended,
    /// A send was tried again in the turn of this instant.
    Retried(SendId, Instant),
    /// The outcome of this attempt of a send came home.
    Settled(SendId, u16),
    /// A provider reported this state of a send. Each is reached once.
    Reported(SendId, CountState),
    /// A turn of this customer failed that began at this instant, and at this microsecond of the
    /// tracer's clock: nobody has to name it again.
    Failed(CustomerKey, Instant, u64),
    /// An event came to this customer and did nothing to any enrollment: by its place in the turn,
    /// which is named as above.
    Event(CustomerKey, Instant, u64, u16),
}

impl Point {
    /// Where an enrollment stands.
    pub fn of(enrollment: &Enrollment) -> Self {
        let phase = match &enrollment.state {
            State::Waiting { .. } => 0,
            State::Sending(sending) => match sending.phase {
                Phase::New => 1,
                Phase::Held => 2,
                Phase::Planned => 3,
            },
        };
        Self::At { visits: enrollment.visits, next_at: enrollment.next_at(), phase }
    }
}

/// Ids of one trace and of its root span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The trace.
    pub trace: [u8; 16],
    /// The root span.
    pub span: [u8; 8],
}

/// Makes ids with the server's key: two servers that play the same events have different ones.
#[derive(Clone, Copy)]
pub struct Keyed(pub [u8; 32]);

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed")
    }
}

impl Keyed {
    /// Ids of the trace of an activation that left an enrollment at a point.
    pub fn of(&self, enrollment: EnrollmentId, point: Point) -> Ids {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&enrollment.0.to_le_bytes());
        match point {
            Point::At { visits, next_at, phase } => {
                hasher.update(&[0, phase]);
                hasher.update(&visits.to_le_bytes());
                hasher.update(&next_at.0.to_le_bytes());
            }
            Point::Ended => drop(hasher.update(&[1])),
            Point::Retried(send, at) => {
                hasher.update(&[2]);
                hasher.update(&send.0.to_le_bytes());
                hasher.update(&at.0.to_le_bytes());
            }
            Point::Settled(send, number) => {
                hasher.update(&[3]);
                hasher.update(&send.0.to_le_bytes());
                hasher.update(&number.to_le_bytes());
            }
            Point::Reported(send, state) => {
                hasher.update(&[5, state as u8]);
                hasher.update(&send.0.to_le_bytes());
            }
            Point::Failed(customer, at, began_us) => {
                hasher.update(&[4]);
                hasher.update(&customer.0);
                hasher.update(&at.0.to_le_bytes());
                hasher.update(&began_us.to_le_bytes());
            }
            Point::Event(customer, at, began_us, number) => {
                hasher.update(&[6]);
                hasher.update(&customer.0);
                hasher.update(&at.0.to_le_bytes());
                hasher.update(&began_us.to_le_bytes());
                hasher.update(&number.to_le_bytes());
            }
        }
        let mut bytes = [0; 24];
        hasher.finalize_xof().fill(&mut bytes);
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&bytes[..16]);
        span.copy_from_slice(&bytes[16..]);
        Ids { trace, span }
    }

    /// Id of a span inside a trace, by its word and a number.
    pub fn child(&self, trace: [u8; 16], word: &str, number: u32) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&trace);
        hasher.update(word.as_bytes());
        hasher.update(&number.to_le_bytes());
        let mut span = [0; 8];
        hasher.finalize_xof().fill(&mut span);
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_key_enrollment_and_point() {
        let keyed = Keyed([7; 32]);
        let at = |visits, next_at, phase| Point::At { visits, next_at: Instant(next_at), phase };
        let points = [
            at(1, 5, 0),
            at(2, 5, 0),
            at(1, 6, 0),
            at(1, 5, 2),
            Point::Ended,
            Point::Retried(SendId(9), Instant(5)),
            Point::Settled(SendId(9), 1),
            Point::Settled(SendId(9), 2),
            Point::Reported(SendId(9), CountState::Delivered),
            Point::Reported(SendId(9), CountState::Bounced),
            Point::Failed(CustomerKey([1; 16]), Instant(5), 7),
            Point::Failed(CustomerKey([1; 16]), Instant(5), 8),
            Point::Event(CustomerKey([1; 16]), Instant(5), 7, 0),
            Point::Event(CustomerKey([1; 16]), Instant(5), 7, 1),
            Point::Event(CustomerKey([1; 16]), Instant(5), 8, 0),
        ];
        let mut seen = std::collections::HashSet::new();
        for enrollment in [EnrollmentId(1), EnrollmentId(2)] {
            for point in points {
                let ids = keyed.of(enrollment, point);
                assert_eq!(ids, keyed.of(enrollment, point));
                assert!(seen.insert(ids.trace), "{enrollment} {point:?}");
            }
        }
        let point = at(1, 5, 0);
        assert_ne!(Keyed([8; 32]).of(EnrollmentId(1), point), keyed.of(EnrollmentId(1), point));
    }
}
