//! The load: kept-alive connections that post events of known customers, as fast as they are
//! answered or at a fixed rate.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use runtime::Clock;
use store::bench::procfs::Process;

use super::campaign::EVENT;
use super::http::Connection;
use super::{BenchError, cannot};

/// Pause after a server said that it is full, as a patient client would make.
const FULL_PAUSE_MS: u64 = 20;
/// Of 1,000 events of the skewed load, how many go to the busy ones.
const BUSY_PERMILLE: u64 = 800;
/// The busy ones are one in so many customers.
const BUSY_ONE_IN: u64 = 20;

/// The generator of numbers (splitmix64): the same seed gives the same load.
#[derive(Clone, Debug)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

/// Which customers the events are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    /// How many there are.
    pub(super) customers: u64,
    /// In which order.
    pub(super) order: Order,
}

/// The order in which customers have events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Any of them, each as likely.
    Uniform,
    /// 80 % of the events are about 5 % of them.
    Skewed,
    /// One after the other.
    InTurn,
}

impl Keys {
    /// The customer of an event, by the event's number.
    pub(super) fn draw(self, chance: &mut Chance, number: u64) -> u64 {
        let busy = (self.customers / BUSY_ONE_IN).max(1);
        match self.order {
            Order::InTurn => number % self.customers,
            Order::Skewed if chance.below(1_000) < BUSY_PERMILLE => chance.below(busy),
            Order::Skewed | Order::Uniform => chance.below(self.customers),
        }
    }
}

/// What is posted, and how.
#[derive(Clone, Debug)]
pub(super) struct Load {
    /// Whereto.
    pub(super) address: SocketAddr,
    /// By how many connections.
    pub(super) connections: u64,
    /// Events of one request; 1 is posted to `/v1/track`.
    pub(super) events: u64,
    /// About whom.
    pub(super) keys: Keys,
    /// Of 10 events, how many lead to a send.
    pub(super) offers_in_ten: u64,
    /// For how long.
    pub(super) seconds: f64,
    /// At most so many requests; `u64::MAX` for no limit.
    pub(super) requests_max: u64,
    /// Requests per second of all connections together; as fast as possible if there is none.
    pub(super) rate: Option<f64>,
    /// Tells the messages of one load from those of another.
    pub(super) name: &'static str,
    /// Requests acknowledged so far, for who looks on.
    pub(super) live: Arc<AtomicU64>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Requests that were acknowledged.
    pub(super) requests: u64,
    /// Events in them.
    pub(super) events: u64,
    /// Answers that asked for patience.
    pub(super) refused: u64,
    /// Times from when a request was due to its acknowledgement, in microseconds.
    pub(super) latencies_us: Vec<u32>,
    /// How long all of it took.
    pub(super) seconds: f64,
    /// Of 100 parts of one core, how many the clients took.
    pub(super) client_cpu_percent: f64,
    /// Customers of acknowledged events, and of all that were posted; only where they are kept.
    pub(super) acknowledged: Vec<u64>,
    pub(super) posted: Vec<u64>,
    /// Connections that ended before their time.
    pub(super) broken: u64,
}

impl Told {
    /// The time within which so many of 100 requests were acknowledged, in milliseconds.
    pub(super) fn latency_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        let place = sorted.len().saturating_sub(1) * percent / 100;
        f64::from(sorted.get(place).copied().unwrap_or(0)) / 1_000.0
    }

    pub(super) fn events_per_s(&self) -> f64 {
        self.events as f64 / self.seconds.max(1e-9)
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.events += other.events;
        self.refused += other.refused;
        self.broken += other.broken;
        self.latencies_us.extend(other.latencies_us);
        self.acknowledged.extend(other.acknowledged);
        self.posted.extend(other.posted);
    }
}

impl Load {
    /// Runs the load. An end of the server ends it early, with what was acknowledged until then.
    pub(super) async fn run(&self, clock: &Clock, keep: bool) -> Result<Told, BenchError> {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            let open = Connection::open(self.address).await;
            connections.push(open.map_err(cannot("connect to the server"))?);
        }
        let (began_us, cpu_us) = (clock.monotonic_us(), Process::own().cpu_us);
        let next = Arc::new(AtomicU64::new(0));
        let clients: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(number, connection)| {
                let client = Client {
                    load: self.clone(),
                    connection,
                    clock: clock.clone(),
                    next: next.clone(),
                    began_us,
                    keep,
                };
                tokio::spawn(client.run(number as u64))
            })
            .collect();
        let mut told = Told::default();
        for client in clients {
            told.add(client.await.map_err(cannot("run a client"))?);
        }
        told.seconds = (clock.monotonic_us() - began_us) as f64 / 1e6;
        let cpu_us = Process::own().cpu_us - cpu_us;
        told.client_cpu_percent = cpu_us as f64 / 1e4 / told.seconds.max(1e-9);
        Ok(told)
    }
}

