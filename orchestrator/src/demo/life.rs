//! The life of a shop: who signs up, looks, fills a cart, buys. A seeded stream of events in
//! virtual time order; the same seed gives the same events. Knows nothing of journeys.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::consent::{ConsentChange, Permission};
use domain::event::{Event, EventBody};
use domain::hash;
use domain::ids::{CustomerId, SendId};
use domain::time::Instant;
use domain::value::{Map, Value};

use super::draw::Draw;
use super::people::{Shopper, owner};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Mean time to a sign-up: a third of all are there after four days, so that there is something
/// to see soon, and newcomers keep coming for weeks.
const SIGN_UP_MEAN_MS: i64 = 10 * DAY_MS;

/// Wares and their prices in cents.
const WARES: [(&str, i64); 8] = [
    ("Espresso beans", 1_290),
    ("Filter beans", 1_150),
    ("Green tea", 890),
    ("Tea pot", 3_450),
    ("Hand grinder", 6_900),
    ("Gift box", 2_500),
    ("Mug", 1_200),
    ("Milk jug", 1_850),
];

/// What somebody is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    SignUp,
    Visit,
    View { left: i64 },
    Add,
    Decide { cents: i64 },
    Review { order: u32 },
    Click { send: SendId },
    Unsubscribe,
}

/// One entry of the agenda, ordered by instant, then by the order in which it was made.
type Plan = Reverse<(i64, u64, u32, Doing)>;

/// The stream.
#[derive(Debug)]
pub struct Life {
    draw: Draw,
    shoppers: Vec<Shopper>,
    agenda: BinaryHeap<Plan>,
    planned: u64,
    signed_up: u32,
    ready: std::collections::VecDeque<Event>,
}

impl Life {
    /// A shop that opens at `start` and gets so many customers over time.
    pub fn new(seed: u64, customers: u32, start: Instant) -> Self {
        let mut draw = Draw::new(seed);
        let mut life = Self {
            draw: Draw::new(!seed),
            shoppers: Vec::with_capacity(customers as usize),
            agenda: BinaryHeap::new(),
            planned: 0,
            signed_up: 0,
            ready: std::collections::VecDeque::new(),
        };
        for number in 0..customers {
            life.shoppers.push(Shopper::new(number, &mut draw));
            let at = start.plus_ms(draw.pause(SIGN_UP_MEAN_MS));
            life.plan(at, number, Doing::SignUp);
        }
        life
    }

    /// When the next event happens; `None` if nothing ever does.
    pub fn next_at(&self) -> Option<Instant> {
        match self.ready.front() {
            Some(event) => Some(event.occurred_at),
            None => self.agenda.peek().map(|Reverse((at, ..))| Instant(*at)),
        }
    }

    /// The next event, if it happens at `until` or earlier.
    pub fn next(&mut self, until: Instant) -> Option<Event> {
        while self.ready.is_empty() {
            if self.agenda.peek().is_none_or(|Reverse((at, ..))| *at > until.0) {
                return None;
            }
            let Reverse((at, _, shopper, doing)) = self.agenda.pop()?;
            self.act(Instant(at), shopper, doing);
        }
        self.ready.pop_front()
    }

    /// Customers who have signed up so far.
    pub fn signed_up(&self) -> u32 {
        self.signed_up
    }

    /// Somebody got a message: a quarter follow its link within hours, one in a hundred has had
    /// enough. Depends on the send alone.
    pub fn got(&mut self, address: &str, send: SendId, at: Instant) {
        let Some(shopper) = owner(address).and_then(|id| self.number(&id)) else {
            return;
        };
        let bytes = send.0.to_le_bytes();
        let later = hash::bucket("demo-pause", &bytes, (8 * HOUR_MS) as u64) as i64;
        let at = at.plus_ms(5 * MINUTE_MS + later);
        match hash::bucket("demo-reaction", &bytes, 100) {
            0..25 => self.plan(at, shopper, Doing::Click { send }),
            25 => self.plan(at, shopper, Doing::Unsubscribe),
            _ => {}
        }
    }

