//! Quiet hours: half-open windows on the wall clock, across midnight and changes of the clock.

use std::fmt;

use jiff::civil::{DateTime, Weekday};

use super::clock_face::{DAY_S, TimeOfDay, Weekdays, short_name};
use super::text::TimeProblem;
use super::{Instant, Zone};

/// Seconds of a civil week.
const WEEK_S: u32 = 7 * DAY_S;
/// What covers every second of it.
const WHOLE_WEEK: [(u32, u32); 1] = [(0, WEEK_S)];

/// Most windows of one schedule: more cannot be read by a person.
pub const WINDOWS_MAX: usize = 64;

/// How far [`Windows::quiet_in_any`] looks before it says "never", in milliseconds: a week and a
/// day, after which a weekly schedule repeats.
const SEARCH_MAX_MS: i64 = 8 * 86_400_000;

/// A window `[start, end)` that starts on each of `days`; if `end` is not after `start` it ends on
/// the next day. It belongs to the weekday on which it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalWindow {
    /// Weekdays on which it starts.
    pub days: Weekdays,
    /// First second that is covered.
    pub start: TimeOfDay,
    /// First second that is not covered any more; 24:00 is the end of the day.
    pub end: TimeOfDay,
}

impl LocalWindow {
    /// From the texts of a definition; no days means every day.
    pub fn parse(days: Option<&str>, start: &str, end: &str) -> Result<Self, TimeProblem> {
        let days = days.map_or(Ok(Weekdays::ALL), Weekdays::parse)?;
        let (start, end) = (TimeOfDay::parse(start)?, TimeOfDay::parse_end(end)?);
        if start == end {
            let problem = TimeProblem::new(format!("the window {start} to {end} is empty"));
            return Err(problem.suggest("write 00:00 to 24:00 for the whole day"));
        }
        Ok(Self { days, start, end })
    }

    fn crosses_midnight(&self) -> bool {
        self.end < self.start
    }

    /// Its stretches in seconds of the week, from Monday 00:00.
    fn stretches(&self) -> impl Iterator<Item = (u32, u32)> {
        let (start, end) = (self.start.seconds(), self.end.seconds());
        let length = if self.crosses_midnight() { DAY_S - start + end } else { end - start };
        self.days.iter().flat_map(move |day| {
            let from = day_start(day) + start;
            let to = from + length;
            // What runs over Sunday night continues on Monday.
            let wrapped = (to > WEEK_S).then(|| (0, to - WEEK_S));
            std::iter::once((from, to.min(WEEK_S))).chain(wrapped)
        })
    }
}

/// A part of the week, for people: from a weekday and time to a weekday and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekStretch {
    /// First second of it, in seconds from Monday 00:00.
    pub start_s: u32,
    /// First second after it; at most 604,800.
    pub end_s: u32,
}

/// A weekly schedule of windows, merged where they touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Sorted, disjoint, not touching, in seconds from Monday 00:00.
    covered: Vec<(u32, u32)>,
    windows: Vec<LocalWindow>,
}

impl Windows {
    /// A schedule; refused if it leaves no second of the week uncovered.
    pub fn new(windows: Vec<LocalWindow>) -> Result<Self, TimeProblem> {
        let covered = covered(&windows)?;
        if covered == WHOLE_WEEK {
            let problem =
                TimeProblem::new("the windows cover the whole week: nothing is ever sent");
            return Err(problem.suggest("leave at least some time of the week uncovered"));
        }
        Ok(Self { covered, windows })
    }

    /// The other way round: everything that no window covers is quiet. Refused if nothing is.
    pub fn outside(windows: Vec<LocalWindow>) -> Result<Self, TimeProblem> {
        let open = covered(&windows)?;
        if open == WHOLE_WEEK {
            let problem = TimeProblem::new("the windows cover the whole week: nothing is held");
            return Err(problem.suggest("leave the rule out"));
        }
        let covered = gaps(&open).map(|gap| (gap.start_s, gap.end_s)).collect();
        Ok(Self { covered, windows })
    }

