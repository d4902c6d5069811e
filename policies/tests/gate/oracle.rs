//! The rules once more, computed in the most naive way, to compare the gate with.

use cadencia_policies::{Counts, LedgerRow};
use domain::ids::NameId;
use domain::time::{Instant, Zone};

use crate::fixture::World;

const DAY_MS: i64 = 86_400_000;

/// What a cap counts over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Naive {
    Rolling(i64),
    Day,
    WeekFromMonday,
    Month,
}

/// A cap, as plain data.
#[derive(Clone, Debug)]
pub(crate) struct NaiveCap {
    pub(crate) limit: u32,
    pub(crate) window: Naive,
    pub(crate) channel: Option<usize>,
    pub(crate) counts: Counts,
}

/// A policy, as plain data; all zones are the customer's.
#[derive(Clone, Debug)]
pub(crate) struct NaivePolicy {
    pub(crate) caps: Vec<NaiveCap>,
    /// Quiet hours of every day, in minutes of the day.
    pub(crate) quiet: Option<(u32, u32)>,
}

impl NaiveCap {
    pub(crate) fn yaml(&self, name: usize) -> String {
        let window = match self.window {
            Naive::Rolling(ms) => format!("{{rolling: PT{}S}}", ms / 1_000),
            Naive::Day => "{calendar: day, zone: customer}".to_owned(),
            Naive::WeekFromMonday => "{calendar: week, zone: customer}".to_owned(),
            Naive::Month => "{calendar: month, zone: customer}".to_owned(),
        };
        let counts = match self.counts {
            Counts::Reserved => "reserved",
            Counts::Accepted => "accepted",
            Counts::Delivered => "delivered",
        };
        let scope = self.channel.map_or(String::new(), |channel| {
            format!(", scope: {{channels: [{}]}}", crate::fixture::CHANNELS[channel])
        });
        format!(
            "  - {{name: cap-{name}, frequency_cap: {{limit: {}, window: {window}, \
             counts: {counts}{scope}}}}}\n",
            self.limit
        )
    }

    /// Whether the cap is about messages of a channel.
    pub(crate) fn about(&self, channel: NameId) -> bool {
        self.channel.is_none_or(|only| NameId(only as u16 + 1) == channel)
    }

    /// Whether a row and an instant stand in one window of this cap.
    pub(crate) fn together(&self, row: Instant, at: Instant, zone: &Zone) -> bool {
        let (row_date, at_date) = (zone.local(row).date(), zone.local(at).date());
        match self.window {
            Naive::Rolling(ms) => at.0 - row.0 < ms,
            Naive::Day => row_date == at_date,
            Naive::WeekFromMonday => {
                row_date.iso_week_date().week() == at_date.iso_week_date().week()
                    && row_date.iso_week_date().year() == at_date.iso_week_date().year()
            }
            Naive::Month => {
                (row_date.year(), row_date.month()) == (at_date.year(), at_date.month())
            }
        }
    }

    /// The sends that are held against one at `at`.
    pub(crate) fn count(&self, rows: &[LedgerRow], at: Instant, zone: &Zone) -> u32 {
        let counted = rows.iter().filter(|row| {
            self.counts.counts(row.state)
                && row.marks.counts_toward_caps()
                && self.about(row.channel)
                && self.together(row.counted_at, at, zone)
        });
        counted.count() as u32
    }
}

impl NaivePolicy {
    pub(crate) fn yaml(&self) -> String {
        let mut text = "rules:\n".to_owned();
        for (name, cap) in self.caps.iter().enumerate() {
            text.push_str(&cap.yaml(name));
        }
        if let Some((from, to)) = self.quiet {
            let time = |minute: u32| format!("\"{:02}:{:02}\"", minute / 60, minute % 60);
            text.push_str(&format!(
                "  - {{name: quiet, quiet_hours: {{windows: [{{from: {}, to: {}}}]}}}}\n",
                time(from),
                time(to)
            ));
        }
        if text == "rules:\n" { String::new() } else { text }
    }

    pub(crate) fn allows(&self, world: &World, at: Instant) -> bool {
        let zone = world.zone.as_ref().expect("a known zone");
        let channel = NameId(world.channel as u16 + 1);
        let room =
            |cap: &NaiveCap| !cap.about(channel) || cap.count(&world.rows, at, zone) < cap.limit;
        !self.quiet_at(zone, at) && self.caps.iter().all(room)
    }

    fn quiet_at(&self, zone: &Zone, at: Instant) -> bool {
        let Some((from, to)) = self.quiet else { return false };
        let local = zone.local(at);
        let minute = local.hour() as u32 * 60 + local.minute() as u32;
        if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }

    /// Every instant in `from..to` at which the answer can change, with its neighbours. Zones are
    /// taken to change, and days and quiet hours to start, at whole quarters of an hour of UTC.
    pub(crate) fn borders(&self, world: &World, from: Instant, to: Instant) -> Vec<Instant> {
        let quarter = 900_000;
        let mut borders: Vec<i64> =
            (from.0 / quarter..=to.0 / quarter).map(|at| at * quarter).collect();
        for cap in &self.caps {
            if let Naive::Rolling(ms) = cap.window {
                borders.extend(world.rows.iter().map(|row| row.counted_at.0 + ms));
            }
        }
        let near = borders.into_iter().flat_map(|at| [at - 1, at, at + 1]).chain([from.0]);
        near.filter(|at| (from.0..to.0).contains(at)).map(Instant).collect()
    }
}

/// Milliseconds of so many days.
pub(crate) fn days(count: i64) -> i64 {
    count * DAY_MS
}
