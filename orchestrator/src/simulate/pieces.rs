//! Values as the bytes of records, side by side in few large pieces of memory: a simulation has
//! millions of events and sends, and needs each of them once. It must never know what they mean.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Size of a piece: nothing is moved when there are more of them, and the end of the last one is
/// no waste. A longer value has a piece of its own.
const PIECE_BYTES: usize = 1 << 20;

/// What a damaged value is called; nobody ever reads it.
const WHAT: &str = "value";

/// Values that are read by their places.
#[derive(Debug, Default)]
pub(super) struct Pieces(Vec<Vec<u8>>);

/// Where a value lies. Later values have greater places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    piece: u32,
    offset: u32,
}

impl Pieces {
    /// Keeps a value.
    pub(super) fn keep<T: Serialize>(&mut self, value: &T) -> Place {
        let bytes = engine::codec::encode(value);
        let room = self.0.last().map_or(0, |piece| piece.capacity() - piece.len());
        if room < bytes.len() {
            self.0.push(Vec::with_capacity(bytes.len().max(PIECE_BYTES)));
        }
        let at = self.0.len() - 1;
        let place = Place { piece: number(at), offset: number(self.0[at].len()) };
        self.0[at].extend_from_slice(&bytes);
        place
    }

    /// The value of a place, which must be of the type that was kept there.
    pub(super) fn open<T: DeserializeOwned>(&self, place: Place) -> T {
        // It ends by itself: what follows in the piece is not read.
        let bytes = &self.0[place.piece as usize][place.offset as usize..];
        engine::codec::decode(WHAT, bytes).expect("this very process wrote it")
    }

    /// Takes in other pieces. Gives by how much their places move.
    pub(super) fn append(&mut self, mut other: Self) -> u32 {
        let by = number(self.0.len());
        self.0.append(&mut other.0);
        by
    }
}

impl Place {
    /// The place after its pieces were taken in by others.
    pub(super) fn moved(self, by: u32) -> Self {
        Self { piece: self.piece + by, ..self }
    }
}

/// The number of a thing, of which there are fewer in memory than 32 bits count.
pub(super) fn number(at: usize) -> u32 {
    u32::try_from(at).expect("memory ends before these numbers do")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_any_length_are_read_where_they_were_kept() {
        let texts = [1, 700_000, 700_000, 3_000_000, 2].map(|length| "x".repeat(length));
        let (mut one, mut other) = (Pieces::default(), Pieces::default());
        let first: Vec<Place> = texts.iter().map(|text| one.keep(text)).collect();
        assert!(first.is_sorted_by(|place, next| place < next));
        let second: Vec<Place> = texts.iter().rev().map(|text| other.keep(text)).collect();
        let by = one.append(other);
        let moved = second.into_iter().map(|place| place.moved(by));
        let read: Vec<String> = first.into_iter().chain(moved).map(|at| one.open(at)).collect();
        assert!(read.iter().eq(texts.iter().chain(texts.iter().rev())));
    }
}
