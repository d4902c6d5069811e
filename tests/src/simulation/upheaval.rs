//! What befalls the whole world: a journey is paused, the process dies.

use domain::ids::CustomerKey;
use engine::catalog::Control;
use store::Range;
use store::memory::{Disk, SteppedStore};

use super::faults::Crashed;
use super::part::{Work, rows, table};
use super::recovery;
use super::world::{PARTITIONS, SLOTS, World};

impl World {
    pub(super) fn pause_or_resume(&mut self) -> Result<(), Crashed> {
        let paused = self.rng.once_in(3);
        self.control(if paused { Control::Paused } else { Control::Running });
        Ok(())
    }

    /// Publishes a control, and has every customer look at it. Both survive a crash.
    pub(crate) fn control(&mut self, control: Control) {
        self.given.control("cart", control);
        self.catalog = self.given.catalog();
        for part in &mut self.parts {
            part.partition.set_catalog(self.catalog.clone());
        }
        for (key, _) in rows(&self.store, table(engine::Table::Customers), Range::all()) {
            let key = CustomerKey(key[2..18].try_into().expect("18 bytes"));
            self.refreshing.insert(key, None);
        }
        for part in &self.parts {
            self.refreshing.extend(part.active.keys().map(|key| (*key, None)));
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        let keys: Vec<CustomerKey> = self.refreshing.keys().copied().collect();
        for key in keys {
            self.refreshing.insert(key, None);
            self.part_of(key).push(key, None, Work::Refresh);
        }
    }

    /// The process dies, and starts again.
    pub(crate) fn crash(&mut self) {
        self.crashes += 1;
        let seed = self.rng.next();
        let disk = Disk::new(&recovery::settings(PARTITIONS)).expect("sound settings");
        let empty = SteppedStore::open(disk, &recovery::settings(PARTITIONS));
        let (empty, _) = empty.expect("an empty disk can be opened");
        let disk = std::mem::replace(&mut self.store, empty).crash(seed);
        self.parts.clear();
        self.outgoing.clear();
        self.outcomes.clear();
        self.tickets.clear();
        self.free = SLOTS;
        let down = self.rng.below(120_000);
        self.now = self.now.plus_ms(down as i64);
        // Within a process the clock never goes back; the next one may start on a clock that was
        // set back meanwhile.
        if !self.calm && self.rng.once_in(6) {
            let back = self.rng.below(3_600_000) as i64;
            self.set_back_ms += back;
            self.now = self.now.plus_ms(-back);
        }
        let started = recovery::start(disk, &self.catalog, PARTITIONS, self.now, self.planted);
        self.store = started.store;
        self.parts = started.parts;
        self.commit = 0;
        // A slot is free again when its attempt has ended, before the outcome is durable: a crash
        // leaves those unknown too, so the bound holds for attempts that were under way. The bound
        // is that of one process: what an earlier death left unknown is found again by the next
        // start if the process dies before it could write that down.
        let known = &self.ended;
        let open = started.in_flight.iter().filter(|attempt| !known.contains(attempt)).count();
        self.ended.extend(started.in_flight.iter().copied());
        self.unknown_max = self.unknown_max.max(open);
        if open > SLOTS {
            self.problem(format!("{open} sends were under way, with {SLOTS} slots"));
        }
        self.note(started.in_flight.len() as u64);
        self.refresh();
    }
}
