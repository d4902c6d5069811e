//! Rows that cannot be read: whoever can go on without them does, and says so; the others end.

use cadencia::access::principal::Principal;
use cadencia::actors::load::first_unfit;
use cadencia::admin::Trigger;
use cadencia::error::ErrorCode;
use channels::Outcome;
use domain::event::{Alias, EventBody};
use domain::ids::{CustomerId, SendId};
use domain::suppression::StopReason;
use engine::{Table, codec};
use policies::CountState;
use runtime::Clock;
use serde_json::json;

use super::process::{self, PARTITIONS, Process, living_in, partition};
use super::served::Served;
use crate::engine::given::{Given, denied};
use crate::served::process::eventually;

/// Only a sender that is never answered waits for so long.
const ANSWER_LIMIT_MS: u64 = 30_000;

fn process() -> Process {
    let send = json!({"send": {"channels": [{"email": "hello"}], "class": "marketing",
        "valid_for": "P1D"}});
    let now = json!({"enter": {"event": "Now"}, "steps": [send]});
    Process::start(Given::new().journey("now", now).catalog())
}

#[tokio::test]
async fn an_import_says_whose_record_is_damaged() {
    let process = process();
    for id in ["sound", "damaged"] {
        process.known(id).await;
    }
    process.damage("damaged").await;
    let event = |id: &str| process.track(id, "Seen", "m");
    let both = vec![event("sound").into(), event("damaged").into()];
    let one = vec![event("sound").into()];
    let alias = Alias { previous: "damaged".into(), into: "sound".into(), at: process.now() };
    let folder = process.stop().await;
    let (admin, by) = (process::admin(&folder, None), Principal::server());
    let refused = admin.import(Trigger::None, both, None, &by).await;
    let refused = refused.expect_err("one cannot be read");
    assert!(refused.detail.contains("customer damaged"), "{}", refused.detail);
    let refused = admin.import(Trigger::None, vec![alias.into()], None, &by).await;
    let refused = refused.expect_err("one of them cannot be read");
    assert!(refused.detail.contains("customer damaged"), "{}", refused.detail);
    let taken = admin.import(Trigger::None, one, None, &by).await.expect("the other one can");
    assert_eq!(taken.events, 1);
    admin.app.stop(cadencia::app::DRAIN_LIMIT_MS).await;
}

#[tokio::test]
async fn an_outcome_is_settled_without_its_customer() {
    let mut process = process();
    let ana = living_in(0, "ana");
    process.known(&ana).await;
    assert!(process.take_in(vec![process.track(&ana, "Now", "m")]).await);
    let attempt = process.attempts.recv().await.expect("the message leaves");
    process.until_passive().await;
    process.damage(&ana).await;
    let rejected = Outcome::Rejected {
        code: Some(550),
        enhanced: None,
        reason: "no such mailbox".to_owned(),
        suppress: Some(StopReason::HardBounce),
    };
    assert!(attempt.answer.send(rejected).is_ok());
    process.quiet().await;
    assert_eq!(process.sends(&ana)[0].ledger.state, CountState::Rejected);
    let id = CustomerId::from(&*ana).key();
    let record = process.get(Table::Customers, &codec::customer_key(partition(&ana), id));
    let record = record.expect("a record");
    assert!(codec::decode_customer(id, &record).is_err(), "a turn of hers has overwritten it");
    // The stop on her address is lost, and somebody is told.
    assert_eq!(process.stops_lost(), [1, 0]);
    process.stop().await;
}

/// Her record is sound; what her turn reads of the ledger is not.
#[tokio::test]
async fn whoever_waits_for_a_turn_that_fails_is_answered() {
    let process = process();
    let ana = living_in(0, "ana");
    process.known(&ana).await;
    // Nothing of hers is in memory then.
    let process = process.restart().await;
    let key = CustomerId::from(&*ana).key();
    let row = codec::send_key(partition(&ana), key, process.now(), SendId(1));
    process.put(&ana, Table::Sends, row, vec![codec::RECORD_VERSION, 0xff]).await;
    let real = Clock::system();
    // The first one finds it; the customer is not what is durable then, and takes nothing more.
    for message in ["m1", "m2"] {
        let withdrawn = process.event(&ana, &format!("{message}/no"), EventBody::Consent(denied()));
        let now = process.take_in(vec![process.track(&ana, "Now", message), withdrawn]);
        let taken = real.timeout(ANSWER_LIMIT_MS, now).await.expect("an answer");
        assert!(!taken, "{message} was taken in");
    }
    process.quiet().await;
    assert_eq!(process.stops_lost(), [0, 2]);
    process.stop().await;
}

/// Whoever sends it is told so, instead of sending it again for ever.
#[tokio::test]
async fn a_send_or_a_remembered_message_that_cannot_be_read_is_named() {
    let process = process();
    let ids = ["send", "message", "sound"].map(|id| living_in(0, id));
    for id in &ids {
        process.known(id).await;
    }
    let keys = ids.each_ref().map(|id| CustomerId::from(&**id).key());
    let damaged = || vec![codec::RECORD_VERSION, 0xff];
    let row = codec::send_key(0, keys[0], process.now(), SendId(1));
    process.put(&ids[0], Table::Sends, row, damaged()).await;
    process.put(&ids[1], Table::Meta, codec::spill_key(0, keys[1], 7), damaged()).await;
    let all = ids.each_ref().map(|id| CustomerId::from(&**id));
    for (id, named) in all.iter().zip([true, true, false]) {
        let found = first_unfit(&process.app.store, PARTITIONS, [&all[2], id]);
        let code = found.map(|(found, unfit)| (found.clone(), unfit.code()));
        assert_eq!(code, named.then(|| (id.clone(), ErrorCode::StoreCorrupt)));
    }
    process.stop().await;
}

/// She comes back as soon as her rows do: nobody waits until she has been idle for long enough.
#[tokio::test]
async fn whose_turn_failed_is_loaded_again_at_once() {
    let process = process();
    let ana = living_in(0, "ana");
    process.known(&ana).await;
    let process = process.restart().await;
    let key = CustomerId::from(&*ana).key();
    let row = || codec::send_key(partition(&ana), key, process.now(), SendId(1));
    process.put(&ana, Table::Sends, row(), vec![codec::RECORD_VERSION, 0xff]).await;
    assert!(!process.take_in(vec![process.track(&ana, "Now", "m")]).await);
    process.remove(&ana, Table::Sends, row()).await;
    process.quiet().await;
    let known = process.count(&ana, "Now");
    assert!(process.take_in(vec![process.track(&ana, "Now", "m")]).await, "she is not loaded");
    assert_eq!((known, process.count(&ana, "Now")), (0, 1));
    process.stop().await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_read_ends_the_process() {
    let process = process();
    let ana = living_in(1, "ana");
    // The walker has kept its own by then.
    process.quiet().await;
    process.put(&ana, Table::Meta, codec::walks_key(1), vec![codec::RECORD_VERSION, 0xff]).await;
    let folder = process.stop().await;
    let mut server = Served::start(&folder, &[]);
    let mut status = None;
    eventually("it ends instead of going on without its cursor", async || {
        status = server.child.try_wait().expect("it can be asked");
        status.is_some()
    })
    .await;
    let (status, said) = (status.expect("it has ended"), server.log());
    assert!(!status.success(), "{said}");
    assert!(said.contains("the store is damaged"), "{said}");
}
