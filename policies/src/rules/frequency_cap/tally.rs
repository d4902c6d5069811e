//! Counting: one pass over the rows of a customer for all caps of a policy set.
//!
//! The hot path of the gate. Each cap is one bit of a machine word; whether a row counts for a cap
//! is the conjunction of one word per dimension, looked up by number. Rows are read newest first
//! and only as far down as some window reaches; a cap whose limit is reached is counted no further.

use std::ops::Range;

use domain::ids::{NameId, RuleName};
use domain::time::{Instant, Zone};
use domain::verdict::Reason;

use super::{CAPS_MAX, FrequencyCap, Window};
use crate::ledger::{CountState, History, LedgerRow};
use crate::request::Request;
use crate::rules::{Finding, Outcome};

/// All caps of a policy set, laid out for counting. Cap number `i` is bit `i` of every word.
#[derive(Clone, Debug, Default)]
pub(crate) struct CapTable {
    caps: Vec<CapRule>,
    /// Distinct windows, with the caps that use them.
    windows: Vec<(Window, u64)>,
    channels: Dimension,
    classes: Dimension,
    topics: Dimension,
    campaigns: Dimension,
    /// The caps for which a row in this state counts, by the code of the state.
    states: [u64; CountState::ALL.len()],
}

#[derive(Clone, Debug)]
struct CapRule {
    name: RuleName,
    limit: u32,
    on_exceeded: Outcome,
    window: usize,
}

/// The caps that a name is in the scope of.
#[derive(Clone, Debug, Default)]
struct Dimension {
    by_id: Vec<u64>,
    /// For names that no scope mentions: the caps that do not restrict this dimension.
    others: u64,
}

impl Dimension {
    fn caps(&self, id: NameId) -> u64 {
        self.by_id.get(usize::from(id.0)).copied().unwrap_or(self.others)
    }

    fn add(&mut self, bit: u64, names: &[NameId]) {
        if names.is_empty() {
            self.others |= bit;
            self.by_id.iter_mut().for_each(|caps| *caps |= bit);
        }
        for name in names {
            let index = usize::from(name.0);
            if index >= self.by_id.len() {
                self.by_id.resize(index + 1, self.others);
            }
            self.by_id[index] |= bit;
        }
    }
}

/// What a pass found, for the caps that it was asked about.
pub(crate) struct Tally {
    asked: u64,
    full: u64,
    counted: [u32; CAPS_MAX],
    /// For a full cap: the instant of the newest row that must leave before there is room.
    blocker: [Instant; CAPS_MAX],
    spans: [(Instant, Instant); CAPS_MAX],
}

/// The rows `start..end` that a window covers, and the caps that use it.
#[derive(Clone, Copy, Default)]
struct Covered {
    start: usize,
    end: usize,
    caps: u64,
}

impl Tally {
    /// Whether some cap that was asked about is full.
    pub(crate) fn any_full(&self) -> bool {
        self.full != 0
    }
}

impl CapTable {
    /// Adds a cap. There are at most [`CAPS_MAX`]: validation sees to it.
    pub(crate) fn add(&mut self, name: RuleName, cap: FrequencyCap<NameId>) -> usize {
        let index = self.caps.len();
        assert!(index < CAPS_MAX, "validation admits at most {CAPS_MAX} caps");
        let bit = 1 << index;
        let known = self.windows.iter().position(|(window, _)| *window == cap.window);
        let window = known.unwrap_or_else(|| {
            self.windows.push((cap.window, 0));
            self.windows.len() - 1
        });
        self.windows[window].1 |= bit;
        self.channels.add(bit, &cap.scope.channels);
        self.classes.add(bit, &cap.scope.classes);
        self.topics.add(bit, &cap.scope.topics);
        self.campaigns.add(bit, &cap.scope.campaigns);
        for state in CountState::ALL {
            if cap.counts.counts(state) {
                self.states[state as usize] |= bit;
            }
        }
        let (limit, on_exceeded) = (cap.limit, cap.on_exceeded);
        self.caps.push(CapRule { name, limit, on_exceeded, window });
        index
    }

    /// The caps that a request is in the scope of, as bits.
    fn in_scope(&self, request: &Request<'_>) -> u64 {
        self.channels.caps(request.channel_id)
            & self.classes.caps(request.class_id)
            & self.topics.caps(request.topic_id)
            & self.campaigns.caps(request.campaign_id)
    }

    /// Counts for a send that would go at `at`. A class that does not obey caps asks about none.
    pub(crate) fn tally(
        &self,
        request: &Request<'_>,
        obeys_caps: bool,
        history: History<'_>,
        customer_zone: &Zone,
        at: Instant,
    ) -> Tally {
        let asked = if obeys_caps { self.in_scope(request) } else { 0 };
        let mut tally = Tally {
            asked,
            full: 0,
            counted: [0; CAPS_MAX],
            blocker: [Instant::MIN; CAPS_MAX],
            spans: [(Instant::MIN, Instant::MIN); CAPS_MAX],
        };
        if asked == 0 || history.rows().is_empty() {
            return tally;
        }
        let rows = history.rows();
        let mut covered = [Covered::default(); CAPS_MAX];
        let mut used = 0;
        for (index, (window, caps)) in self.windows.iter().enumerate() {
            if caps & asked == 0 {
                continue;
            }
            let (from, to) = window.span(at, customer_zone);
            tally.spans[index] = (from, to);
            let Range { start, end } = range_of(rows, from, to);
            covered[used] = Covered { start, end, caps: caps & asked };
            used += 1;
        }
        self.count(request, rows, &covered[..used], &mut tally);
        tally
    }

