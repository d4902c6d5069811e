//! Counting: one pass over the rows of a customer for all caps of a policy set.
//!
//! The hot path of the gate. Each cap is one bit of a machine word; whether a row counts for a cap
//! is the conjunction of one word per dimension, looked up by number. Rows are read newest first
//! and only as far down as some window reaches.

use std::ops::Range;

use domain::ids::{NameId, RuleName};
use domain::time::{Instant, Zone};
use domain::verdict::{CapWindow, Reason, RuleKind};

use super::lanes::{BLOCK_MAX, add_block};
use super::scope_table::ScopeTable;
use super::weight::WeightTable;
use super::{CAPS_MAX, FrequencyCap, Limit, Window};
use crate::ledger::{CountState, History, LedgerRow};
use crate::request::Request;
use crate::rules::{Finding, Outcome};

/// All caps of a policy set, laid out for counting. Cap number `i` is bit `i` of every word.
#[derive(Clone, Debug, Default)]
pub(crate) struct CapTable {
    caps: Vec<CapRule>,
    /// Distinct windows, with the caps that use them.
    windows: Vec<(Window, u64)>,
    scopes: ScopeTable,
    /// The caps for which a row in this state counts, by the code of the state.
    states: [u64; CountState::ALL.len()],
    /// The caps for which some message counts more than once.
    weighted: u64,
    /// The caps whose limit depends on the customer.
    personal: u64,
    /// The limits of all others, side by side.
    plain: Vec<u32>,
}

#[derive(Clone, Debug)]
struct CapRule {
    name: RuleName,
    limit: Limit,
    /// `None` if every message counts once; boxed, because most caps have none.
    weights: Option<Box<WeightTable>>,
    on_exceeded: Outcome,
    window: usize,
    /// The window in words.
    shown: CapWindow,
    /// The length of a gap, in milliseconds; `None` for caps.
    gap_ms: Option<i64>,
}

impl CapRule {
    /// As how many sends a request counts.
    fn taken(&self, request: &Request<'_>) -> u32 {
        self.weights.as_ref().map_or(1, |weights| weights.of_request(request))
    }

    /// As how many sends a row counts.
    fn weight(&self, row: &LedgerRow) -> u32 {
        self.weights.as_ref().map_or(1, |weights| weights.of_row(row))
    }
}

/// The limits that depend on the customer, of the caps that a request is in the scope of: each with
/// its cap, or why there is none.
#[derive(Debug, Default)]
pub(crate) struct Limits(Vec<(usize, Result<u32, String>)>);

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
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) history: History<'a>,
    /// Whether the class obeys caps; one that does not asks about none.
    pub(crate) obeys_caps: bool,
    /// The zone of the customer, or the fallback zone.
    pub(crate) zone: &'a Zone,
    pub(crate) limits: Limits,
}

impl CapTable {
    /// Adds a cap, or a gap as the cap that it is. There are at most [`CAPS_MAX`]: validation sees
    /// to it.
    pub(crate) fn add(
        &mut self,
        name: RuleName,
        kind: RuleKind,
        cap: FrequencyCap<NameId>,
    ) -> usize {
        let index = self.caps.len();
        assert!(index < CAPS_MAX, "validation admits at most {CAPS_MAX} caps");
        let bit = 1 << index;
        let shown = cap.window.shown();
        let gap_ms = cap.window.rolling_ms().filter(|_| kind == RuleKind::MinimumGap);
        let known = self.windows.iter().position(|(window, _)| *window == cap.window);
        let window = known.unwrap_or_else(|| {
            self.windows.push((cap.window, 0));
            self.windows.len() - 1
        });
        self.windows[window].1 |= bit;
        self.scopes.add(bit, &cap.scope);
        for state in CountState::ALL {
            if cap.counts.counts(state) {
                self.states[state as usize] |= bit;
            }
        }
        if !cap.weights.is_empty() {
            self.weighted |= bit;
        }
        self.plain.push(match cap.limit {
            Limit::Number(number) => number,
            Limit::Expression(_) => {
                self.personal |= bit;
                0
            }
        });
        let (limit, on_exceeded) = (cap.limit, cap.on_exceeded);
        let weights = (!cap.weights.is_empty()).then(|| Box::new(WeightTable::new(&cap.weights)));
        self.caps.push(CapRule { name, limit, weights, on_exceeded, window, shown, gap_ms });
        index
    }

    /// Computes the limits that depend on the customer, once for all passes over a request.
    pub(crate) fn limits(&self, request: &Request<'_>, obeys_caps: bool) -> Limits {
        if self.personal == 0 || !obeys_caps {
            return Limits::default();
        }
        let asked = bits(self.personal & self.scopes.of_request(request));
        let limit = |index: usize| (index, self.caps[index].limit.of(request.subject.traits));
        Limits(asked.map(limit).collect())
    }

    fn limit<'a>(&self, index: usize, asking: &'a Asking<'_>) -> Result<u32, &'a str> {
        if self.personal & (1 << index) == 0 {
            return Ok(self.plain[index]);
        }
        let found = asking.limits.0.iter().find(|(cap, _)| *cap == index);
        // Without one the cap was not asked about.
        found.map_or(Err(""), |(_, limit)| limit.as_ref().copied().map_err(String::as_str))
    }

