//! Between the engine's rows and the store's: table numbers, transactions, reads by key.

use domain::ids::CustomerKey;
use engine::codec;
use store::{Access, Read, ReadError, Store, TableSpec};

/// The store's table of an engine table. The store keeps number 0 for itself.
pub fn table(table: engine::Table) -> store::Table {
    store::Table(table as u8 + 1)
}

/// The tables as the store is to create them.
pub fn specs() -> Vec<TableSpec> {
    engine::Table::ALL
        .iter()
        .map(|table| TableSpec {
            name: table.name(),
            access: match table {
                engine::Table::History => Access::Append,
                engine::Table::Customers | engine::Table::Sends | engine::Table::Meta => {
                    Access::Random
                }
            },
        })
        .collect()
}

/// A transaction as the store takes it.
pub fn to_store(transaction: engine::Transaction) -> store::Transaction {
    store::Transaction {
        partition: transaction.partition,
        seq: transaction.seq,
        writes: transaction
            .writes
            .into_iter()
            .map(|write| store::Write {
                table: table(write.table),
                key: write.key,
                value: write.value,
            })
            .collect(),
        note: transaction.note,
    }
}

/// Reads by the engine's keys.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a>(pub &'a Store);

impl Rows<'_> {
    /// Records of customers of one partition, in the order of the keys.
    pub fn customers(
        &self,
        partition: u16,
        keys: &[CustomerKey],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        let keys: Vec<Vec<u8>> =
            keys.iter().map(|key| codec::customer_key(partition, *key)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        self.0.get_many(table(engine::Table::Customers), &keys)
    }
}