/// One connection's part of the load.
struct Client {
    load: Load,
    connection: Connection,
    clock: Clock,
    /// Number of the next request, over all connections.
    next: Arc<AtomicU64>,
    began_us: u64,
    keep: bool,
}

impl Client {
    async fn run(mut self, number: u64) -> Told {
        let mut told = Told::default();
        let mut chance = Chance(number.wrapping_mul(0x9e37) ^ self.load.name.len() as u64);
        let (mut body, mut customers) = (Vec::new(), Vec::new());
        let end_us = self.began_us + (self.load.seconds * 1e6) as u64;
        loop {
            let request = self.next.fetch_add(1, Ordering::Relaxed);
            let due_us = self.due_us(request);
            if due_us >= end_us || request >= self.load.requests_max {
                return told;
            }
            self.wait(due_us).await;
            body.clear();
            customers.clear();
            self.write(request, &mut chance, &mut body, &mut customers);
            if self.keep {
                told.posted.extend_from_slice(&customers);
            }
            let asked_us = self.clock.monotonic_us();
            let Some(refused) = self.post(&body).await else {
                told.broken += 1;
                return told;
            };
            let from_us = if self.load.rate.is_some() { due_us } else { asked_us };
            let latency_us = self.clock.monotonic_us().saturating_sub(from_us);
            told.latencies_us.push(u32::try_from(latency_us).unwrap_or(u32::MAX));
            told.refused += refused;
            told.requests += 1;
            told.events += self.load.events;
            if self.keep {
                told.acknowledged.extend_from_slice(&customers);
            }
        }
    }

    fn due_us(&self, request: u64) -> u64 {
        match self.load.rate {
            None => self.clock.monotonic_us(),
            Some(rate) => self.began_us + (request as f64 * 1e6 / rate) as u64,
        }
    }

    async fn wait(&self, due_us: u64) {
        let now_us = self.clock.monotonic_us();
        if due_us > now_us {
            self.clock.sleep((due_us - now_us) / 1_000).await;
        }
    }

    /// Posts until it is taken; how often it was refused, or `None` if the server is gone. A
    /// connection that was idle for long is opened again, and the request repeated: its message
    /// ids make that harmless.
    async fn post(&mut self, body: &[u8]) -> Option<u64> {
        let path = if self.load.events == 1 { "/v1/track" } else { "/v1/batch" };
        let mut refused = 0;
        loop {
            match self.connection.post(path, body).await.map(|answer| answer.status) {
                Ok(200) => {
                    self.load.live.fetch_add(1, Ordering::Relaxed);
                    return Some(refused);
                }
                Ok(429 | 503) => {
                    refused += 1;
                    self.clock.sleep(FULL_PAUSE_MS).await;
                }
                Ok(_) => return None,
                Err(_) => self.connection = Connection::open(self.load.address).await.ok()?,
            }
        }
    }

    fn write(
        &self,
        request: u64,
        chance: &mut Chance,
        body: &mut Vec<u8>,
        customers: &mut Vec<u64>,
    ) {
        let single = self.load.events == 1;
        if !single {
            body.extend_from_slice(b"{\"batch\":[");
        }
        for at in 0..self.load.events {
            let number = request * self.load.events + at;
            let customer = self.load.keys.draw(chance, number);
            let offer = number % 10 < self.load.offers_in_ten;
            if at > 0 {
                body.push(b',');
            }
            let kind = if single { "" } else { "\"type\":\"track\"," };
            let name = self.load.name;
            // Writing to memory cannot fail.
            drop(write!(
                body,
                "{{{kind}\"messageId\":\"{name}-{number:x}\",\"userId\":\"customer-{customer:09}\",\
                 \"event\":\"{EVENT}\",\"properties\":{{\"offer\":{offer},\"price\":19.95,\
                 \"product\":\"SKU-{:05}\"}}}}",
                number % 100_000
            ));
            customers.push(customer);
        }
        if !single {
            body.extend_from_slice(b"]}");
        }
    }
}
