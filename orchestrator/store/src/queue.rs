//! The bounded queue before the committer: what is taken in, in which order, and what is refused.

use crate::{
    error::{CommitError, Reason},
    group::{GROUP_BYTES_MAX, GROUP_TRANSACTIONS_MAX, is_reserved},
    table::Table,
    transaction::{TRANSACTION_BYTES_MAX, Transaction},
};
use std::collections::VecDeque;

/// Most transactions waiting: over a second of work at the highest rate measured. At the limit
/// `submit` refuses; callers hold back before that by their own credits.
pub const QUEUE_TRANSACTIONS_MAX: usize = 65_536;

/// Most bytes waiting, so that large transactions can't fill the memory within the count.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest key: the engines store keys again in every index.
const KEY_BYTES_MAX: usize = 1024;

/// Whether the queue takes anything in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intake {
    Open,
    Closed,
    Failed(CommitError),
}

/// Waiting transactions in commit order, each with its size.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: VecDeque<(usize, Transaction)>,
    bytes: usize,
    tables: u8,
    /// Last sequence taken in, by partition.
    sequences: Vec<u64>,
    pub(crate) intake: Intake,
}

impl Queue {
    pub(crate) fn new(tables: usize, sequences: Vec<u64>) -> Self {
        Queue {
            waiting: VecDeque::new(),
            bytes: 0,
            tables: tables as u8,
            sequences,
            intake: Intake::Open,
        }
    }

    /// Transactions and bytes waiting.
    pub(crate) fn depth(&self) -> (usize, usize) {
        (self.waiting.len(), self.bytes)
    }

    /// Takes the whole batch in, or hands it back with the reason.
    pub(crate) fn push(
        &mut self,
        transactions: Vec<Transaction>,
    ) -> Result<(), (Reason, Vec<Transaction>)> {
        let sizes: Vec<usize> = transactions.iter().map(Transaction::bytes).collect();
        if let Err(reason) = self.admit(&transactions, &sizes) {
            return Err((reason, transactions));
        }
        self.bytes += sizes.iter().sum::<usize>();
        self.waiting.extend(sizes.into_iter().zip(transactions));
        Ok(())
    }

    fn admit(&mut self, transactions: &[Transaction], sizes: &[usize]) -> Result<(), Reason> {
        match &self.intake {
            Intake::Open => {}
            Intake::Closed => return Err(Reason::Closed),
            Intake::Failed(error) => return Err(Reason::Failed(error.clone())),
        }
        for (transaction, bytes) in transactions.iter().zip(sizes) {
            self.check(transaction, *bytes)?;
        }
        let bytes = self.bytes + sizes.iter().sum::<usize>();
        if self.waiting.len() + transactions.len() > QUEUE_TRANSACTIONS_MAX
            || bytes > QUEUE_BYTES_MAX
        {
            return Err(Reason::Full { transactions: self.waiting.len(), bytes: self.bytes });
        }
        for (place, transaction) in transactions.iter().enumerate() {
            let last = &mut self.sequences[usize::from(transaction.partition)];
            if transaction.seq == *last + 1 {
                *last = transaction.seq;
                continue;
            }
            let reason = Reason::OutOfSequence {
                partition: transaction.partition,
                expected: *last + 1,
                got: transaction.seq,
            };
            // Undo what this batch has advanced: nothing of it is taken in.
            for earlier in &transactions[..place] {
                self.sequences[usize::from(earlier.partition)] -= 1;
            }
            return Err(reason);
        }
        Ok(())
    }

    fn check(&self, transaction: &Transaction, bytes: usize) -> Result<(), Reason> {
        if usize::from(transaction.partition) >= self.sequences.len() {
            return Err(Reason::UnknownPartition(transaction.partition));
        }
        if bytes > TRANSACTION_BYTES_MAX {
            return Err(Reason::TooLarge { bytes, limit: TRANSACTION_BYTES_MAX });
        }
        for write in &transaction.writes {
            if write.table == Table::GROUPS || write.table.0 >= self.tables {
                return Err(Reason::UnknownTable(write.table.0));
            }
            let key = &write.key;
            if key.is_empty() || key.len() > KEY_BYTES_MAX || is_reserved(key) {
                return Err(Reason::BadKey(key.len()));
            }
        }
        Ok(())
    }

    /// The next group: as much as waits, up to the limits; empty when nothing waits.
    pub(crate) fn take_group(&mut self, transactions_max: usize) -> Vec<Transaction> {
        let most = transactions_max.min(GROUP_TRANSACTIONS_MAX);
        let mut group = Vec::with_capacity(self.waiting.len().min(most));
        let mut total = 0;
        while let Some((bytes, _)) = self.waiting.front() {
            if group.len() >= most || (!group.is_empty() && total + bytes > GROUP_BYTES_MAX) {
                break;
            }
            total += bytes;
            group.extend(self.waiting.pop_front().map(|(_, transaction)| transaction));
        }
        self.bytes -= total;
        group
    }
}
