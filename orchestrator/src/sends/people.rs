//! Whose a send is: found by the first half of her key, with which the id of the send begins, and
//! followed to whom she was merged into.

use std::collections::HashMap;
use std::rc::Rc;

use domain::customer::{CHAIN_MAX, Customer};
use domain::ids::{CustomerId, CustomerKey, KeyHead, SendId};
use domain::journey::enrollment::{Sending, State};
use domain::time::Instant;
use engine::codec;
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::SendRow;
use store::{Limit, Range, Read};

use super::newest::Chain;
use crate::recovery::RecoverError;
use crate::rows;

/// Customers whose keys begin alike: more than one is so unlikely that four never are.
const ALIKE_MAX: usize = 4;
/// History rows that are read to learn whether something newer was decided of a message.
const NEWER_ROWS_MAX: usize = 500;
/// What a point read costs, measured in the history rows of a scan.
const READ_COST: usize = 2;

/// A customer, with those on the way to her.
#[derive(Debug)]
pub(super) struct Person {
    /// Where her rows are: under the key that was asked for first, under her own last.
    pub(super) path: Vec<(u16, CustomerKey, u64)>,
    /// Her record.
    pub(super) customer: Customer,
}

impl Person {
    /// A message that an enrollment is parked on.
    pub(super) fn parked(&self, send: SendId) -> Option<&Sending> {
        self.customer.enrollments.iter().find_map(|one| match &one.state {
            State::Sending(sending) if sending.send == send => Some(sending),
            _ => None,
        })
    }
}

/// What was decided of a message after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newer {
    Nothing,
    /// The gate decided again.
    Decided,
    /// It is no longer wanted, since then.
    Withdrawn(Instant),
}

/// Customers that were looked for, each once.
#[derive(Debug)]
pub(super) struct People<'a, S> {
    store: &'a S,
    partitions: u16,
    known: HashMap<KeyHead, Rc<Vec<Person>>>,
    /// What it cost, in history rows.
    pub(super) cost: usize,
}

impl<'a, S: Read> People<'a, S> {
    pub(super) fn new(store: &'a S, partitions: u16) -> Self {
        Self { store, partitions, known: HashMap::new(), cost: 0 }
    }

    /// Those whose ids begin so: nobody or one, but for a chance that is as good as none.
    pub(super) fn with_head(&mut self, head: KeyHead) -> Result<Rc<Vec<Person>>, RecoverError> {
        if let Some(known) = self.known.get(&head) {
            return Ok(known.clone());
        }
        let range = Range::prefix(codec::head_prefix(head.partition(self.partitions), head));
        let table = rows::table(engine::Table::Customers);
        let page = self.store.scan(table, &range, Limit::rows(ALIKE_MAX))?;
        let mut found = Vec::new();
        for (key, value) in &page.rows {
            self.cost += READ_COST;
            let Some(key) = codec::key_of(key) else { continue };
            found.extend(self.follow(key, codec::decode_customer(key, value)?)?);
        }
        let found = Rc::new(found);
        self.known.insert(head, found.clone());
        Ok(found)
    }

    fn read(&mut self, key: CustomerKey) -> Result<Option<Customer>, RecoverError> {
        self.cost += READ_COST;
        let table = rows::table(engine::Table::Customers);
        let place = codec::customer_key(key.partition(self.partitions), key);
        let record = self.store.get(table, &place)?;
        Ok(record.map(|record| codec::decode_customer(key, &record)).transpose()?)
    }

    fn follow(
        &mut self,
        mut key: CustomerKey,
        mut customer: Customer,
    ) -> Result<Option<Person>, RecoverError> {
        let mut path = Vec::new();
        for _ in 0..=CHAIN_MAX {
            path.push((key.partition(self.partitions), key, customer.history_head));
            let Some(tombstone) = &customer.tombstone else {
                return Ok(Some(Person { path, customer }));
            };
            key = tombstone.into.key();
            match self.read(key)? {
                Some(next) => customer = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// A customer by her id, or the one that she was merged into.
    pub(super) fn by_id(&mut self, id: &CustomerId) -> Result<Option<Person>, RecoverError> {
        let key = id.key();
        match self.read(key)? {
            Some(customer) => self.follow(key, customer),
            None => Ok(None),
        }
    }

    /// All chains of a customer's history, those of customers that were merged into her included.
    pub(super) fn chains(&mut self, id: &CustomerId) -> Result<Option<Vec<Chain>>, RecoverError> {
        let Some(person) = self.by_id(id)? else {
            return Ok(None);
        };
        let key = person.customer.key();
        let own =
            Chain { partition: key.partition(self.partitions), head: person.customer.history_head };
        let merged = person.customer.merged.iter().map(|merged| Chain {
            partition: merged.customer.key().partition(self.partitions),
            head: merged.history_head,
        });
        Ok(Some(std::iter::once(own).chain(merged).collect()))
    }

    /// The row of a send that was handed over at an instant.
    pub(super) fn send(
        &mut self,
        person: &Person,
        send: SendId,
        at: Instant,
    ) -> Result<Option<SendRow>, RecoverError> {
        let table = rows::table(engine::Table::Sends);
        // Usually it is where she is now.
        for (partition, key, _) in person.path.iter().rev() {
            self.cost += READ_COST;
            let place = codec::send_key(*partition, *key, at, send);
            if let Some(row) = self.store.get(table, &place)? {
                return Ok(Some(SendRow::decode(&row)?));
            }
        }
        Ok(None)
    }

    /// What was decided of a message after a row of the history.
    pub(super) fn newer(
        &mut self,
        person: &Person,
        send: SendId,
        row: (u16, u64, Instant),
    ) -> Result<Newer, RecoverError> {
        let (partition, seq, at) = row;
        let mut left = NEWER_ROWS_MAX;
        for (of, _, head) in person.path.iter().rev() {
            let mut next = *head;
            while next != 0 && (*of, next) != (partition, seq) && left > 0 {
                left -= 1;
                self.cost += READ_COST;
                let Some(row) = history(self.store, *of, next)? else { break };
                if row.at < at {
                    break;
                }
                for item in &row.items {
                    match item {
                        HistoryItem::Decided { send: id, .. } if *id == send => {
                            return Ok(Newer::Decided);
                        }
                        HistoryItem::Withdrawn { send: id } if *id == send => {
                            return Ok(Newer::Withdrawn(row.at));
                        }
                        _ => {}
                    }
                }
                next = row.previous;
            }
        }
        // So much has happened since: what is not parked any more was decided then.
        let decided = left == 0 && person.parked(send).is_none();
        Ok(if decided { Newer::Decided } else { Newer::Nothing })
    }
}

pub(super) fn history(
    store: &impl Read,
    partition: u16,
    seq: u64,
) -> Result<Option<HistoryRow>, RecoverError> {
    let table = rows::table(engine::Table::History);
    let bytes = store.get(table, &codec::history_key(partition, seq))?;
    Ok(bytes.map(|bytes| codec::decode("history row", &bytes)).transpose()?)
}
