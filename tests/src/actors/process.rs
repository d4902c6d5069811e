//! One process inside the test: two partitions on two arbiters, a clock that the test moves, and a
//! channel whose answers the test gives.

use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, mpsc as blocking};

use cadencia::actors::PartitionMsg;
use cadencia::actors::core::Ack;
use cadencia::actors::ingest::Partition as Doors;
use cadencia::admin::{Admin, Workshop};
use cadencia::app::{self, App, AppSettings, ChannelParts, DRAIN_LIMIT_MS, Opened, StartError};
use cadencia::rows;
use cadencia::telemetry::metrics::Metrics;
use channels::email::message::Email;
use channels::http::Egress;
use channels::unsubscribe::Keys;
use channels::{Channel, Content, Message, Outcome, Recipient};
use domain::customer::Customer;
use domain::event::{Event, EventBody};
use domain::ids::{ChannelName, CustomerId, EventName, SendId};
use domain::time::Instant;
use engine::ledger::SendRow;
use engine::{Catalog, Table, codec};
use runtime::credits::Credit;
use runtime::{Clock, Lane, SimulatedClock};
use serde_json::json;
use store::{Limit, OpenError, Range, Read};
use tokio::sync::{mpsc, oneshot};

use crate::engine::given;
use crate::served::process::eventually;

pub(super) const PARTITIONS: u16 = 2;
/// Most customers that are active at once, in all partitions together.
pub(super) const ACTIVE_MAX: u16 = 32;
const START: &str = "2026-03-02T09:00:00Z";

/// An attempt that waits for its answer.
pub(super) struct Attempted {
    pub(super) send: SendId,
    pub(super) answer: oneshot::Sender<Outcome>,
}

impl Attempted {
    pub(super) fn accept(self) {
        let answered = self.answer.send(Outcome::Accepted { reply: "250 ok".to_owned(), parts: 1 });
        assert!(answered.is_ok(), "nobody waits for the outcome of {}", self.send);
    }
}

/// A provider with one connection.
#[derive(Debug)]
struct Asking(mpsc::UnboundedSender<Attempted>);

impl Channel for Asking {
    fn name(&self) -> &'static str {
        "asking"
    }

    fn slots(&self) -> usize {
        1
    }

    fn attempt(
        &self,
        attempt: channels::Attempt,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>> {
        let (answer, told) = oneshot::channel();
        let asked = self.0.send(Attempted { send: attempt.send, answer });
        assert!(asked.is_ok(), "the test has ended");
        Box::pin(async move { told.await.expect("the test answers") })
    }
}

/// The process.
pub(super) struct Process {
    folder: tempfile::TempDir,
    catalog: Arc<Catalog>,
    channels: HashMap<ChannelName, ChannelParts>,
    pub(super) time: SimulatedClock,
    pub(super) app: App,
    pub(super) attempts: mpsc::UnboundedReceiver<Attempted>,
}

