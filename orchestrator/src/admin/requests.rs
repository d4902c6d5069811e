//! Requests that came with a key of their own, so that a repeat is answered as the first one was,
//! and done once. A row says that a request begins before it does; another one keeps its answer. A
//! request of which only the first is there was cut off: nobody knows what it did, and it is never
//! done again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::Instant;
use engine::codec;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read, Store};

use super::{Refusal, refuse};
use crate::app::Keeper;
use crate::error::ErrorCode;
use crate::recovery::RecoverError;
use crate::rows;

/// What the keys of these rows begin with.
const PREFIX: &[u8] = b"I";
/// For how long a key is remembered: a day is longer than any client repeats a request.
const KEY_TTL_MS: i64 = 24 * 3_600_000;
/// Most keys that are remembered: one a second for a day. At it requests with new keys are refused
/// until old ones are forgotten.
const KEYS_MAX: usize = 86_400;
/// Longest answer that is kept. A repeat of a request with a longer one is told that it was done.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Forgotten keys that are deleted with one new one.
const FORGOTTEN_MAX: usize = 16;
/// Rows read at a time.
const SCAN_ROWS: usize = 1_024;

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl KeptAnswer {
    /// One of which only the status is known.
    pub(crate) fn bare(status: u16) -> Self {
        Self { status, content_type: String::new(), body: Vec::new() }
    }
}

/// A key that somebody made up, together with who she is.
type KeyHash = [u8; 16];

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    /// What was asked for.
    print: [u8; 16],
    at: Instant,
    stage: Stage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    Begun,
    Done(KeptAnswer),
    /// The answer is not kept.
    Withheld,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    UnderWay,
    CutOff,
    Done,
    Withheld,
}

#[derive(Debug, Default)]
struct Known {
    entries: HashMap<KeyHash, ([u8; 16], Instant, Standing)>,
    /// The same keys in the order of their instants.
    order: BTreeSet<(Instant, KeyHash)>,
}

/// The requests of the last day.
#[derive(Debug)]
pub struct Requests {
    store: Store,
    keeper: Keeper,
    known: Mutex<Known>,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Begin {
    /// It is to be done, and [`Requests::finish`] to be told.
    Do,
    /// It was done.
    Answer(KeptAnswer),
}

impl Requests {
    /// What a store knows.
    pub fn open(store: &Store, keeper: Keeper) -> Result<Self, RecoverError> {
        let mut known = Known::default();
        let mut range = Range::prefix(PREFIX);
        loop {
            let table = rows::table(engine::Table::Meta);
            let page = store.scan(table, &range, Limit::rows(SCAN_ROWS))?;
            for (key, value) in &page.rows {
                let row: Row = codec::decode("request", value)?;
                let Some(key) = key.get(PREFIX.len()..).and_then(|key| key.try_into().ok()) else {
                    continue;
                };
                let standing = match row.stage {
                    Stage::Begun => Standing::CutOff,
                    Stage::Done(_) => Standing::Done,
                    Stage::Withheld => Standing::Withheld,
                };
                known.put(key, row.print, row.at, standing);
            }
            match page.next {
                Some(next) => range = range.resume(next),
                None => break,
            }
        }
        Ok(Self { store: store.clone(), keeper, known: Mutex::new(known) })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request comes in: whether it is new, and durably begun.
    ///
    /// # Errors
    /// If its key belongs to another one, or nobody knows what became of the first.
    pub async fn begin(
        &self,
        key: KeyHash,
        print: [u8; 16],
        now: Instant,
    ) -> Result<Begin, Refusal> {
        let mut writes = Vec::new();
        {
            let mut known = self.known();
            let held = known.entries.get(&key).filter(|(_, at, _)| !is_old(now, *at));
            match held {
                Some((other, ..)) if *other != print => {
                    return refuse(ErrorCode::IdempotencyMismatch, "");
                }
                Some((.., Standing::Done)) => return self.answer(key),
                Some((.., standing)) => {
                    return refuse(ErrorCode::IdempotencyUnfinished, standing.words());
                }
                None => {}
            }
            // Its row is written over.
            known.remove(&key);
            // Behind every way out that writes nothing: what is forgotten is deleted.
            known.forget(now, &mut writes);
            if known.entries.len() >= KEYS_MAX {
                let detail = format!("{KEYS_MAX} idempotency keys were used in a day");
                return refuse(ErrorCode::Overloaded, detail);
            }
            known.put(key, print, now, Standing::UnderWay);
        }
        writes.push(write(key, Some(&Row { print, at: now, stage: Stage::Begun })));
        if self.keeper.put(writes).await.is_err() {
            self.known().remove(&key);
            return refuse(ErrorCode::StoreUnavailable, "the request is not durable");
        }
        Ok(Begin::Do)
    }

    /// What a request was answered. `secret`: the answer shows something that is not to be kept.
    pub async fn finish(&self, key: KeyHash, answer: KeptAnswer, secret: bool) {
        let (print, at) = match self.known().entries.get(&key) {
            Some((print, at, _)) => (*print, *at),
            None => return,
        };
        // Nothing was done: it may be tried again.
        let again = answer.status >= 500 || answer.status == 429;
        let (stage, standing) = match secret || answer.body.len() > ANSWER_BYTES_MAX {
            true => (Stage::Withheld, Standing::Withheld),
            false => (Stage::Done(answer), Standing::Done),
        };
        let row = (!again).then_some(Row { print, at, stage });
        let kept = self.keeper.put(vec![write(key, row.as_ref())]).await;
        let mut known = self.known();
        match (again, kept) {
            (true, _) => known.remove(&key),
            (false, Ok(())) => known.put(key, print, at, standing),
            (false, Err(_)) => known.put(key, print, at, Standing::CutOff),
        }
    }

    fn answer(&self, key: KeyHash) -> Result<Begin, Refusal> {
        let place = [PREFIX, &key].concat();
        let row = match self.store.get(rows::table(engine::Table::Meta), &place) {
            Ok(Some(row)) => codec::decode::<Row>("request", &row),
            Ok(None) => return refuse(ErrorCode::IdempotencyUnfinished, Standing::CutOff.words()),
            Err(error) => return refuse(ErrorCode::StoreCorrupt, error),
        };
        match row {
            Ok(Row { stage: Stage::Done(answer), .. }) => Ok(Begin::Answer(answer)),
            Ok(_) => refuse(ErrorCode::IdempotencyUnfinished, Standing::CutOff.words()),
            Err(error) => refuse(ErrorCode::StoreCorrupt, error),
        }
    }
}

impl Known {
    fn put(&mut self, key: KeyHash, print: [u8; 16], at: Instant, standing: Standing) {
        self.remove(&key);
        self.entries.insert(key, (print, at, standing));
        self.order.insert((at, key));
    }