    /// Counts for a send that would go at an instant.
    pub(crate) fn tally(&self, asking: &Asking<'_>, at: Instant) -> Tally {
        let request = asking.request;
        let asked = if asking.obeys_caps { self.scopes.of_request(request) } else { 0 };
        let mut tally = Tally { at, asked, full: 0, counted: [0; CAPS_MAX] };
        let rows = asking.history.rows();
        if asked == 0 || (rows.is_empty() && asked & (self.weighted | self.personal) == 0) {
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
        let covered = &covered[..used];
        match self.scopes.by_labels() {
            true => self.count::<true>(request, rows, covered, &mut tally.counted),
            false => self.count::<false>(request, rows, covered, &mut tally.counted),
        }
        for index in bits(asked & self.weighted) {
            let window = &self.windows[self.caps[index].window].0;
            let rows = self.counted_by(index, asking, window.span(at, asking.zone));
            let weights = rows.map(|row| self.caps[index].weight(row));
            tally.counted[index] = weights.fold(0, u32::saturating_add);
        }
        let special = asked & (self.weighted | self.personal);
        for index in bits(asked & !special) {
            if tally.counted[index] >= self.plain[index] {
                tally.full |= 1 << index;
            }
        }
        for index in bits(special) {
            let limit = self.limit(index, asking).unwrap_or(0);
            if tally.counted[index].saturating_add(self.caps[index].taken(request)) > limit {
                tally.full |= 1 << index;
            }
        }
        tally
    }

    /// The rows that count for a cap from an instant until another one, the newest first.
    fn counted_by<'a>(
        &'a self,
        index: usize,
        asking: &'a Asking<'_>,
        (from, to): (Instant, Instant),
    ) -> impl Iterator<Item = &'a LedgerRow> {
        let rows = asking.history.rows();
        let within = rows[range_of(rows, from, to)].iter().rev();
        within.filter(move |row| self.counting::<true>(row, asking.request) & (1 << index) != 0)
    }

    /// Goes down the rows in stretches over which the set of covering windows stays the same.
    fn count<const LABELS: bool>(
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
                    let words =
                        block.iter().map(|row| active & self.counting::<LABELS>(row, request));
                    add_block(counted, self.caps.len(), words);
                }
            }
            end = start;
        }
    }

    /// The caps for which a row counts, as bits.
    fn counting<const LABELS: bool>(&self, row: &LedgerRow, request: &Request<'_>) -> u64 {
        let counts = row.marks.counts_for(request.shadow) & (row.send != request.send);
        // All ones or none: whether a row counts is not guessable, so it is not branched on.
        let counts = u64::from(counts).wrapping_neg();
        counts & self.states[row.state as usize] & self.scopes.of_row::<LABELS>(row)
    }

    /// The first instant at which cap `index`, full in a tally, has room; [`Instant::MAX`] if it
    /// never has.
    fn room_at(&self, index: usize, asking: &Asking<'_>, at: Instant) -> Instant {
        let cap = &self.caps[index];
        let taken = cap.taken(asking.request);
        let left = self.limit(index, asking).ok().and_then(|limit| limit.checked_sub(taken));
        let Some(mut left) = left else { return Instant::MAX };
        let window = &self.windows[cap.window].0;
        let span = window.span(at, asking.zone);
        // The newest rows may stay, as far as they leave room; when the next one leaves the window,
        // older ones have left it.
        let blocker = self.counted_by(index, asking, span).find(|row| {
            match left.checked_sub(cap.weight(row)) {
                Some(fewer) => left = fewer,
                None => return true,
            }
            false
        });
        window.free_at(blocker.map_or(at, |row| row.counted_at), span.1, asking.zone)
    }

    /// The latest of the instants at which full caps of a tally have room, each taken alone; `None`
    /// if all have room.
    pub(crate) fn all_room_at(&self, asking: &Asking<'_>, at: Instant) -> Option<Instant> {
        let tally = self.tally(asking, at);
        bits(tally.full).map(|index| self.room_at(index, asking, at)).max()
    }

    /// The name of a cap, and whether it is a gap.
    pub(crate) fn named(&self, index: usize) -> (&RuleName, RuleKind) {
        let cap = &self.caps[index];
        let is_gap = cap.gap_ms.is_some();
        (&cap.name, if is_gap { RuleKind::MinimumGap } else { RuleKind::FrequencyCap })
    }

    /// What cap `index` finds: the finding, the sends that it counted, its limit.
    pub(crate) fn judge(
        &self,
        index: usize,
        asking: &Asking<'_>,
        tally: &Tally,
    ) -> (Finding, Option<u32>, Option<u32>) {
        let (cap, now, bit) = (&self.caps[index], tally.at, 1 << index);
        let limit = match cap.gap_ms {
            Some(_) => None,
            None if self.personal & bit == 0 => Some(self.plain[index]),
            None => self.limit(index, asking).ok(),
        };
        if !asking.obeys_caps {
            return (Finding::allow(Reason::ClassExempt, now), None, limit);
        }
        if tally.asked & bit == 0 {
            return (Finding::allow(Reason::OutOfScope, now), None, limit);
        }
        let counted = if cap.gap_ms.is_none() { Some(tally.counted[index]) } else { None };
        if tally.full & bit == 0 {
            let reason = cap.gap_ms.map_or(Reason::CapRoom(cap.shown), Reason::GapKept);
            return (Finding::allow(reason, now), counted, limit);
        }
        if let Err(why) = self.limit(index, asking) {
            // Whatever the rule does when it is full: waiting does not help here.
            let reason = Reason::CapLimitUnknown(why.to_owned());
            return (Finding::never(Outcome::Refuse, reason), counted, None);
        }
        let until = self.room_at(index, asking, now);
        let (window, weight) = (cap.shown, cap.taken(asking.request));
        let reason = match cap.gap_ms {
            Some(gap_ms) => Reason::GapTooShort { last: until.plus_ms(-gap_ms), gap_ms },
            None if counted < limit => Reason::CapTooFull { window, weight },
            None => Reason::CapFull(window),
        };
        let outcome = asking.request.on_capped.map_or(cap.on_exceeded, Outcome::from);
        (Finding::until(outcome, until, reason), counted, limit)
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
