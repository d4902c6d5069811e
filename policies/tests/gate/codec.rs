//! The bytes of a ledger row.

use cadencia_policies::{CountState, Counts, LEDGER_ROW_BYTES, LedgerRow, LedgerRowError, Marks};
use domain::ids::{NameId, SendId};
use domain::time::Instant;
use proptest::prelude::*;

fn row() -> impl Strategy<Value = LedgerRow> {
    let names = any::<[u16; 5]>();
    let state = prop::sample::select(CountState::ALL.to_vec());
    (any::<u128>(), any::<i64>(), any::<i64>(), any::<u32>(), names, state, any::<[bool; 2]>())
        .prop_map(|(send, at, cost_micros, policy, names, state, [counts, shadow])| {
            let [channel, class, topic, campaign, labels] = names.map(NameId);
            let (send, counted_at) = (SendId(send), Instant(at));
            LedgerRow {
                send,
                counted_at,
                cost_micros,
                policy,
                channel,
                class,
                topic,
                campaign,
                labels,
                state,
                marks: Marks::new(counts, shadow),
            }
        })
}

#[test]
fn a_row_is_small() {
    assert!(size_of::<LedgerRow>() <= 48 && LEDGER_ROW_BYTES <= 64);
}

fn one_row() -> LedgerRow {
    LedgerRow {
        send: SendId(0x0f),
        counted_at: Instant(1),
        cost_micros: 2,
        policy: 3,
        channel: NameId(4),
        class: NameId(5),
        topic: NameId(6),
        campaign: NameId(7),
        labels: NameId(8),
        state: CountState::Unknown,
        marks: Marks::new(true, false),
    }
}

/// The layout is on disk: it must never change under its version.
#[test]
fn the_layout_is_fixed() {
    let mut expected = vec![2, 6, 2, 0x0f];
    expected.extend([0; 15]);
    expected.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    expected.extend([4, 0, 5, 0, 6, 0, 7, 0, 8, 0]);
    assert_eq!(one_row().encode().to_vec(), expected);
}

/// Rows of the layout before stay readable, alone and in front of what a send was.
#[test]
fn rows_from_before_labels_are_read() {
    let mut old = one_row().encode().to_vec();
    old[0] = 1;
    old.truncate(47);
    let expected = LedgerRow { labels: NameId::NONE, ..one_row() };
    assert_eq!(LedgerRow::decode(&old), Ok(expected));
    old.extend([4, 4, 4]);
    assert_eq!(LedgerRow::decode_front(&old), Ok((expected, &[4, 4, 4][..])));
    assert_eq!(LedgerRow::decode(&old), Err(LedgerRowError::Damaged("wrong length")));
    let new = [&one_row().encode()[..], &[9]].concat();
    assert_eq!(LedgerRow::decode_front(&new), Ok((one_row(), &[9][..])));
}

#[test]
fn damage_is_told_from_a_newer_release() {
    let whole = [2; LEDGER_ROW_BYTES];
    assert_eq!(LedgerRow::decode(&[]), Err(LedgerRowError::Damaged("no layout")));
    assert_eq!(LedgerRow::decode(&[0; 47]), Err(LedgerRowError::Damaged("no layout")));
    assert_eq!(LedgerRow::decode(&[9, 1]), Err(LedgerRowError::Newer(9)));
    assert_eq!(LedgerRow::decode(&whole[1..]), Err(LedgerRowError::Damaged("wrong length")));
    let (mut state, mut flag) = (whole, whole);
    state[1] = 7;
    flag[2] = 4;
    assert_eq!(LedgerRow::decode(&state), Err(LedgerRowError::Damaged("unknown state")));
    assert_eq!(LedgerRow::decode(&flag), Err(LedgerRowError::Damaged("unknown flag")));
}

#[test]
fn what_gave_back_its_place_never_takes_it_again() {
    for from in CountState::ALL {
        for to in CountState::ALL.into_iter().filter(|to| from.may_become(*to)) {
            for counts in [Counts::Reserved, Counts::Accepted, Counts::Delivered] {
                assert!(counts.counts(from) || !counts.counts(to), "{from:?} to {to:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn rows_survive_their_bytes(row in row()) {
        prop_assert_eq!(LedgerRow::decode(&row.encode()), Ok(row));
    }

    #[test]
    fn any_bytes_are_a_row_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(row) = LedgerRow::decode(&bytes) {
            let again = row.encode();
            // An older layout is the same but for its first byte and what it does not have.
            prop_assert_eq!(&again[1..bytes.len()], &bytes[1..]);
        }
    }
}
