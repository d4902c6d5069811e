//! Two ledgers become one, by send id (semantics 28).

use domain::ids::{EnrollmentId, NameId, SendId, VersionNo};
use domain::journey::steps::Kind;
use domain::time::Instant;
use engine::ledger::{SendInfo, SendRow};
use policies::{CountState, LedgerRow, Marks};
use proptest::collection::vec;
use proptest::prelude::*;

use super::two;

/// A send and its counted instant: few of each, so that both meet again and again.
type Row = (u8, i64);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    vec((0..40u8, 0..12i64), 0..30).prop_map(|mut rows| {
        // One customer has a send once, and its rows by their keys.
        rows.sort_by_key(|(send, _)| *send);
        rows.dedup_by_key(|(send, _)| *send);
        rows.sort_by_key(|(send, counted_at)| (*counted_at, *send));
        rows
    })
}

/// `cost` tells whose row it was.
fn row((send, counted_at): Row, cost: i64) -> SendRow {
    SendRow {
        ledger: LedgerRow {
            send: SendId(u128::from(send)),
            counted_at: Instant(counted_at),
            cost_micros: cost,
            policy: 1,
            channel: NameId::NONE,
            class: NameId::NONE,
            topic: NameId::NONE,
            campaign: NameId::NONE,
            labels: NameId::NONE,
            state: CountState::Accepted,
            marks: Marks::new(true, false),
        },
        info: SendInfo {
            journey: "basket".into(),
            version: VersionNo(1),
            node: 0,
            enrollment: EnrollmentId(1),
            kind: Kind::Message,
            channel: "email".into(),
            template: "hello".into(),
            attempts: 1,
            reply: String::new(),
            settled_at: Instant(counted_at),
            open: None,
            kept: None,
        },
    }
}

/// The rule, row by row: what she has stays, each other row goes behind those of its instant.
fn united(own: &[Row], other: &[Row]) -> Vec<LedgerRow> {
    let mut all: Vec<LedgerRow> = own.iter().map(|one| row(*one, 1).ledger).collect();
    for one in other.iter().map(|one| row(*one, 2).ledger) {
        if all.iter().all(|known| known.send != one.send) {
            let at = all.partition_point(|known| known.counted_at <= one.counted_at);
            all.insert(at, one);
        }
    }
    all
}

/// A store may have rows from before messages had labels: ledger part of 47 bytes, the same behind.
#[test]
fn rows_of_the_layout_before_are_read_whole() {
    let row = row((7, 1_000), 5);
    let mut old = row.encode();
    old[0] = 1;
    old.drain(47..49);
    assert_eq!(SendRow::decode(&old).expect("it is read"), row);
    assert_eq!(engine::ledger::decode_ledger(&old).expect("it is read"), row.ledger);
    assert_eq!(row.encode()[0], 2, "and written as it is now");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn ledgers_are_united_by_send_id_in_the_order_of_their_instants(
        own in rows(), other in rows(),
    ) {
        let mut world = two();
        world.put_sends("ana", own.iter().map(|one| row(*one, 1)));
        world.put_sends("anon:v1", other.iter().map(|one| row(*one, 2)));
        world.alias("v1", "ana", 10);
        world.settle();
        let expected = united(&own, &other);
        prop_assert_eq!(world.ledger("ana"), Some(&expected[..]));
        let by_key = |row: &LedgerRow| (row.counted_at, row.send);
        let mut stored: Vec<_> = world.sends("ana").into_iter().map(|row| row.ledger).collect();
        let mut expected = expected;
        expected.sort_by_key(by_key);
        stored.sort_by_key(by_key);
        prop_assert_eq!(stored, expected);
        prop_assert!(world.sends("anon:v1").is_empty());
    }
}
