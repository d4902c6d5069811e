//! Chance and misfortune: the seeded generator, the places at which the process may die, and the
//! defects that are planted to see whether the checkers find them.

/// A small generator (splitmix64): the same seed gives the same world on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which must not be zero.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// An index into something of this length, which must not be zero.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }
}

/// The process has died; everything in memory is gone.
#[derive(Debug)]
pub(crate) struct Crashed;

/// When the process dies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deaths {
    /// Never again.
    Never,
    /// At any boundary, once in so many.
    OnceIn(u64),
    /// At exactly this boundary, counted from 0.
    At(u64),
}

/// Counts boundaries (before and after each submit, barrier, effect, attempt, outcome) and says
/// at which one the process dies.
#[derive(Debug)]
pub(crate) struct Boundaries {
    rng: Rng,
    pub(crate) deaths: Deaths,
    /// Boundaries passed so far.
    pub(crate) passed: u64,
}

impl Boundaries {
    pub(crate) fn new(seed: u64, deaths: Deaths) -> Self {
        Self { rng: Rng::new(seed ^ 0xdead), deaths, passed: 0 }
    }

    /// Passes one boundary, or dies at it.
    pub(crate) fn pass(&mut self) -> Result<(), Crashed> {
        let number = self.passed;
        self.passed += 1;
        let dies = match self.deaths {
            Deaths::Never => false,
            Deaths::OnceIn(times) => self.rng.once_in(times),
            Deaths::At(at) => number == at,
        };
        if dies { Err(Crashed) } else { Ok(()) }
    }
}

/// A defect planted in the model of the drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// None: the drivers as they should be.
    Nothing,
    /// Messages and acknowledgements leave before their transaction is durable.
    EffectsBeforeDurable,
    /// A message whose outcome is unknown is handed over again, whatever its guarantee.
    UnknownIsRetried,
    /// A message whose outcome is unknown is given up, whatever its guarantee.
    UnknownIsGivenUp,
    /// What a customer has seen is forgotten when she is loaded.
    DedupeDropped,
    /// Two copies of a customer are told of the same timer.
    DoubleTimer,
    /// The gate runs on an empty ledger.
    LedgerNotLoaded,
    /// Timers are not read back after a crash.
    TimersForgotten,
    /// Open sends are not read back after a crash.
    OpenSendsForgotten,
    /// A customer is passivated before her transactions are durable.
    EarlyPassivation,
    /// A partition stands in line for one slot only, however many messages wait.
    OneSlotIsEnough,
    /// Slots are not counted: any number of messages is handed over at once.
    SlotsWithoutEnd,
    /// Outcomes are dropped now and then.
    OutcomesDropped,
    /// The notes after a snapshot are not replayed.
    NotesNotReplayed,
}

impl Planted {
    /// All real defects.
    pub(crate) const ALL: [Self; 13] = [
        Self::EffectsBeforeDurable,
        Self::UnknownIsRetried,
        Self::UnknownIsGivenUp,
        Self::DedupeDropped,
        Self::DoubleTimer,
        Self::LedgerNotLoaded,
        Self::TimersForgotten,
        Self::OpenSendsForgotten,
        Self::EarlyPassivation,
        Self::OneSlotIsEnough,
        Self::SlotsWithoutEnd,
        Self::OutcomesDropped,
        Self::NotesNotReplayed,
    ];
}