    fn remove(&mut self, key: &KeyHash) {
        if let Some((_, at, _)) = self.entries.remove(key) {
            self.order.remove(&(at, *key));
        }
    }

    /// Forgets some keys that are old enough.
    fn forget(&mut self, now: Instant, writes: &mut Vec<engine::Write>) {
        while let Some((at, key)) = self.order.first().copied() {
            if !is_old(now, at) || writes.len() >= FORGOTTEN_MAX {
                return;
            }
            self.remove(&key);
            writes.push(write(key, None));
        }
    }
}

/// Whether a key of an instant may be forgotten.
fn is_old(now: Instant, at: Instant) -> bool {
    now.ms_since(at) >= KEY_TTL_MS
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Self::UnderWay => "the first request is under way",
            Self::CutOff => "the first request was cut off",
            Self::Done | Self::Withheld => "the first request was done; its answer was not kept",
        }
    }
}

fn write(key: KeyHash, row: Option<&Row>) -> engine::Write {
    let value = row.map(codec::encode);
    engine::Write { table: engine::Table::Meta, key: [PREFIX, &key].concat(), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Instant = Instant(KEY_TTL_MS);

    #[test]
    fn what_is_tried_again_and_again_takes_one_place() {
        let mut known = Known::default();
        for at in 0..100 {
            known.put([1; 16], [0; 16], Instant(at), Standing::UnderWay);
            known.remove(&[1; 16]);
        }
        assert_eq!((known.entries.len(), known.order.len()), (0, 0));
        known.put([1; 16], [0; 16], Instant(1), Standing::UnderWay);
        known.put([1; 16], [0; 16], Instant(1), Standing::Done);
        assert_eq!((known.entries.len(), known.order.len()), (1, 1));
    }

    #[test]
    fn each_key_that_is_forgotten_is_deleted() {
        let mut known = Known::default();
        for number in 0..=FORGOTTEN_MAX as u8 {
            known.put([number; 16], [0; 16], Instant(0), Standing::Done);
        }
        known.put([99; 16], [0; 16], Instant(1), Standing::Done);
        for (left, deleted) in [(2, FORGOTTEN_MAX), (1, 1), (1, 0)] {
            let mut writes = Vec::new();
            known.forget(DAY, &mut writes);
            assert_eq!((known.entries.len(), writes.len()), (left, deleted));
            assert_eq!(known.order.len(), left);
            assert!(writes.iter().all(|write| write.value.is_none()));
        }
    }
}