/// A mailbox whose partition handles nothing until this is dropped.
pub(super) struct Blocked(#[expect(dead_code, reason = "its end unblocks")] blocking::Sender<()>);

impl Process {
    pub(super) fn start(catalog: Arc<Catalog>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let time = SimulatedClock::new(Instant::parse(START).expect("an instant").0);
        Self::over(folder, catalog, time)
    }

    fn over(folder: tempfile::TempDir, catalog: Arc<Catalog>, time: SimulatedClock) -> Self {
        let opened = open(&folder, &time.clock());
        let (asked, attempts) = mpsc::unbounded_channel();
        let parts = ChannelParts {
            channel: Arc::new(Asking(asked)),
            render: Arc::new(|attempt| Ok(message(&attempt.address))),
        };
        let channels = HashMap::from([("email".into(), parts)]);
        let app = App::start(opened, &catalog, &channels).expect("it starts");
        Self { folder, catalog, channels, time, app, attempts }
    }

    /// Ends it in order.
    pub(super) async fn stop(self) -> tempfile::TempDir {
        self.app.stop(DRAIN_LIMIT_MS).await;
        self.folder
    }

    /// Ends it in order, and starts it again over what it left.
    pub(super) async fn restart(self) -> Self {
        let (catalog, time) = (self.catalog.clone(), self.time.clone());
        Self::over(self.stop().await, catalog, time)
    }

    /// Publishes something else.
    pub(super) async fn publish(&mut self, catalog: Arc<Catalog>) {
        self.app.publish(&catalog, &self.channels).await;
        self.catalog = catalog;
    }

    /// Until those who did something before are not active any more.
    pub(super) async fn until_passive(&self) {
        let others: Vec<_> =
            (0..100).map(|at| self.track(&format!("other{at}"), "Seen", "m")).collect();
        assert!(self.take_in(others).await);
        eventually("the longest idle ones are passive", async || {
            self.app.metrics.active_customers.get() <= i64::from(ACTIVE_MAX)
        })
        .await;
    }

    pub(super) fn doors(&self, id: &str) -> &Doors {
        self.app.directory.partition(CustomerId::from(id).key())
    }

    pub(super) fn now(&self) -> Instant {
        Instant(self.app.clock.now_ms())
    }

    pub(super) fn event(&self, id: &str, message: &str, body: EventBody) -> Event {
        let now = self.now();
        Event {
            customer: id.into(),
            message_id: message.to_owned(),
            occurred_at: now,
            received_at: now,
            body,
        }
    }

    pub(super) fn track(&self, id: &str, name: &str, message: &str) -> Event {
        let name = EventName::from(name);
        self.event(id, message, EventBody::Track { name, properties: Default::default() })
    }

    /// Takes events in and waits until they are durable. False if some were refused on the way.
    pub(super) async fn take_in(&self, events: Vec<Event>) -> bool {
        let answer = self.app.directory.ingest(events, Lane::Live).expect("room");
        answer.await.is_ok()
    }

    /// Address and consent.
    pub(super) async fn known(&self, id: &str) {
        let traits = given::map(&json!({"email": format!("{id}@example.com")}));
        let identify = self.event(id, "identify", EventBody::Identify { traits });
        let consent = self.event(id, "consent", EventBody::Consent(given::granted()));
        assert!(self.take_in(vec![identify, consent]).await);
    }

    /// Writes a row of the partition of a customer, and waits until it is durable.
    pub(super) async fn put(&self, id: &str, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.put_all(id, table, vec![(key, value)]).await;
    }

    /// Writes many rows at once.
    pub(super) async fn put_all(&self, id: &str, table: Table, rows: Vec<(Vec<u8>, Vec<u8>)>) {
        let write = |(key, value)| engine::Write { table, key, value: Some(value) };
        self.write(id, rows.into_iter().map(write).collect()).await;
    }

    /// Removes a row.
    pub(super) async fn remove(&self, id: &str, table: Table, key: Vec<u8>) {
        self.write(id, vec![engine::Write { table, key, value: None }]).await;
    }

    async fn write(&self, id: &str, writes: Vec<engine::Write>) {
        let (asker, answer) = runtime::reply::reply();
        let message = PartitionMsg::Put(writes, Ack::new(1, asker));
        self.doors(id).control.tell(message, 1).expect("room");
        answer.await.expect("durable");
    }

    /// Damages her record: what a start reads of it stays sound, the rest does not.
    pub(super) async fn damage(&self, id: &str) {
        let key = codec::customer_key(partition(id), CustomerId::from(id).key());
        let mut record = self.get(Table::Customers, &key).expect("a record");
        let body = record.len() / 2;
        record[body..].fill(0xff);
        self.put(id, Table::Customers, key, record).await;
    }

    /// Stops that were lost: bounces, and withdrawals of consent.
    pub(super) fn stops_lost(&self) -> [u64; 2] {
        stops_lost(&self.app)
    }

    /// Everything that was taken in is durable, and nothing is under way.
    pub(super) async fn quiet(&self) {
        for partition in self.app.directory.all() {
            let asked = partition.control.ask(1, PartitionMsg::Quiet);
            asked.await.expect("an answer");
        }
    }

    /// Keeps the arbiter of a customer's partition from doing anything.
    pub(super) fn block(&self, id: &str) -> Blocked {
        block(self.doors(id))
    }

    pub(super) fn get(&self, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        self.app.store.get(rows::table(table), key).expect("reads")
    }

    pub(super) fn customer(&self, id: &str) -> Option<Customer> {
        let key = CustomerId::from(id).key();
        let record = self.get(Table::Customers, &codec::customer_key(partition(id), key))?;
        Some(codec::decode_customer(key, &record).expect("a sound record"))
    }

    pub(super) fn count(&self, id: &str, name: &str) -> u64 {
        let counters = self.customer(id).map(|customer| customer.counters).unwrap_or_default();
        counters.get(&EventName::from(name)).map_or(0, |counter| counter.count)
    }

    pub(super) fn sends(&self, id: &str) -> Vec<SendRow> {
        let prefix = codec::sends_prefix(partition(id), CustomerId::from(id).key());
        let page = self.rows(rows::table(Table::Sends), Range::prefix(prefix));
        page.iter().map(|(_, row)| SendRow::decode(row).expect("a sound row")).collect()
    }

    pub(super) fn rows(&self, table: store::Table, range: Range) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.app.store.scan(table, &range, Limit::rows(100_000)).expect("reads").rows
    }
}