    fn number(&self, id: &CustomerId) -> Option<u32> {
        let at = self.shoppers.binary_search_by(|shopper| shopper.id.cmp(id)).ok()?;
        Some(at as u32)
    }

    fn plan(&mut self, at: Instant, shopper: u32, doing: Doing) {
        self.planned += 1;
        self.agenda.push(Reverse((at.0, self.planned, shopper, doing)));
    }

    fn emit(&mut self, at: Instant, shopper: u32, body: EventBody) {
        let shopper = &mut self.shoppers[shopper as usize];
        shopper.messages += 1;
        self.ready.push_back(Event {
            customer: shopper.id.clone(),
            message_id: format!("demo-{}-{}", shopper.id, shopper.messages),
            occurred_at: at,
            received_at: at,
            body,
        });
    }

    fn track(&mut self, at: Instant, shopper: u32, name: &str, properties: Map) {
        self.emit(at, shopper, EventBody::Track { name: name.into(), properties });
    }

    fn act(&mut self, at: Instant, shopper: u32, doing: Doing) {
        match doing {
            Doing::SignUp => self.sign_up(at, shopper),
            Doing::Visit => self.visit(at, shopper),
            Doing::View { left } => self.view(at, shopper, left),
            Doing::Add => self.add(at, shopper),
            Doing::Decide { cents } => self.decide(at, shopper, cents),
            Doing::Review { order } => {
                let order_id = self.order_id(shopper, order);
                let stars = Value::Int(self.draw.between(3, 5));
                let properties = map([("order_id", order_id), ("stars", stars)]);
                self.track(at, shopper, "Review Submitted", properties);
            }
            Doing::Click { send } => {
                let send_id = Value::from(send.to_string().as_str());
                self.track(at, shopper, "Email Clicked", map([("send_id", send_id)]));
            }
            Doing::Unsubscribe => {
                self.consent(at, shopper, Permission::Denied, "unsubscribe-link");
            }
        }
    }

    fn consent(&mut self, at: Instant, shopper: u32, permission: Permission, source: &str) {
        let source = source.to_owned();
        let change = ConsentChange { channel: None, topic: None, permission, source };
        self.emit(at, shopper, EventBody::Consent(change));
    }

    fn sign_up(&mut self, at: Instant, shopper: u32) {
        let traits = self.shoppers[shopper as usize].traits();
        self.emit(at, shopper, EventBody::Identify { traits });
        if let Some(permission) = self.shoppers[shopper as usize].consent {
            self.consent(at, shopper, permission, "sign-up");
        }
        self.track(at, shopper, "Account Created", Map::new());
        self.signed_up += 1;
        let soon = self.draw.between(MINUTE_MS, 10 * MINUTE_MS);
        self.plan(at.plus_ms(soon), shopper, Doing::Visit);
    }

    fn visit(&mut self, at: Instant, shopper: u32) {
        let left = self.draw.between(0, 2);
        self.view(at, shopper, left);
        let pause = self.draw.pause(self.shoppers[shopper as usize].visits_every_ms);
        self.plan(at.plus_ms(HOUR_MS + pause), shopper, Doing::Visit);
    }

    fn view(&mut self, at: Instant, shopper: u32, left: i64) {
        let (ware, _) = self.ware();
        self.track(at, shopper, "Product Viewed", map([("product", ware.into())]));
        let next = at.plus_ms(self.draw.between(20_000, 4 * MINUTE_MS));
        if left > 0 {
            self.plan(next, shopper, Doing::View { left: left - 1 });
        } else if self.draw.percent(45) {
            self.plan(next, shopper, Doing::Add);
        }
    }

    fn add(&mut self, at: Instant, shopper: u32) {
        let (ware, cents) = self.ware();
        let cart_id = self.cart_id(shopper);
        let price = Value::Float(cents as f64 / 100.0);
        let properties = map([("cart_id", cart_id), ("product", ware.into()), ("price", price)]);
        self.track(at, shopper, "Product Added", properties);
        let after = self.draw.between(3 * MINUTE_MS, 40 * MINUTE_MS);
        self.plan(at.plus_ms(after), shopper, Doing::Decide { cents });
    }

