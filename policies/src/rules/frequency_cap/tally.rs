//! Counting: one pass over the rows of a customer for all caps of a policy set.
//!
//! The hot path of the gate. Each cap is one bit of a machine word; whether a row counts for a cap
//! is the conjunction of one word per dimension, looked up by number. Rows are read newest first
//! and only as far down as some window reaches.

use std::ops::Range;

use domain::ids::{NameId, RuleName};
use domain::time::{Instant, Zone};
use domain::verdict::Reason;

use super::lanes::{BLOCK_MAX, add_block};
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
    at: Instant,
    asked: u64,
    full: u64,
    counted: [u32; CAPS_MAX],
}

/// The rows `start..end` that a window covers, and the caps that use it.
#[derive(Clone, Copy, Default)]
struct Covered {
    start: u32,
    end: u32,
    caps: u64,
}

impl Tally {
    /// Whether some cap that was asked about is full.
    pub(crate) fn any_full(&self) -> bool {
        self.full != 0
    }
}

/// Who is asked for, and about what: the same for every pass over one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) history: History<'a>,
    /// Whether the class obeys caps; one that does not asks about none.
    pub(crate) obeys_caps: bool,
    /// The zone of the customer, or the fallback zone.
    pub(crate) zone: &'a Zone,
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

    /// Counts for a send that would go at an instant.
    pub(crate) fn tally(&self, asking: &Asking<'_>, at: Instant) -> Tally {
        let asked = if asking.obeys_caps { self.in_scope(asking.request) } else { 0 };
        let mut tally = Tally { at, asked, full: 0, counted: [0; CAPS_MAX] };
        let rows = asking.history.rows();
        if asked == 0 || rows.is_empty() {
            return tally;
        }
        let mut covered = [Covered::default(); CAPS_MAX];
        let mut used = 0;
        for (window, caps) in self.windows.iter().filter(|(_, caps)| caps & asked != 0) {
            let (from, to) = window.span(at, asking.zone);
            let Range { start, end } = range_of(rows, from, to);
            // The ledger of one customer does not hold four billion rows.
            covered[used] = Covered { start: start as u32, end: end as u32, caps: caps & asked };
            used += 1;
        }
        self.count(asking.request, rows, &covered[..used], &mut tally.counted);
        for index in bits(asked) {
            if tally.counted[index] >= self.caps[index].limit {
                tally.full |= 1 << index;
            }
        }
        tally
    }

    /// Goes down the rows in stretches over which the set of covering windows stays the same.
    fn count(
        &self,
        request: &Request<'_>,
        rows: &[LedgerRow],
        windows: &[Covered],
        counted: &mut [u32; CAPS_MAX],
    ) {
        let mut end = rows.len() as u32;
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
            if active != 0 {
                for block in rows[start as usize..end as usize].chunks(BLOCK_MAX) {
                    let words = block.iter().map(|row| active & self.counting(row, request));
                    add_block(counted, self.caps.len(), words);
                }
            }
            end = start;
        }
    }

    /// The caps for which a row counts, as bits.
    fn counting(&self, row: &LedgerRow, request: &Request<'_>) -> u64 {
        let counts =
            row.counts_toward_caps & (!row.shadow | request.shadow) & (row.send != request.send);
        // All ones or none: whether a row counts is not guessable, so it is not branched on.
        let counts = u64::from(counts).wrapping_neg();
        counts
            & self.states[row.state as usize]
            & self.channels.caps(row.channel)
            & self.classes.caps(row.class)
            & self.topics.caps(row.topic)
            & self.campaigns.caps(row.campaign)
    }

    /// The first instant at which cap `index`, full in a tally, has room.
    fn room_at(&self, index: usize, asking: &Asking<'_>, at: Instant) -> Instant {
        let cap = &self.caps[index];
        let window = &self.windows[cap.window].0;
        let (from, to) = window.span(at, asking.zone);
        let rows = asking.history.rows();
        let within = rows[range_of(rows, from, to)].iter().rev();
        let mut counting =
            within.filter(|row| self.counting(row, asking.request) & (1 << index) != 0);
        // As many rows as the limit, counted from the newest: when the last of them leaves the
        // window, one fewer than the limit is left.
        let blocker = counting.nth(cap.limit as usize - 1).map_or(at, |row| row.counted_at);
        window.free_at(blocker, to, asking.zone)
    }

    /// The latest of the instants at which full caps of a tally have room, each taken alone; `None`
    /// if all have room.
    pub(crate) fn all_room_at(&self, asking: &Asking<'_>, at: Instant) -> Option<Instant> {
        let tally = self.tally(asking, at);
        bits(tally.full).map(|index| self.room_at(index, asking, at)).max()
    }

    /// The name of a cap.
    pub(crate) fn name(&self, index: usize) -> &RuleName {
        &self.caps[index].name
    }

    /// What cap `index` finds: the finding, the sends that it counted, its limit.
    pub(crate) fn judge(
        &self,
        index: usize,
        asking: &Asking<'_>,
        tally: &Tally,
    ) -> (Finding, Option<u32>, Option<u32>) {
        let (cap, now) = (&self.caps[index], tally.at);
        let limit = Some(cap.limit);
        if !asking.obeys_caps {
            return (Finding::allow(Reason::ClassExempt, now), None, limit);
        }
        if tally.asked & (1 << index) == 0 {
            return (Finding::allow(Reason::OutOfScope, now), None, limit);
        }
        let shown = self.windows[cap.window].0.shown();
        let counted = Some(tally.counted[index]);
        if tally.full & (1 << index) == 0 {
            return (Finding::allow(Reason::CapRoom(shown), now), counted, limit);
        }
        let outcome = asking.request.on_capped.map_or(cap.on_exceeded, Outcome::from);
        let until = self.room_at(index, asking, now);
        (Finding::until(outcome, until, Reason::CapFull(shown)), counted, limit)
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
