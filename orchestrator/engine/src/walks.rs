//! Walks of one partition over its customers: the ticks of schedules, and the look that everybody
//! must take at a changed catalog. What has been walked is durable, page by page, so that a restart
//! goes on where it stood; a page that is walked twice changes nothing, because ticks are
//! recognised by their instant and a refresh by what it finds.

use std::collections::BTreeMap;

use domain::customer::Customer;
use domain::ids::{CustomerKey, JourneyName, VersionNo};
use domain::journey::definition::{CatchUp, Entry, Schedule};
use domain::time::Instant;
use serde::{Deserialize, Serialize};

use crate::audience;
use crate::catalog::{Catalog, Control};
use crate::journeys::next_due;

/// Most ticks that are looked at to find the newest one that was missed: a pattern that ticks each
/// second was then down for about a day, and the walk starts with the newest tick found.
const MISSED_TICKS_MAX: usize = 100_000;

/// How far a partition's walks have come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walks {
    /// Revision of the catalog that every customer has looked at.
    refreshed: u64,
    /// The look that is under way.
    refreshing: Option<Refreshing>,
    schedules: BTreeMap<JourneyName, Ticked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refreshing {
    revision: u64,
    after: Option<CustomerKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ticked {
    /// Ticks up to this instant are done, or are none of ours.
    until: Instant,
    running: Option<Running>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    instant: Instant,
    after: Option<CustomerKey>,
}

/// What a page of customers is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Look at the catalog of this revision.
    Refresh {
        /// The revision.
        revision: u64,
    },
    /// A schedule ticked.
    Tick {
        /// The journey.
        journey: JourneyName,
        /// Its version now.
        version: VersionNo,
        /// The tick.
        instant: Instant,
    },
}

/// The next page: what is told to customers, and after whom it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What they are told.
    pub task: Task,
    /// The last customer of the page before; `None` starts with the first.
    pub after: Option<CustomerKey>,
}

/// Whether a customer, as her record has it, must look at the catalog: where the look would change
/// nothing she need not be woken for it.
pub fn must_look(customer: &Customer, planned: bool, catalog: &Catalog) -> bool {
    let parts = catalog.parts();
    let moves = |version: VersionNo| {
        let Some(journey) = catalog.version(version) else {
            return false;
        };
        let newer = catalog.current(&journey.name).filter(|(current, _)| *current != version);
        catalog.control(&journey.name) == Control::Stopped
            || newer.is_some_and(|(_, newer)| !newer.migrate.is_empty())
    };
    let enters = || {
        customer.segments_revision != parts.segments_revision
            && parts
                .current
                .values()
                .filter_map(|version| catalog.version(*version))
                .any(|journey| matches!(journey.entry, Entry::Segment { backfill: true, .. }))
    };
    // A pause takes her timer away, and its end brings it back.
    planned
        || next_due(customer, catalog) != customer.due_at
        || customer.enrollments.iter().any(|one| moves(one.version))
        || enters()
        || audience::must_look(customer, catalog)
}

impl Walks {
    /// Takes note of what is published. True if that changed what is to be kept.
    pub fn follow(&mut self, catalog: &Catalog) -> bool {
        let before = self.clone();
        let parts = catalog.parts();
        self.schedules.retain(|journey, _| schedule(catalog, journey).is_some());
        for journey in parts.current.keys() {
            if schedule(catalog, journey).is_none() {
                continue;
            }
            // Ticks before the journey was published are none of its business.
            let since = parts.current_since.get(journey).copied().unwrap_or(Instant::MIN);
            let known = self.schedules.entry(journey.clone());
            let ticked = known.or_insert(Ticked { until: since, running: None });
            ticked.until = ticked.until.max(since);
        }
        let stale = self.refreshing.as_ref().is_some_and(|now| now.revision != parts.revision);
        if stale || (self.refreshing.is_none() && self.refreshed < parts.revision) {
            self.refreshing = Some(Refreshing { revision: parts.revision, after: None });
        }
        *self != before
    }

    /// The page to walk now, if there is one. Ticks come before refreshes.
    pub fn next(&mut self, catalog: &Catalog, now: Instant) -> Option<Page> {
        for (journey, ticked) in &mut self.schedules {
            let Some((version, _)) = catalog.current(journey) else {
                continue;
            };
            if ticked.running.is_none() {
                ticked.start(catalog, journey, now);
            }
            if let Some(running) = &ticked.running {
                let instant = running.instant;
                let task = Task::Tick { journey: journey.clone(), version, instant };
                return Some(Page { task, after: running.after });
            }
        }
        let Refreshing { revision, after } = self.refreshing.clone()?;
        Some(Page { task: Task::Refresh { revision }, after })
    }

    /// A page is done, up to this customer; `None` if it was the last one.
    pub fn walked(&mut self, task: &Task, last: Option<CustomerKey>) {
        match (task, last) {
            (Task::Refresh { revision }, None) => {
                self.refreshed = *revision;
                self.refreshing = None;
            }
            (Task::Refresh { .. }, after) => {
                if let Some(refreshing) = &mut self.refreshing {
                    refreshing.after = after;
                }
            }
            (Task::Tick { journey, instant, .. }, last) => {
                if let Some(ticked) = self.schedules.get_mut(journey) {
                    match (last, &mut ticked.running) {
                        (Some(last), Some(running)) => running.after = Some(last),
                        _ => {
                            ticked.until = ticked.until.max(*instant);
                            ticked.running = None;
                        }
                    }
                }
            }
        }
    }

    /// When the next schedule ticks; [`Instant::MAX`] for never.
    pub fn next_tick(&self, catalog: &Catalog) -> Instant {
        self.schedules
            .iter()
            .filter_map(|(journey, ticked)| next_after(schedule(catalog, journey)?, ticked.until))
            .min()
            .unwrap_or(Instant::MAX)
    }
}

impl Ticked {
    /// Starts the newest tick that is due. Of several that were missed only that one runs: three
    /// newsletters that were held up by an outage are one newsletter. What is older than `skip`
    /// allows does not run at all.
    fn start(&mut self, catalog: &Catalog, journey: &JourneyName, now: Instant) {
        let Some((_, definition)) = catalog.current(journey) else {
            return;
        };
        let Some(schedule) = schedule(catalog, journey) else {
            return;
        };
        let mut due = None;
        for _ in 0..MISSED_TICKS_MAX {
            match next_after(schedule, due.unwrap_or(self.until)) {
                Some(next) if next <= now => due = Some(next),
                _ => break,
            }
        }
        let Some(instant) = due else {
            return;
        };
        let too_late = match &definition.catch_up {
            CatchUp::Skip { older_than } => now.ms_since(instant) > older_than.elapsed_ms(),
            CatchUp::Fire | CatchUp::Spread { .. } => false,
        };
        if too_late || catalog.control(journey) == Control::Stopped {
            self.until = instant;
        } else {
            self.running = Some(Running { instant, after: None });
        }
    }
}

fn schedule<'a>(catalog: &'a Catalog, journey: &JourneyName) -> Option<&'a Schedule> {
    match &catalog.current(journey)?.1.entry {
        Entry::Schedule { schedule, .. } => Some(schedule),
        Entry::Event { .. } | Entry::Segment { .. } | Entry::Api => None,
    }
}

fn next_after(schedule: &Schedule, after: Instant) -> Option<Instant> {
    match schedule {
        Schedule::Once(at) => Some(*at).filter(|at| *at > after),
        Schedule::Cron { cron, zone } => cron.next_after(after, zone),
    }
}
