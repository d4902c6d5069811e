//! The one-time link: how the first person gets in. Kept in memory only; a restart makes a new one.

use std::sync::{Mutex, PoisonError};

use domain::time::Instant;

use super::secret::{self, SecretHash};

/// How long it is good for: from reading a terminal to opening a browser.
pub const ONE_TIME_MINUTES: i64 = 15;

/// A link that is good once.
#[derive(Debug, Default)]
pub struct OneTime(Mutex<Option<(SecretHash, Instant)>>);

impl OneTime {
    /// Makes a new one; an earlier one is good no more. Gives back the secret.
    pub fn issue(&self, now: Instant) -> String {
        let text = secret::fresh();
        let until = now.plus_ms(ONE_TIME_MINUTES * 60_000);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((SecretHash::of(&text), until));
        text
    }

    /// Uses it up. True for the first one who has the right secret in time; wrong guesses change
    /// nothing.
    pub fn redeem(&self, text: &str, now: Instant) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((hash, until)) = &*kept else { return false };
        if !hash.matches(text) {
            return false;
        }
        let in_time = now < *until;
        *kept = None;
        in_time
    }

    /// Withdraws it.
    pub fn withdraw(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_good_once_and_for_minutes() {
        let link = OneTime::default();
        assert!(!link.redeem("", Instant(0)));
        let text = link.issue(Instant(0));
        assert!(!link.redeem("guess", Instant(1)));
        assert!(link.redeem(&text, Instant(1)));
        assert!(!link.redeem(&text, Instant(2)));
        let late = link.issue(Instant(0));
        assert!(!link.redeem(&late, Instant(ONE_TIME_MINUTES * 60_000)));
        let (old, new) = (link.issue(Instant(0)), link.issue(Instant(0)));
        assert!(!link.redeem(&old, Instant(1)));
        assert!(link.redeem(&new, Instant(1)));
        let gone = link.issue(Instant(0));
        link.withdraw();
        assert!(!link.redeem(&gone, Instant(1)));
    }
}
