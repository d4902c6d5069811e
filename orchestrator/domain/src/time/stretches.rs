//! The stretches of time over which a zone's distance from UTC stays the same, as a table.
//!
//! The hot paths of the gate (quiet hours, calendar windows) ask for the same thing over and over:
//! what the wall clock shows now, and when a day began. Within a stretch that is an addition. Where
//! the clock changes nearby, and outside the years of the table, `zone` asks the time library.

use super::Instant;

/// First second of the table: 1970-01-01.
const FIRST_S: i64 = 0;
/// First second after it: 2100-01-01.
const END_S: i64 = 4_102_444_800;
/// Log2 of the seconds of a slot: about half a year, so that most slots begin at most one stretch.
const SLOT_SHIFT: u32 = 24;
/// Twice as much as any clock ever differed from UTC, or from itself before a change.
const SLACK_S: i64 = 52 * 3_600;

/// A zone's stretches from 1970 to 2100.
#[derive(Debug)]
pub(super) struct Stretches {
    /// First second of each, with its distance from UTC in seconds.
    stretches: Box<[(i64, i32)]>,
    /// For each slot of time: the stretch at its first second.
    slots: Box<[u16]>,
}

/// One stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// First second.
    from_s: i64,
    /// First second after it.
    until_s: i64,
    /// Distance from UTC.
    offset_s: i64,
}

impl Stretches {
    /// From the distance at the beginning and the changes after it, in order.
    pub(super) fn new(offset_s: i32, changes: impl Iterator<Item = (i64, i32)>) -> Self {
        let mut stretches = vec![(FIRST_S, offset_s)];
        for (at, offset_s) in changes.take_while(|(at, _)| *at < END_S) {
            if stretches.last().is_some_and(|(_, known)| *known != offset_s) {
                stretches.push((at, offset_s));
            }
        }
        let mut slots = Vec::with_capacity((END_S >> SLOT_SHIFT) as usize + 1);
        let mut index = 0;
        for slot in 0..=END_S >> SLOT_SHIFT {
            while stretches.get(index + 1).is_some_and(|(from, _)| *from <= slot << SLOT_SHIFT) {
                index += 1;
            }
            // A zone has a few hundred changes.
            slots.push(index as u16);
        }
        Self { stretches: stretches.into(), slots: slots.into() }
    }

    /// The first second of the table, as an instant: where [`Self::new`] begins.
    pub(super) fn first() -> Instant {
        Instant(FIRST_S * 1_000)
    }

    /// The stretch that contains a second; `None` outside the table.
    fn at(&self, second: i64) -> Option<Stretch> {
        if !(FIRST_S..END_S).contains(&second) {
            return None;
        }
        let mut index = usize::from(self.slots[(second >> SLOT_SHIFT) as usize]);
        let from = |index: usize| self.stretches.get(index).map_or(END_S, |(from, _)| *from);
        while from(index + 1) <= second {
            index += 1;
        }
        let (from_s, offset_s) = self.stretches[index];
        Some(Stretch { from_s, until_s: from(index + 1), offset_s: i64::from(offset_s) })
    }

    /// The stretch that contains an instant: its first instant, the first after it, and its
    /// distance from UTC in milliseconds.
    pub(super) fn around(&self, instant: Instant) -> Option<(Instant, Instant, i64)> {
        let stretch = self.at(instant.0.div_euclid(1_000))?;
        let at = |second: i64| Instant(second * 1_000);
        Some((at(stretch.from_s), at(stretch.until_s), stretch.offset_s * 1_000))
    }

    /// What the clock on the wall shows at an instant, as milliseconds of a clock that showed
    /// 1970-01-01T00:00 at 0.
    pub(super) fn local_ms(&self, instant: Instant) -> Option<i64> {
        let stretch = self.at(instant.0.div_euclid(1_000))?;
        Some(instant.0 + stretch.offset_s * 1_000)
    }

    /// The instant at which the clock on the wall shows so many seconds, where no change of the
    /// clock is anywhere near.
    pub(super) fn resolve_s(&self, local_s: i64) -> Option<Instant> {
        let stretch = self.at(local_s)?;
        let clear = local_s - SLACK_S >= stretch.from_s && local_s + SLACK_S < stretch.until_s;
        clear.then(|| Instant((local_s - stretch.offset_s) * 1_000))
    }
}