    /// Goes down the rows in stretches over which the set of covering windows stays the same.
    fn count(
        &self,
        request: &Request<'_>,
        rows: &[LedgerRow],
        windows: &[Covered],
        tally: &mut Tally,
    ) {
        let mut end = rows.len();
        while end > 0 {
            let (mut active, mut start) = (0, 0);
            for window in windows {
                if window.end < end {
                    start = start.max(window.end);
                } else if window.start < end {
                    active |= window.caps;
                    start = start.max(window.start);
                }
            }
            active &= !tally.full;
            for row in rows[start..end].iter().rev() {
                if active == 0 {
                    break;
                }
                let counting = active & self.counting(row, request.shadow);
                if counting != 0 && row.send != request.send {
                    self.add_row(row, counting, tally);
                    active &= !tally.full;
                }
            }
            end = start;
        }
    }

    /// The caps for which a row counts, as bits.
    fn counting(&self, row: &LedgerRow, shadow: bool) -> u64 {
        if !row.counts_toward_caps || (row.shadow && !shadow) {
            return 0;
        }
        self.states[row.state as usize]
            & self.channels.caps(row.channel)
            & self.classes.caps(row.class)
            & self.topics.caps(row.topic)
            & self.campaigns.caps(row.campaign)
    }

    fn add_row(&self, row: &LedgerRow, mut counting: u64, tally: &mut Tally) {
        while counting != 0 {
            let index = counting.trailing_zeros() as usize;
            tally.counted[index] += 1;
            if tally.counted[index] >= self.caps[index].limit {
                tally.full |= 1 << index;
                tally.blocker[index] = row.counted_at;
            }
            counting &= counting - 1;
        }
    }

    /// The first instant at which cap `index` has room, for a full cap of a tally.
    fn room_at(&self, index: usize, tally: &Tally, customer_zone: &Zone) -> Instant {
        let window = self.caps[index].window;
        let span_end = tally.spans[window].1;
        self.windows[window].0.free_at(tally.blocker[index], span_end, customer_zone)
    }

    /// The first instant at which every cap of the tally has room, each taken alone; `None` if all
    /// have.
    pub(crate) fn all_room_at(&self, tally: &Tally, customer_zone: &Zone) -> Option<Instant> {
        bits(tally.full).map(|index| self.room_at(index, tally, customer_zone)).max()
    }

    /// The name of a cap.
    pub(crate) fn name(&self, index: usize) -> &RuleName {
        &self.caps[index].name
    }

    /// What cap `index` finds: the finding, the sends that it counted, its limit.
    pub(crate) fn judge(
        &self,
        index: usize,
        request: &Request<'_>,
        obeys_caps: bool,
        history: History<'_>,
        customer_zone: &Zone,
        (tally, now): (&Tally, Instant),
    ) -> (Finding, Option<u32>, Option<u32>) {
        let cap = &self.caps[index];
        let limit = Some(cap.limit);
        if !obeys_caps {
            return (Finding::allow(Reason::ClassExempt, now), None, limit);
        }
        if tally.asked & (1 << index) == 0 {
            return (Finding::allow(Reason::OutOfScope, now), None, limit);
        }
        let shown = self.windows[cap.window].0.shown();
        if tally.full & (1 << index) == 0 {
            let counted = Some(tally.counted[index]);
            return (Finding::allow(Reason::CapRoom(shown), now), counted, limit);
        }
        let outcome = request.on_capped.map_or(cap.on_exceeded, Outcome::from);
        let until = self.room_at(index, tally, customer_zone);
        let counted = Some(self.exact(index, request, history, tally));
        (Finding::until(outcome, until, Reason::CapFull(shown)), counted, limit)
    }

    /// All sends that count for a full cap: the pass stopped at its limit, but history may hold
    /// more (a lowered limit, messages that count without obeying).
    fn exact(
        &self,
        index: usize,
        request: &Request<'_>,
        history: History<'_>,
        tally: &Tally,
    ) -> u32 {
        let (from, to) = tally.spans[self.caps[index].window];
        let rows = history.rows();
        let within = rows[range_of(rows, from, to)].iter();
        let counting = within.filter(|row| {
            self.counting(row, request.shadow) & (1 << index) != 0 && row.send != request.send
        });
        // A ledger does not hold four billion rows of one customer.
        counting.count() as u32
    }
}

/// The rows that are counted at `from` or later and before `to`.
fn range_of(rows: &[LedgerRow], from: Instant, to: Instant) -> Range<usize> {
    let start = rows.partition_point(|row| row.counted_at < from);
    let end = match rows.last() {
        Some(newest) if newest.counted_at >= to => rows.partition_point(|row| row.counted_at < to),
        _ => rows.len(),
    };
    start..end.max(start)
}

fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(index)
    })
}
