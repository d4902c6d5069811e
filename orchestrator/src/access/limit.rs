//! How often somebody may try. A bucket that refills, kept per key in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// Keys that a limiter remembers: 10,000 take less than a MB. Where more try at once, those that
/// are new share one bucket: a flood from many addresses closes the door to new ones, not to known
/// ones.
const KEYS_MAX: usize = 10_000;

/// So many at once, then one more each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Milliseconds until there is one more.
    pub period_ms: u64,
}

/// Logins from one address: an office behind one address logs in in the morning, and a machine that
/// guesses gets ten tries a minute.
pub const LOGINS_PER_ADDRESS: Rate = Rate { burst: 20, period_ms: 6_000 };
/// Logins of one user, right or wrong, wherever they come from: 2,880 guesses a day.
pub const LOGINS_PER_USER: Rate = Rate { burst: 10, period_ms: 30_000 };

/// Buckets by key.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    keys_max: usize,
    /// When each bucket is full again.
    full_at_ms: HashMap<K, u64>,
    others_full_at_ms: u64,
}

impl<K: Hash + Eq> Limiter<K> {
    /// Of full buckets.
    pub fn new(rate: Rate) -> Self {
        Self { rate, keys_max: KEYS_MAX, full_at_ms: HashMap::new(), others_full_at_ms: 0 }
    }

    /// Takes one.
    ///
    /// # Errors
    /// The milliseconds until there is one again.
    pub fn take(&mut self, key: K, now_ms: u64) -> Result<(), u64> {
        let Rate { burst, period_ms } = self.rate;
        if self.full_at_ms.len() >= self.keys_max && !self.full_at_ms.contains_key(&key) {
            self.full_at_ms.retain(|_, full_at| *full_at > now_ms);
        }
        let room = self.full_at_ms.len() < self.keys_max || self.full_at_ms.contains_key(&key);
        let full_at = match room {
            true => self.full_at_ms.entry(key).or_insert(now_ms),
            false => &mut self.others_full_at_ms,
        };
        let from = (*full_at).max(now_ms);
        let until = from + period_ms;
        let empty_beyond = now_ms + u64::from(burst) * period_ms;
        if until > empty_beyond {
            return Err(until - empty_beyond);
        }
        *full_at = until;
        Ok(())
    }

    /// Fills a key's bucket again.
    pub fn forget(&mut self, key: &K) {
        self.full_at_ms.remove(key);
    }
}

/// The part of an address that one party has: all of an IPv4 address, the network of an IPv6
/// address (one line gets 2^64 of them).
pub fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let mut limiter = Limiter::new(Rate { burst: 3, period_ms: 10 });
        for _ in 0..3 {
            assert_eq!(limiter.take("a", 0), Ok(()));
        }
        assert_eq!(limiter.take("a", 0), Err(10));
        assert_eq!(limiter.take("b", 0), Ok(()), "each key has its own");
        assert_eq!(limiter.take("a", 9), Err(1));
        assert_eq!(limiter.take("a", 10), Ok(()));
        assert_eq!(limiter.take("a", 10), Err(10), "a refusal takes nothing");
        limiter.forget(&"a");
        assert_eq!(limiter.take("a", 10), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_new_keys_share_what_is_left() {
        let mut limiter = Limiter::new(Rate { burst: 2, period_ms: 10 });
        limiter.keys_max = 2;
        for key in 0..2 {
            assert_eq!(limiter.take(key, 0), Ok(()));
        }
        assert_eq!(limiter.take(2, 0), Ok(()));
        assert_eq!(limiter.take(3, 0), Ok(()));
        assert!(limiter.take(4, 0).is_err(), "the shared bucket is empty");
        assert_eq!(limiter.take(0, 0), Ok(()), "who is known keeps her own");
        assert_eq!(limiter.full_at_ms.len(), 2);
        assert_eq!(limiter.take(5, 10), Ok(()), "a bucket that is full again makes room");
    }

    #[test]
    fn one_network_is_one_party() {
        let same = |a: &str, b: &str| {
            party(a.parse().expect("an address")) == party(b.parse().expect("an address"))
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }
}
