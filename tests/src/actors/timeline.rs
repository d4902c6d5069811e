//! Timelines and lists of sends of customers with much behind them.

use cadencia::access::mask::Mask;
use cadencia::sends::{self, Filter, SCAN_COST_MAX, Sight};
use cadencia::timeline::{self, TIMELINE_ROWS_MAX, Timeline};
use domain::ids::{CustomerId, EnrollmentId, NameId, SendId, VersionNo};
use domain::journey::steps::Kind;
use domain::time::Instant;
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::{SendInfo, SendRow};
use engine::{Table, codec};
use policies::{CountState, LedgerRow, Marks};
use serde_json::json;

use super::process::{PARTITIONS, Process, partition};
use crate::engine::given::Given;

fn read(process: &Process, id: &str, rows: usize) -> Timeline {
    let found = timeline::read(&process.app.store, PARTITIONS, &id.into(), rows, &Mask::nothing());
    found.expect("reads").expect("she is known")
}

fn row(number: u32, at: Instant) -> SendRow {
    SendRow {
        ledger: LedgerRow {
            send: SendId(u128::from(number)),
            counted_at: at,
            cost_micros: 0,
            policy: 1,
            channel: NameId::NONE,
            class: NameId::NONE,
            topic: NameId::NONE,
            campaign: NameId::NONE,
            state: CountState::Accepted,
            labels: NameId::NONE,
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
            settled_at: at,
            open: None,
            kept: None,
        },
    }
}

#[tokio::test]
async fn the_newest_sends_are_shown_and_it_is_said_that_there_are_older_ones() {
    let process = Process::start(Given::new().catalog());
    process.known("ann").await;
    let key = CustomerId::from("ann").key();
    let count = TIMELINE_ROWS_MAX as u32 + 2;
    let rows = (1..=count).map(|number| {
        let at = process.now().plus_ms(i64::from(number) * 1_000);
        let place = codec::send_key(partition("ann"), key, at, SendId(u128::from(number)));
        (place, row(number, at).encode())
    });
    process.put_all("ann", Table::Sends, rows.collect()).await;
    let timeline = read(&process, "ann", TIMELINE_ROWS_MAX);
    let sends: Vec<&str> =
        timeline.entries.iter().filter_map(|entry| entry.send.as_deref()).collect();
    assert_eq!(sends.len(), TIMELINE_ROWS_MAX);
    assert_eq!(sends[0], SendId(u128::from(count)).to_string(), "the newest one first");
    assert!(timeline.more, "two are older");
    process.stop().await;
}

#[tokio::test]
async fn all_histories_of_a_customer_share_one_limit() {
    let process = Process::start(Given::new().catalog());
    let mut names = Vec::new();
    for round in 0..4 {
        for id in ["anon:v1", "ann"] {
            names.push(format!("Seen {round} {id}"));
            let event = process.track(id, names.last().expect("one"), &format!("m{round}"));
            assert!(process.take_in(vec![event]).await);
            process.time.advance_to(process.now().plus_ms(1_000).0);
        }
    }
    let merged = process.app.directory.alias("v1".into(), "ann".into(), process.now());
    assert!(merged.expect("room").await.is_ok());
    let shown = |rows: usize| {
        let timeline = read(&process, "ann", rows);
        let texts = timeline.entries.into_iter().filter(|entry| entry.kind == "event");
        (texts.map(|entry| entry.text).collect::<Vec<_>>(), timeline.more)
    };
    let newest: Vec<String> = names.into_iter().rev().collect();
    let (all, more) = shown(100);
    assert_eq!((all.as_slice(), more), (newest.as_slice(), false));
    // Some rows tell of the merge.
    let (some, more) = shown(5);
    assert!(more && (2..=5).contains(&some.len()), "{some:?}");
    assert_eq!(some, newest[..some.len()], "the newest of both");
    process.stop().await;
}

/// History rows that are written at once.
const ROWS_AT_ONCE: usize = 2_000;

#[tokio::test]
async fn the_way_back_to_old_sends_of_a_customer_is_gone_in_pages() {
    let send = json!({"channels": [{"email": "hello"}], "class": "marketing"});
    let journey = json!({"enter": {"event": "Go"}, "steps": [{"send": send}]});
    let process = Process::start(Given::new().journey("j", journey).catalog());
    // Without consent it is refused.
    assert!(process.take_in(vec![process.track("ann", "Go", "m")]).await);
    let until = process.now().plus_ms(1_000);
    let mut customer = process.customer("ann").expect("she is known");
    let number = partition("ann");
    // More newer turns than a page may read.
    let mut rows = Vec::new();
    for at in 0..SCAN_COST_MAX as u64 + 10 {
        let row = HistoryRow {
            previous: customer.history_head,
            at: until.plus_ms(1_000),
            items: vec![HistoryItem::NotCounted],
        };
        let seq = 1_000 + at;
        rows.push((codec::history_key(number, seq), codec::encode(&row)));
        customer.history_head = seq;
    }
    for rows in rows.chunks(ROWS_AT_ONCE) {
        process.put_all("ann", Table::History, rows.to_vec()).await;
    }
    let place = codec::customer_key(number, customer.key());
    let record = codec::encode_customer(&customer, false);
    process.put("ann", Table::Customers, place, record).await;

    let (store, mask) = (&process.app.store, &Mask::nothing());
    let catalog = Given::new().catalog();
    let sight = Sight { store, partitions: PARTITIONS, catalog: &catalog, mask };
    let filter = Filter { customer: Some("ann".into()), until: Some(until), ..Filter::default() };
    let page = |before| sends::list(&sight, &filter, before, 10).expect("reads");
    let first = page(None);
    assert!(first.lines.is_empty(), "{first:?}");
    let second = page(Some(first.next.expect("it goes on")));
    assert_eq!((second.lines.len(), second.next), (1, None));
    assert_eq!(second.lines[0].journey, "j");
    process.stop().await;
}
