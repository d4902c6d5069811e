//! Seeded chance for the synthetic shop. The same seed gives the same draws, on every machine.

/// A stream of draws (splitmix64: small, fast and good enough for a demonstration).
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `0..below`; `below` must not be zero.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(below)) >> 64) as u64
    }

    /// In `from..=to`.
    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1).max(1) as u64) as i64
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is not empty.
    pub(super) fn one_of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }

    /// A pause with this mean: mostly shorter, now and then much longer.
    pub(super) fn pause(&mut self, mean_ms: i64) -> i64 {
        // 53 bits make a fraction above 0 and at most 1.
        let fraction = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        (-fraction.ln() * mean_ms as f64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_their_ranges_and_repeat() {
        let (mut one, mut other) = (Draw::new(7), Draw::new(7));
        let mut total = 0;
        for _ in 0..10_000 {
            let drawn = one.between(-3, 3);
            assert!((-3..=3).contains(&drawn));
            assert_eq!(drawn, other.between(-3, 3));
            let pause = one.pause(1_000);
            assert!((0..50_000).contains(&pause), "{pause}");
            assert_eq!(pause, other.pause(1_000));
            total += pause;
        }
        assert!((900..1_100).contains(&(total / 10_000)), "mean {}", total / 10_000);
    }
}