/// Keeps the arbiter of a partition from doing anything. It has stopped when this returns.
pub(super) fn block(doors: &Doors) -> Blocked {
    let (blocked, until) = blocking::channel::<()>();
    let (stops, stopped) = blocking::channel();
    let wait = move |_: &engine::Partition| {
        // Nobody may wait for it any more.
        let _ = stops.send(());
        // The end of the sender is what is waited for.
        let _ = until.recv();
    };
    let message = PartitionMsg::Query(Box::new(wait));
    doors.control.tell(message, 1).expect("room");
    stopped.recv().expect("it comes to the question");
    Blocked(blocked)
}

/// How often a store is opened that somebody else seems to have.
const OPENS_MAX: u32 = 100_000;

/// Opens the store of a process in this folder, where `cadencia serve` would have it.
fn open(folder: &tempfile::TempDir, clock: &Clock) -> Opened {
    let settings = AppSettings {
        data_dir: folder.path().join("store"),
        partitions: PARTITIONS,
        arbiters: NonZeroUsize::new(2).expect("not zero"),
        active_max: usize::from(ACTIVE_MAX),
    };
    let metrics = Arc::new(Metrics::new());
    for _ in 0..OPENS_MAX {
        match app::open(&settings, clock, &metrics) {
            // A program that another test starts has a copy of the lock of the process before,
            // until it runs code of its own.
            Err(StartError::Open(OpenError::InUse { .. })) => std::thread::yield_now(),
            opened => return opened.expect("it opens"),
        }
    }
    panic!("the store of {} is in use", folder.path().display());
}

/// A process over a store with nothing published, as operators and senders see it.
/// `time` is the clock of a replay.
pub(super) fn admin(folder: &tempfile::TempDir, time: Option<SimulatedClock>) -> Admin {
    let clock = time.as_ref().map_or_else(Clock::system, SimulatedClock::clock);
    let keys = Arc::new(Keys::new([(1, &[7; 32][..])]).expect("a key"));
    let egress = Egress::new([]).expect("a client");
    let (files, exports) = (folder.path().to_owned(), folder.path().join("audiences"));
    let workshop = Workshop { keys, folder: files, exports, public_url: None, egress };
    Admin::start(open(folder, &clock), workshop, time).expect("it starts")
}

/// Stops that a process has lost: bounces, and withdrawals of consent.
pub(super) fn stops_lost(app: &App) -> [u64; 2] {
    let text = app.metrics.render();
    ["suppression", "consent"].map(|rule| {
        let begin = format!("cadencia_stops_lost_total{{rule=\"{rule}\"}} ");
        let count = text.lines().find_map(|line| line.strip_prefix(&*begin));
        count.expect("it is shown from the start").parse().expect("a number")
    })
}

/// The partition of a customer.
pub(super) fn partition(id: &str) -> u16 {
    CustomerId::from(id).key().partition(PARTITIONS)
}

/// An id that begins with this and lives in that partition.
pub(super) fn living_in(wanted: u16, begins: &str) -> String {
    let mut ids = (0..).map(|number| format!("{begins}{number}"));
    ids.find(|id| partition(id) == wanted).expect("some id does")
}

/// All credits of a pool, once nobody else has any.
pub(super) async fn take_all(credits: &runtime::Credits) -> Credit {
    credits.take(credits.limit()).await.expect("there are so many")
}

fn message(address: &str) -> Message {
    let email = Email {
        subject: "Hello".to_owned(),
        text: Some("Hello".to_owned()),
        html: None,
        from: None,
        reply_to: None,
        unsubscribe: None,
    };
    let to = Recipient { address: address.to_owned(), name: None };
    Message { to, content: Content::Email(email) }
}