    /// Whether some of these are quiet at every second of the week.
    pub fn leave_nothing<'a>(all: impl IntoIterator<Item = &'a Self>) -> bool {
        let mut covered: Vec<_> = all.into_iter().flat_map(|one| one.covered.clone()).collect();
        covered.sort_unstable();
        merge(&covered) == WHOLE_WEEK
    }

    /// The windows as they were declared.
    pub fn windows(&self) -> &[LocalWindow] {
        &self.windows
    }

    /// Whether there is no window at all.
    pub fn is_empty(&self) -> bool {
        self.covered.is_empty()
    }

    /// Whether a window covers the instant.
    pub fn is_quiet(&self, instant: Instant, zone: &Zone) -> bool {
        self.end_of_stretch(moment_of_week(instant, zone).0).is_some()
    }

    /// `None` if the instant is not quiet, else the first later instant that no window covers.
    pub fn quiet_until(&self, instant: Instant, zone: &Zone) -> Option<Instant> {
        let mut at = instant;
        // One step per stretch or change of the clock; some second of each week is uncovered, so
        // this ends. The bound only guards against a zone that would change every day.
        for _ in 0..=4 * self.covered.len() + 64 {
            let (second, passed_ms) = moment_of_week(at, zone);
            let Some(end) = self.end_of_stretch(second) else {
                return (at > instant).then_some(at);
            };
            let left_ms = i64::from(end - second) * 1_000 - passed_ms;
            let straight = at.plus_ms(left_ms);
            // The clock on the wall runs evenly only up to its next change: look again there.
            at = zone.next_transition(at).map_or(straight, |change| change.min(straight));
        }
        Some(at)
    }

    /// The same for a customer whose zone is unknown: quiet if quiet in any plausible zone
    /// (semantics 15). [`Instant::MAX`] if some zone is quiet at every instant of the coming week.
    ///
    /// The plausible zones are data: those of the customer's country, or of all countries in which
    /// the sender is active. With [`plausible_offsets`] (everywhere on Earth) any daily window of
    /// an hour or more is always quiet somewhere.
    pub fn quiet_in_any(&self, instant: Instant, zones: &[Zone]) -> Option<Instant> {
        let mut at = instant;
        loop {
            let next = zones.iter().filter_map(|zone| self.quiet_until(at, zone)).max();
            match next {
                None => return (at > instant).then_some(at),
                Some(next) if next.ms_since(instant) > SEARCH_MAX_MS => return Some(Instant::MAX),
                Some(next) => at = next,
            }
        }
    }

    /// The parts of the week that are not quiet.
    pub fn uncovered(&self) -> Vec<WeekStretch> {
        gaps(&self.covered).collect()
    }

    /// Uncovered early hours that were probably meant to be covered: a window that crosses
    /// midnight is declared for a day, but the night before belongs to a day that is not declared.
    ///
    /// `mon-fri 21:00 to 09:00` leaves Monday 00:00 to 09:00 uncovered.
    pub fn suspicious_gaps(&self) -> Vec<WeekStretch> {
        let crossing = self.windows.iter().filter(|window| window.crosses_midnight());
        let mut gaps = Vec::new();
        for window in crossing {
            for day in window.days.iter() {
                let (from, to) = (day_start(day), day_start(day) + window.end.seconds());
                for gap in self.uncovered() {
                    let (start_s, end_s) = (gap.start_s.max(from), gap.end_s.min(to));
                    let stretch = WeekStretch { start_s, end_s };
                    if start_s < end_s && !gaps.contains(&stretch) {
                        gaps.push(stretch);
                    }
                }
            }
        }
        gaps.sort_by_key(|gap| gap.start_s);
        gaps
    }

    /// The end of the stretch that covers a second of the week.
    fn end_of_stretch(&self, second: u32) -> Option<u32> {
        let index = self.covered.partition_point(|(_, end)| *end <= second);
        self.covered.get(index).filter(|(start, _)| *start <= second).map(|(_, end)| *end)
    }
}

/// What windows cover.
fn covered(windows: &[LocalWindow]) -> Result<Vec<(u32, u32)>, TimeProblem> {
    if windows.len() > WINDOWS_MAX {
        return Err(TimeProblem::new(format!("more than {WINDOWS_MAX} windows")));
    }
    let mut stretches: Vec<_> = windows.iter().flat_map(LocalWindow::stretches).collect();
    stretches.sort_unstable();
    Ok(merge(&stretches))
}

/// The parts of the week that merged stretches leave.
fn gaps(covered: &[(u32, u32)]) -> impl Iterator<Item = WeekStretch> {
    let mut from = 0;
    covered.iter().copied().chain([(WEEK_S, WEEK_S)]).filter_map(move |(start, end)| {
        let gap = WeekStretch { start_s: from, end_s: start };
        from = end;
        (gap.start_s < gap.end_s).then_some(gap)
    })
}

/// Sorted stretches, those that touch in one.
fn merge(stretches: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut covered: Vec<(u32, u32)> = Vec::with_capacity(stretches.len());
    for &(start, end) in stretches {
        match covered.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => covered.push((start, end)),
        }
    }
    covered
}

/// Every civil offset that is in use, -12:00 to +14:00, in steps of a quarter of an hour.
pub fn plausible_offsets() -> Vec<Zone> {
    (-12 * 4..=14 * 4).filter_map(|quarters| Zone::fixed(quarters * 900)).collect()
}

fn day_start(day: Weekday) -> u32 {
    u32::from(day.to_monday_zero_offset().unsigned_abs()) * DAY_S
}

/// The second of the local week at an instant, and the milliseconds of it that have passed.
fn moment_of_week(instant: Instant, zone: &Zone) -> (u32, i64) {
    let Some(local_ms) = zone.local_ms(instant) else {
        let local = zone.local(instant);
        return (second_of_week(local), i64::from(local.subsec_nanosecond()) / 1_000_000);
    };
    // The first day of 1970 was a Thursday: 4 days before the next Monday.
    let second = local_ms.div_euclid(1_000) - 4 * i64::from(DAY_S);
    // Below the length of a week, so it fits.
    (second.rem_euclid(i64::from(WEEK_S)) as u32, local_ms.rem_euclid(1_000))
}

fn second_of_week(local: DateTime) -> u32 {
    // Hours, minutes and seconds of a civil time are never negative.
    let part = |number: i8| u32::from(number.unsigned_abs());
    let time = part(local.hour()) * 3600 + part(local.minute()) * 60 + part(local.second());
    day_start(local.weekday()) + time
}

impl fmt::Display for WeekStretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = |f: &mut fmt::Formatter<'_>, second: u32| {
            let day = Weekday::Monday.wrapping_add(i64::from(second / DAY_S));
            let minute = second % DAY_S / 60;
            write!(f, "{} {:02}:{:02}", short_name(day), minute / 60, minute % 60)
        };
        point(f, self.start_s)?;
        f.write_str(" to ")?;
        point(f, self.end_s)
    }
}
