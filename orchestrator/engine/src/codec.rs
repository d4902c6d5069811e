//! Keys and versioned records. A record starts with the version of its format. Versions that a
//! release wrote are upgraded here, at decode, so that the rest of the engine knows only the
//! present; so far there is none but the present one, and any other is refused.

use domain::customer::Customer;
use domain::ids::{CustomerKey, KeyHead, NameId, SendId};
use domain::time::Instant;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of every record format written by this build.
pub const RECORD_VERSION: u8 = 4;

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It has no bytes at all.
    #[error("record of {what} is empty")]
    Empty {
        /// What was being read.
        what: &'static str,
    },
    /// It was written by a build from before the first release.
    #[error(
        "record of {what} has format {found}, which no release wrote: this build reads from \
         {RECORD_VERSION} on"
    )]
    Older {
        /// What was being read.
        what: &'static str,
        /// The version found.
        found: u8,
    },
    /// It was written by a newer build.
    #[error("record of {what} has format {found}, this build reads up to {RECORD_VERSION}")]
    Newer {
        /// What was being read.
        what: &'static str,
        /// The version found.
        found: u8,
    },
    /// Its bytes make no sense.
    #[error("record of {what} is damaged: {detail}")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What the decoder said.
        detail: String,
    },
}

/// A value as a versioned record.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    encode_within(value, ROW_BYTES_USUAL)
}

/// The same with room for a row that is usually shorter or longer than most.
pub(crate) fn encode_within<T: Serialize>(value: &T, room: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(room);
    bytes.push(RECORD_VERSION);
    append(value, bytes)
}

/// Room that holds most rows: one that is longer grows.
const ROW_BYTES_USUAL: usize = 512;

/// Bytes that a value is appended to. Unlike the codec's own sink of this kind it copies texts as a
/// whole.
struct Appended(Vec<u8>);

impl Flavor for Appended {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The value behind what is there already.
fn append<T: Serialize>(value: &T, bytes: Vec<u8>) -> Vec<u8> {
    // Into memory, of types whose serialisation cannot fail.
    postcard::serialize_with_flavor(value, Appended(bytes))
        .expect("encoding into memory cannot fail")
}

/// A versioned record as a value.
pub fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    let rest = versioned(what, bytes)?;
    postcard::from_bytes(rest)
        .map_err(|error| DecodeError::Damaged { what, detail: error.to_string() })
}

/// What follows the version, if that is one that this build reads.
fn versioned<'a>(what: &'static str, bytes: &'a [u8]) -> Result<&'a [u8], DecodeError> {
    match bytes.split_first() {
        None => Err(DecodeError::Empty { what }),
        Some((&RECORD_VERSION, rest)) => Ok(rest),
        Some((&found, _)) if found < RECORD_VERSION => Err(DecodeError::Older { what, found }),
        Some((&found, _)) => Err(DecodeError::Newer { what, found }),
    }
}

/// Bytes in front of a customer's record that can be read without decoding it: version, due
/// instant (i64, little endian), flags.
const CUSTOMER_HEADER_BYTES: usize = 10;
/// Flag: messages of this customer wait for a connection slot.
const FLAG_PLANNED: u8 = 1;

/// What a restart reads of a customer's record without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerHeader {
    /// When its timer is due; [`Instant::MAX`] for never.
    pub due_at: Instant,
    /// Whether messages of it wait for a connection slot.
    pub planned: bool,
}

/// A customer's record.
pub fn encode_customer(customer: &Customer, planned: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ROW_BYTES_USUAL);
    bytes.push(RECORD_VERSION);
    bytes.extend_from_slice(&customer.due_at.0.to_le_bytes());
    bytes.push(if planned { FLAG_PLANNED } else { 0 });
    append(customer, bytes)
}

/// Reads only the header of a customer's record.
pub fn decode_customer_header(bytes: &[u8]) -> Result<CustomerHeader, DecodeError> {
    let what = "customer";
    versioned(what, bytes)?;
    let damaged = || DecodeError::Damaged { what, detail: "it is too short".to_owned() };
    let due = bytes.get(1..9).and_then(|due| due.try_into().ok()).ok_or_else(damaged)?;
    let flags = *bytes.get(9).ok_or_else(damaged)?;
    let due_at = Instant(i64::from_le_bytes(due));
    Ok(CustomerHeader { due_at, planned: flags & FLAG_PLANNED != 0 })
}

/// The customer of a record, checked against the key that it was loaded by: two ids with the same
/// 128-bit hash would share a row, and mixing two people up must never pass in silence.
pub fn decode_customer(key: CustomerKey, bytes: &[u8]) -> Result<Customer, DecodeError> {
    decode_customer_header(bytes)?;
    let customer: Customer = postcard::from_bytes(&bytes[CUSTOMER_HEADER_BYTES..])
        .map_err(|error| DecodeError::Damaged { what: "customer", detail: error.to_string() })?;
    if customer.key() != key {
        let detail = "the record belongs to another customer".to_owned();
        return Err(DecodeError::Damaged { what: "customer", detail });
    }
    Ok(customer)
}

/// Key of a customer's record.
pub fn customer_key(partition: u16, customer: CustomerKey) -> Vec<u8> {
    let mut key = Vec::with_capacity(18);
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&customer.0);
    key
}

/// The customer of a key that [`customer_key`] made.
pub fn key_of(key: &[u8]) -> Option<CustomerKey> {
    key.get(2..18).and_then(|key| key.try_into().ok()).map(CustomerKey)
}

