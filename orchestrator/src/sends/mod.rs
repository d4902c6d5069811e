//! The sends of all customers, newest first: which went, which are held, which did not go, and by
//! which rule. Read from the rows of the history and of the ledger; there is no index that a turn
//! would have to write (ADR 9). Used by the API, the command line and the console.

mod detail;
mod filter;
mod line;
pub(crate) mod newest;
mod people;

use engine::Catalog;
use store::Read;

use crate::access::mask::Mask;
use crate::recovery::RecoverError;

pub use detail::{Decided, One, Redrive, SendDetail, one};
pub use filter::{Filter, State};
pub use line::SendLine;
pub use newest::Place;

use line::Examiner;
use newest::{Newest, Spot, Way};
use people::People;

/// Most sends of one page.
pub const SENDS_MAX: usize = 500;
/// What one page may cost, in history rows read: a tenth of a second. A page ends there, also if
/// it is not full, and says how far back it looked.
pub const SCAN_COST_MAX: usize = 20_000;

/// Where sends are read from, and as far as whose eyes may see them.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a, S> {
    /// The store.
    pub store: &'a S,
    /// Its partitions.
    pub partitions: u16,
    /// What is published.
    pub catalog: &'a Catalog,
    /// What is hidden.
    pub mask: &'a Mask,
}

/// Customers whose keys begin so, each as whoever she was merged into.
pub(crate) fn owners(
    store: &impl Read,
    partitions: u16,
    head: domain::ids::KeyHead,
) -> Result<Vec<domain::customer::Customer>, RecoverError> {
    let found = People::new(store, partitions).with_head(head)?;
    Ok(found.iter().map(|person| person.customer.clone()).collect())
}

/// One page of sends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The sends, newest first.
    pub lines: Vec<SendLine>,
    /// Where the next page begins; `None` if there is nothing more.
    pub next: Option<Place>,
}

/// The newest sends before a place that a filter lets through.
///
/// # Errors
/// Rows that cannot be read.
pub fn list<S: Read>(
    sight: &Sight<'_, S>,
    filter: &Filter,
    before: Option<Place>,
    limit: usize,
) -> Result<Found, RecoverError> {
    let until = filter.until.map(Spot::at);
    let spot = [before.as_ref().map(|before| before.spot), until].into_iter().flatten().min();
    let mut people = People::new(sight.store, sight.partitions);
    let mut newest = match &filter.customer {
        None => Newest::of_all(sight.store, sight.partitions, spot)?,
        Some(id) => {
            let chains = match before.and_then(|before| before.chains) {
                Some(chains) => Some(chains),
                None => people.chains(id)?,
            };
            let Some(chains) = chains else { return Ok(Found::default()) };
            let newest = Newest::of_chains(sight.store, chains)?;
            match newest.down_to(spot, SCAN_COST_MAX)? {
                Way::There(newest) => newest,
                Way::Far(next) => return Ok(Found { lines: Vec::new(), next: Some(next) }),
            }
        }
    };
    let mut found = Found::default();
    let limit = limit.clamp(1, SENDS_MAX);
    while let Some(visit) = newest.next()? {
        if filter.from.is_some_and(|from| visit.row.at < from) {
            return Ok(found);
        }
        let mut examiner = Examiner { sight, filter, people: &mut people, visit: &visit };
        for item in (0..visit.items).rev() {
            let Some(line) = examiner.line(item)? else { continue };
            if found.lines.len() == limit {
                found.next = Some(newest.place(&visit, item + 1));
                return Ok(found);
            }
            found.lines.push(line);
        }
        if newest.cost + people.cost >= SCAN_COST_MAX {
            found.next = Some(newest.place(&visit, 0));
            return Ok(found);
        }
    }
    Ok(found)
}
