//! Members of retargeting audiences, read from their rows: by partition, in the order of their
//! keys. Used by API and console.

use domain::channel::audience::Identifier;
use domain::customer::Customer;
use domain::ids::{CustomerKey, NameId};
use domain::time::Instant;
use engine::audience::MemberRow;
use engine::codec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read};

use crate::access::mask::MASKED;
use crate::recovery::RecoverError;
use crate::rows;
use crate::sends::Sight;

/// Most members of one page: for each of them her record is read as well.
pub const MEMBERS_MAX: usize = 500;
/// Rows read at a time.
const SCAN_ROWS: usize = 512;

/// A member of an audience. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberLine {
    /// The customer's id.
    pub customer: String,
    /// Since when she is a member, without a break.
    pub since: String,
    /// Until when; null for good.
    pub until: Option<String>,
    /// What the audience exports of her, hashed; here as it stands in her profile.
    pub identifiers: Vec<IdentifierLine>,
}

/// What platforms know somebody by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentifierLine {
    /// What it is.
    pub kind: Identifier,
    /// The value.
    pub value: String,
}

/// Members of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The members.
    pub items: Vec<MemberLine>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<MemberPlace>,
}

/// The row that a page begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberPlace(Vec<u8>);

impl<S: Read> Sight<'_, S> {
    /// Members of an audience at `now`, by the number of its name, from a place on.
    ///
    /// # Errors
    /// Rows that cannot be read.
    pub fn members(
        &self,
        audience: NameId,
        from: Option<MemberPlace>,
        limit: usize,
        now: Instant,
    ) -> Result<Found, RecoverError> {
        let table = rows::table(engine::Table::Meta);
        let from = from.map(|place| place.0);
        let mut items = Vec::new();
        for partition in 0..self.partitions {
            let mut range = Range::prefix(codec::members_prefix(partition, audience));
            match &from {
                // Partitions before the place have been shown.
                Some(from) if range.until.as_ref().is_some_and(|until| until <= from) => continue,
                Some(from) if range.from < *from => range = range.resume(from.clone()),
                _ => {}
            }
            loop {
                let page = self.store.scan(table, &range, Limit::rows(SCAN_ROWS))?;
                for (key, row) in &page.rows {
                    if items.len() >= limit {
                        return Ok(Found { items, next: Some(MemberPlace(key.clone())) });
                    }
                    let row: MemberRow = codec::decode("member of an audience", row)?;
                    if now < row.until
                        && let Some(customer) = self.owner(partition, key)?
                    {
                        items.push(self.member(&customer, row));
                    }
                }
                match page.next {
                    Some(next) => range = range.resume(next),
                    None => break,
                }
            }
        }
        Ok(Found { items, next: None })
    }

    /// The customer whose row this is: her key stands at its end.
    fn owner(&self, partition: u16, row: &[u8]) -> Result<Option<Customer>, RecoverError> {
        let Some(key) = row.last_chunk::<16>().map(|key| CustomerKey(*key)) else {
            return Ok(None);
        };
        let place = codec::customer_key(partition, key);
        let record = self.store.get(rows::table(engine::Table::Customers), &place)?;
        Ok(record.map(|record| codec::decode_customer(key, &record)).transpose()?)
    }

    fn member(&self, customer: &Customer, row: MemberRow) -> MemberLine {
        let value = |text: &str| match self.mask.is_masking() {
            true => MASKED.to_owned(),
            false => text.to_owned(),
        };
        let identifiers = row.identifiers.iter();
        MemberLine {
            customer: self.mask.text(customer.id.as_str()).into_owned(),
            since: row.since.to_string(),
            until: Some(row.until).filter(|at| *at != Instant::MAX).map(|at| at.to_string()),
            identifiers: identifiers
                .map(|(kind, text)| IdentifierLine { kind: *kind, value: value(text) })
                .collect(),
        }
    }
}