    fn decide(&mut self, at: Instant, shopper: u32, cents: i64) {
        let cart_id = self.cart_id(shopper);
        let order = self.shoppers[shopper as usize].cart;
        match self.draw.below(100) {
            0..45 => {
                let order_id = self.order_id(shopper, order);
                let total = Value::Float(cents as f64 / 100.0);
                let properties =
                    map([("order_id", order_id), ("cart_id", cart_id), ("total", total)]);
                self.shoppers[shopper as usize].cart += 1;
                self.track(at, shopper, "Order Completed", properties);
                if self.draw.percent(25) {
                    let after = self.draw.between(4 * DAY_MS, 9 * DAY_MS);
                    self.plan(at.plus_ms(after), shopper, Doing::Review { order });
                }
            }
            45..55 => {
                self.shoppers[shopper as usize].cart += 1;
                self.track(at, shopper, "Cart Emptied", map([("cart_id", cart_id)]));
            }
            // The cart is left as it is: what cart-rescue is for.
            _ => {}
        }
    }

    fn ware(&mut self) -> (&'static str, i64) {
        WARES[self.draw.below(WARES.len() as u64) as usize]
    }

    fn cart_id(&self, shopper: u32) -> Value {
        format!("cart-{shopper}-{}", self.shoppers[shopper as usize].cart).as_str().into()
    }

    fn order_id(&self, shopper: u32, order: u32) -> Value {
        format!("order-{shopper}-{order}").as_str().into()
    }
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Map {
    fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const START: Instant = Instant(1_772_438_400_000);

    fn month(seed: u64) -> Vec<Event> {
        let mut life = Life::new(seed, 200, START);
        let end = START.plus_ms(30 * DAY_MS);
        std::iter::from_fn(|| life.next(end)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_events() {
        let events = month(1);
        assert_eq!(events, month(1));
        assert_ne!(events, month(2));
        assert!(events.len() > 2_000, "{}", events.len());
    }

    #[test]
    fn everything_that_journeys_wait_for_happens() {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for event in month(3) {
            let name = match event.body {
                EventBody::Track { name, .. } => name.to_string(),
                EventBody::Identify { .. } => "identify".to_owned(),
                EventBody::Consent(change) => format!("{:?}", change.permission),
                EventBody::StopsLifted(channel) => format!("stops lifted on {channel}"),
            };
            *counts.entry(name).or_default() += 1;
        }
        let names = [
            "identify",
            "Granted",
            "Denied",
            "Account Created",
            "Product Viewed",
            "Product Added",
            "Order Completed",
            "Cart Emptied",
            "Review Submitted",
        ];
        for name in names {
            assert!(counts.get(name).is_some_and(|count| *count > 0), "{name} in {counts:?}");
        }
        assert!(counts["Granted"] + counts["Denied"] < counts["identify"], "{counts:?}");
    }

    #[test]
    fn events_come_in_order_and_message_ids_are_unique() {
        let mut last = START;
        let mut ids = std::collections::HashSet::new();
        for event in month(4) {
            assert!(last <= event.occurred_at, "{event:?}");
            last = event.occurred_at;
            assert!(ids.insert(event.message_id.clone()), "{event:?}");
        }
    }

    #[test]
    fn messages_are_answered_by_their_recipients_only() {
        let mut life = Life::new(5, 10, START);
        while life.next(START.plus_ms(200 * DAY_MS)).is_some() {}
        let planned = life.planned;
        for send in 0..400 {
            life.got("shopper-000003@example.com", SendId(send), START.plus_ms(201 * DAY_MS));
            life.got("stranger@example.com", SendId(send), START);
        }
        let made = life.planned - planned;
        assert!((60..160).contains(&made), "{made}");
        let end = START.plus_ms(202 * DAY_MS);
        let clicked = std::iter::from_fn(|| life.next(end)).filter(|event| {
            matches!(&event.body, EventBody::Track { name, .. } if name.as_str() == "Email Clicked")
        });
        let owners: std::collections::HashSet<_> = clicked.map(|event| event.customer).collect();
        assert_eq!(owners.len(), 1, "{owners:?}");
    }
}
