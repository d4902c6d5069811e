//! The audit log: one row for each change, durable together with the change. Rows are added, never
//! changed, and go when they are older than the setting says: each new row takes some along. They
//! hold no secret, and of a customer only the hash of her id.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use domain::time::Instant;
use engine::codec;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read};

use super::principal::Principal;
use crate::recovery::RecoverError;
use crate::rows;

/// What the keys of these rows begin with.
const PREFIX: &[u8] = b"Aa";
/// Longest summary of one side, in bytes: what is longer is cut.
pub const SUMMARY_BYTES_MAX: usize = 4_096;
/// Most rows of one answer.
pub const AUDIT_ROWS_MAX: usize = 1_000;
/// Days for which rows are kept if nobody says for how many: a yearly review finds all of the year
/// before it, and the names and addresses of those who worked here are not kept for ever.
pub const KEEP_DAYS_DEFAULT: u32 = 730;
/// Fewest days: a month is what it takes until somebody looks.
pub const KEEP_DAYS_MIN: u32 = 30;
/// Most days: a hundred years are for ever.
pub const KEEP_DAYS_MAX: u32 = 36_500;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Old rows that go with one new row: what was kept for longer goes little by little. It is shown
/// no more at once.
const FORGOTTEN_MAX: usize = 16;

/// Every word for what a change was.
pub const ACTIONS: [&str; 22] = [
    "audience.export",
    "customer.unsuppress",
    "definitions.apply",
    "events.import",
    "journey.enroll",
    "journey.pause",
    "journey.resume",
    "journey.stop",
    "message.test",
    "send.redrive",
    "session.begin",
    "session.end",
    "token.create",
    "token.revoke",
    "token.rotate",
    "user.create",
    "user.delete",
    "user.disable",
    "user.enable",
    "user.own_password",
    "user.password",
    "user.role",
];

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its number: later ones have greater ones.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// Who.
    pub who: String,
    /// From which address, where there is one.
    pub from: Option<String>,
    /// What, as a stable word (`journey.pause`).
    pub what: String,
    /// On what.
    pub target: String,
    /// How it stood before, in words.
    pub before: Option<String>,
    /// How it stands now, in words.
    pub after: Option<String>,
}

/// What is said of a change.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What, as a stable word.
    pub what: &'static str,
    /// On what.
    pub target: String,
    /// How it stood before, in words.
    pub before: Option<String>,
    /// How it stands now, in words.
    pub after: Option<String>,
}

impl Change {
    /// Of something that was not there before.
    pub fn made(what: &'static str, target: impl Into<String>, after: String) -> Self {
        Self { what, target: target.into(), before: None, after: Some(after) }
    }

    /// Of something that was there.
    pub fn of(
        what: &'static str,
        target: impl Into<String>,
        before: String,
        after: String,
    ) -> Self {
        Self { what, target: target.into(), before: Some(before), after: Some(after) }
    }
}

/// Numbers the rows, and knows for how long they are kept.
#[derive(Debug)]
pub struct Audit {
    next: AtomicU64,
    keep_ms: AtomicI64,
}

impl Audit {
    /// Goes on after the last row of a store.
    pub fn open(store: &impl Read) -> Result<Self, RecoverError> {
        let last = store.last(rows::table(engine::Table::Meta), &Range::prefix(PREFIX))?;
        let next = match last {
            None => 1,
            Some((_, value)) => codec::decode::<AuditRow>("audit row", &value)?.number + 1,
        };
        let keep_ms = AtomicI64::new(i64::from(KEEP_DAYS_DEFAULT) * DAY_MS);
        Ok(Self { next: AtomicU64::new(next), keep_ms })
    }

    /// From now on rows are kept for so many days.
    pub fn keep(&self, days: u32) {
        self.keep_ms.store(i64::from(days) * DAY_MS, Ordering::Relaxed);
    }

    /// The instant before which rows are kept no more.
    fn horizon(&self, now: Instant) -> Instant {
        now.plus_ms(-self.keep_ms.load(Ordering::Relaxed))
    }

    /// Ends of the oldest rows that are kept no more.
    pub fn forgotten(
        &self,
        store: &impl Read,
        now: Instant,
    ) -> Result<Vec<engine::Write>, RecoverError> {
        let (table, horizon) = (rows::table(engine::Table::Meta), self.horizon(now));
        let page = store.scan(table, &Range::prefix(PREFIX), Limit::rows(FORGOTTEN_MAX))?;
        let mut ends = Vec::new();
        for (key, value) in page.rows {
            if codec::decode::<AuditRow>("audit row", &value)?.at >= horizon {
                break;
            }
            ends.push(engine::Write { table: engine::Table::Meta, key, value: None });
        }
        Ok(ends)
    }

    /// The newest rows before a number that are still kept, newest first.
    pub fn read(
        &self,
        store: &impl Read,
        before: Option<u64>,
        count: usize,
        now: Instant,
    ) -> Result<Vec<AuditRow>, RecoverError> {
        let (table, horizon) = (rows::table(engine::Table::Meta), self.horizon(now));
        let mut range = Range::prefix(PREFIX);
        if let Some(before) = before {
            range.until = Some(key(before));
        }
        let mut found = Vec::new();
        while found.len() < count.min(AUDIT_ROWS_MAX) {
            let Some((key, value)) = store.last(table, &range)? else { break };
            let row: AuditRow = codec::decode("audit row", &value)?;
            if row.at < horizon {
                break;
            }
            found.push(row);
            range.until = Some(key);
        }
        Ok(found)
    }

    /// The row of a change, to be written with the change itself. A number that is given out and
    /// then not written leaves a gap.
    pub fn write(&self, by: &Principal, now: Instant, change: Change) -> engine::Write {
        debug_assert!(ACTIONS.contains(&change.what), "`{}` is no word of the log", change.what);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let row = AuditRow {
            number,
            at: now,
            who: by.who.to_string(),
            from: by.from.map(|address| address.to_string()),
            what: change.what.to_owned(),
            target: cut(change.target),
            before: change.before.map(cut),
            after: change.after.map(cut),
        };
        let value = Some(codec::encode(&row));
        engine::Write { table: engine::Table::Meta, key: key(number), value }
    }
}

fn key(number: u64) -> Vec<u8> {
    [PREFIX, &number.to_be_bytes()].concat()
}

fn cut(mut text: String) -> String {
    if text.len() > SUMMARY_BYTES_MAX {
        let end = (0..=SUMMARY_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_summary_is_cut_at_a_character() {
        let text = cut("é".repeat(SUMMARY_BYTES_MAX));
        assert!(text.len() <= SUMMARY_BYTES_MAX + 3 && text.ends_with('…'));
        assert_eq!(cut("short".to_owned()), "short");
    }

    #[test]
    fn rows_of_the_log_are_in_order_of_their_keys() {
        assert!(key(1) < key(2) && key(255) < key(256) && key(256) < key(u64::MAX));
    }
}