/// Key of a history row.
pub fn history_key(partition: u16, seq: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(10);
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&seq.to_be_bytes());
    key
}

/// The sequence of a key that [`history_key`] made.
pub fn seq_of(key: &[u8]) -> Option<u64> {
    key.get(2..10).and_then(|seq| seq.try_into().ok()).map(u64::from_be_bytes)
}

/// Reads only the beginning of a history row: the sequence of its customer's row before, and when
/// it was.
pub fn decode_history_head(bytes: &[u8]) -> Result<(u64, Instant), DecodeError> {
    let what = "history row";
    postcard::take_from_bytes(versioned(what, bytes)?)
        .map(|(head, _)| head)
        .map_err(|error| DecodeError::Damaged { what, detail: error.to_string() })
}

/// Prefix of the keys of customers, or of sends, by the first half of a customer's key.
pub fn head_prefix(partition: u16, head: KeyHead) -> Vec<u8> {
    let mut key = Vec::with_capacity(10);
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&head.0.to_be_bytes());
    key
}

/// Prefix of a customer's ledger rows, which lie in the order of their counted instants.
pub fn sends_prefix(partition: u16, customer: CustomerKey) -> Vec<u8> {
    customer_key(partition, customer)
}

/// Key of a ledger row.
pub fn send_key(
    partition: u16,
    customer: CustomerKey,
    counted_at: Instant,
    send: SendId,
) -> Vec<u8> {
    let mut key = Vec::with_capacity(42);
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&customer.0);
    // Flipping the sign bit makes the order of bytes the order of instants.
    key.extend_from_slice(&((counted_at.0 as u64) ^ (1 << 63)).to_be_bytes());
    key.extend_from_slice(&send.0.to_be_bytes());
    key
}

/// Prefix of a customer's spilled dedupe rows.
pub fn spill_prefix(partition: u16, customer: CustomerKey) -> Vec<u8> {
    let mut key = Vec::with_capacity(23);
    key.push(b'D');
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&customer.0);
    key
}

/// Key of a spilled dedupe row.
pub fn spill_key(partition: u16, customer: CustomerKey, number: u32) -> Vec<u8> {
    let mut key = spill_prefix(partition, customer);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Key of how far a partition's walks over its customers have come.
pub fn walks_key(partition: u16) -> Vec<u8> {
    let mut key = vec![b'W'];
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

/// Prefix of a partition's open merge parcels.
pub fn parcels_prefix(partition: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(19);
    key.push(b'M');
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

/// Key of the parcel of a customer that was merged into another one.
pub fn parcel_key(partition: u16, source: CustomerKey) -> Vec<u8> {
    let mut key = parcels_prefix(partition);
    key.extend_from_slice(&source.0);
    key
}

/// Prefix of the members of an audience, by the number of its name, in one partition.
pub fn members_prefix(partition: u16, audience: NameId) -> Vec<u8> {
    let mut key = Vec::with_capacity(21);
    key.push(b'R');
    key.extend_from_slice(&partition.to_be_bytes());
    key.extend_from_slice(&audience.0.to_be_bytes());
    key
}

/// Key of a member of an audience.
pub fn member_key(partition: u16, audience: NameId, customer: CustomerKey) -> Vec<u8> {
    let mut key = members_prefix(partition, audience);
    key.extend_from_slice(&customer.0);
    key
}

/// Key of a partition's snapshot of open sends and counts.
pub fn snapshot_key(partition: u16) -> Vec<u8> {
    let mut key = vec![b'S'];
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_told_apart_and_refused() {
        let what = "number";
        assert_eq!(decode::<u8>(what, &encode(&7_u8)), Ok(7));
        assert_eq!(decode::<u8>(what, &[]), Err(DecodeError::Empty { what }));
        assert_eq!(decode::<u8>(what, &[1, 7]), Err(DecodeError::Older { what, found: 1 }));
        let newer = RECORD_VERSION + 1;
        assert_eq!(decode::<u8>(what, &[newer, 7]), Err(DecodeError::Newer { what, found: newer }));
        let header = decode_customer_header(&[1; CUSTOMER_HEADER_BYTES]);
        assert_eq!(header, Err(DecodeError::Older { what: "customer", found: 1 }));
    }

    #[test]
    fn hashes_of_a_wrong_length_are_an_error() {
        for length in [0_u8, 15, 17] {
            let bytes: Vec<u8> = std::iter::once(length).chain(0..length).collect();
            assert!(postcard::from_bytes::<SendId>(&bytes).is_err(), "{length}");
        }
        let id = SendId(u128::MAX - 7);
        let bytes = postcard::to_stdvec(&id).expect("it is written");
        assert_eq!(postcard::from_bytes(&bytes), Ok(id));
    }

    #[test]
    fn remembered_messages_are_read_as_they_were_written() {
        use domain::customer::SpilledBlock;
        for count in [0, 1, 16, 17, 40] {
            let hashes = (0..count).map(|at| (u64::MAX - at, at as u32)).collect();
            let block = SpilledBlock { number: 3, hashes };
            assert_eq!(decode("block", &encode(&block)), Ok(block));
        }
        for length in [11_u8, 13] {
            let bytes: Vec<u8> = [RECORD_VERSION, 3, length].into_iter().chain(0..length).collect();
            assert!(decode::<SpilledBlock>("block", &bytes).is_err(), "{length}");
        }
    }
}
