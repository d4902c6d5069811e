//! Cursors: where the next page of a list begins. Opaque to whoever gets one; good only for the
//! list and the filters that it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admin::Refusal;
use crate::error::{ErrorCode, Problem};

/// Bytes of the check in front of a place.
const CHECK_BYTES: usize = 8;
/// Longest cursor that is looked at.
const CURSOR_BYTES_MAX: usize = 2_048;

/// A list with its filters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List(u64);

impl List {
    /// Of a name and of what was asked for.
    pub(crate) fn new(name: &str, filter: &impl Serialize) -> Self {
        let filter = codec::encode(filter);
        Self(domain::hash::parts(&[name.as_bytes(), &filter]) as u64)
    }

    fn check(self, place: &[u8]) -> [u8; CHECK_BYTES] {
        (domain::hash::parts(&[&self.0.to_le_bytes(), place]) as u64).to_le_bytes()
    }

    /// The cursor of a place.
    pub(crate) fn cursor(self, place: &impl Serialize) -> String {
        let place = codec::encode(place);
        URL_SAFE_NO_PAD.encode([&self.check(&place)[..], &place].concat())
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// If it is none of this list.
    pub(crate) fn place<T: DeserializeOwned>(
        self,
        cursor: Option<&str>,
    ) -> Result<Option<T>, Refusal> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let read = || {
            if cursor.len() > CURSOR_BYTES_MAX {
                return None;
            }
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (check, place) = bytes.split_first_chunk::<CHECK_BYTES>()?;
            (*check == self.check(place)).then(|| codec::decode("cursor", place).ok()).flatten()
        };
        let refused = || Box::new(Problem::new(ErrorCode::BadCursor, "`cursor`"));
        read().map(Some).ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_list_only() {
        let list = List::new("sends", &("a", 1));
        let cursor = list.cursor(&7_u64);
        assert_eq!(list.place::<u64>(Some(&cursor)).expect("it is its own"), Some(7));
        assert_eq!(list.place::<u64>(None).expect("none is none"), None);
        let others = [List::new("sends", &("a", 2)), List::new("customers", &("a", 1))];
        for other in others {
            assert!(other.place::<u64>(Some(&cursor)).is_err());
        }
        let mut changed = cursor.clone().into_bytes();
        for at in 0..changed.len() {
            let was = changed[at];
            changed[at] = if was == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(changed.clone()).expect("letters");
            assert_ne!(list.place::<u64>(Some(&text)).ok(), Some(Some(7)), "{text}");
            changed[at] = was;
        }
        for bad in ["", "x", "????", &"A".repeat(CURSOR_BYTES_MAX + 1)] {
            assert!(list.place::<u64>(Some(bad)).is_err(), "{bad}");
        }
    }
}
