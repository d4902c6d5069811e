//! Names and identifiers. Each is its own type, so that one cannot stand in for another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash;
use crate::value::Text;

/// Longest customer id, in bytes. Longer ids are refused at the edge: the id stands in every
/// record of the customer.
pub const CUSTOMER_ID_MAX_BYTES: usize = 256;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Text::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Text::from(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A customer: `userId`, else `anon:` + `anonymousId` (semantics 5).
    CustomerId
);
name!(
    /// Name of a journey, unique in a catalog.
    JourneyName
);
name!(
    /// Name of a campaign (the business wrapper of journeys).
    CampaignName
);
name!(
    /// Name of a segment.
    SegmentName
);
name!(
    /// Id of a step within a journey version: declared, or derived from its place.
    StepId
);
name!(
    /// Name of a template.
    TemplateName
);
name!(
    /// Name of a configured channel (`email`, `sms`, ...).
    ChannelName
);
name!(
    /// Message class: `marketing`, `transactional`, or one that the policy declares.
    ClassName
);
name!(
    /// Topic of consent (`carts`, `newsletter`, ...).
    Topic
);
name!(
    /// Name of an event (`Order Completed`).
    EventName
);
name!(
    /// Name of a rule in a contact policy.
    RuleName
);

impl CustomerId {
    /// The id of a visitor without `userId`.
    pub fn anonymous(anonymous_id: &str) -> Self {
        Self::from(format!("anon:{anonymous_id}"))
    }

    /// The 128-bit key under which this customer's rows are stored.
    pub fn key(&self) -> CustomerKey {
        CustomerKey(hash::customer_key(&self.0))
    }
}

/// The 128-bit hash of a customer id: the key of its rows and of its timers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomerKey(pub [u8; 16]);

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl CustomerKey {
    /// The partition that owns this customer, of `partitions` in all.
    pub fn partition(self, partitions: u16) -> u16 {
        self.head().partition(partitions)
    }

    /// Its first half.
    pub fn head(self) -> KeyHead {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        KeyHead(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// The first half of a customer's key. The ids of its enrollments and sends begin with it, so that
/// their rows are found by the id alone, without an index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct KeyHead(pub u64);

impl KeyHead {
    /// The partition that owns the customer, of `partitions` in all.
    pub fn partition(self, partitions: u16) -> u16 {
        ((u128::from(self.0) * u128::from(partitions)) >> 64) as u16
    }

    /// An id that begins with it. The other half is a hash: among the ids of one customer 64 bits
    /// are enough.
    fn id(self, hash: u128) -> u128 {
        (u128::from(self.0) << 64) | u128::from(hash as u64)
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "hashed")] pub u128);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl $name {
            /// What the key of its customer begins with: of the one that it was made for, who may
            /// have been merged into another one since.
            pub fn head(self) -> KeyHead {
                KeyHead((self.0 >> 64) as u64)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                u128::from_str_radix(text, 16).map(Self)
            }
        }
    };
}

/// A hash in records: its 16 bytes as they are. As a number it would be longer and slower, since
/// every bit of it is as likely as the other.
mod hashed {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&id.to_le_bytes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<u128, D::Error> {
        reader.deserialize_bytes(Hash)
    }

    struct Hash;

    impl Visitor<'_> for Hash {
        type Value = u128;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("16 bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<u128, E> {
            let wrong = |_| E::invalid_length(bytes.len(), &self);
            bytes.try_into().map(u128::from_le_bytes).map_err(wrong)
        }
    }
}

hex_id!(
    /// One customer in one journey version. Re-entry makes a new one.
    EnrollmentId
);
hex_id!(
    /// Our decision to contact one customer once on one channel. Derived, so that a repeat of the
    /// same decision has the same id: Message-ID local part, idempotency key, webhook id.
    SendId
);

impl EnrollmentId {
    /// Derived from customer, journey, entry key and the ordinal of this entry.
    pub fn derive(customer: CustomerKey, journey: &JourneyName, key: &str, entry: u64) -> Self {
        let hash = hash::parts(&[
            &customer.0,
            journey.as_str().as_bytes(),
            key.as_bytes(),
            &entry.to_le_bytes(),
        ]);
        Self(customer.head().id(hash))
    }
}

impl SendId {
    /// Derived from (enrollment, step, visit), DESIGN "Sending".
    pub fn derive(enrollment: EnrollmentId, step: &StepId, visit: u32) -> Self {
        let hash = hash::parts(&[
            &enrollment.0.to_le_bytes(),
            step.as_str().as_bytes(),
            &visit.to_le_bytes(),
        ]);
        Self(enrollment.head().id(hash))
    }

    /// The send that repeats this one on an operator's word (semantics 31): there is one at most.
    pub fn redrive(self) -> Self {
        Self(self.head().id(hash::parts(&[b"redrive", &self.0.to_le_bytes()])))
    }
}

/// Number of a published journey version: assigned at `apply`, never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNo(pub u32);

/// Number of a channel, class, topic or campaign name in the catalog's dictionary. Assigned at
/// `apply`, never reused: what a ledger row keeps instead of the text.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NameId(pub u16);

impl NameId {
    /// Stands for "none": no topic, no campaign.
    pub const NONE: Self = Self(0);
}
