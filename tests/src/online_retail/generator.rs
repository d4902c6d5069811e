//! The synthetic online-retail set: the shape of the real one, with every hard case made common.
//!
//! Orders close together fill the cap; far moves between zones make quiet hours bite and timers
//! fire at once; orders stand at the very instants of timers; lines come twice and out of order.
//! The same seed gives the same bytes.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use serde_json::json;

use super::clock::{instant, local};

/// The seed of the committed set.
pub const SEED: u64 = 20_091_201;
const CUSTOMERS: u64 = 420;
/// No order comes later than so many days after the first day.
const DAYS: i64 = 430;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Country and zone. Among them: changes of the clock at midnight, by half an hour and by two
/// hours; odd offsets; the first and the last zone of the day.
const PLACES: &[(&str, &str)] = &[
    ("United Kingdom", "Europe/London"),
    ("United Kingdom", "Europe/London"),
    ("Germany", "Europe/Berlin"),
    ("France", "Europe/Paris"),
    ("EIRE", "Europe/Dublin"),
    ("Portugal", "Europe/Lisbon"),
    ("Finland", "Europe/Helsinki"),
    ("USA", "America/New_York"),
    ("USA", "America/Los_Angeles"),
    ("USA", "Pacific/Honolulu"),
    ("Canada", "America/St_Johns"),
    ("Brazil", "America/Sao_Paulo"),
    ("Chile", "America/Santiago"),
    ("Egypt", "Africa/Cairo"),
    ("RSA", "Africa/Johannesburg"),
    ("United Arab Emirates", "Asia/Dubai"),
    ("India", "Asia/Kolkata"),
    ("Nepal", "Asia/Kathmandu"),
    ("Japan", "Asia/Tokyo"),
    ("Australia", "Australia/Sydney"),
    ("Australia", "Australia/Adelaide"),
    ("Australia", "Australia/Lord_Howe"),
    ("New Zealand", "Pacific/Auckland"),
    ("New Zealand", "Pacific/Chatham"),
    ("Kiribati", "Pacific/Kiritimati"),
    ("American Samoa", "Pacific/Pago_Pago"),
    ("Antarctica", "Antarctica/Troll"),
];

/// The far west and the far east. A move from one to the other passes the time of a timer while
/// it is night at the new place: the message comes up at once, in the quiet hours.
const WEST: &[&str] = &["Pacific/Honolulu", "Pacific/Pago_Pago", "America/Los_Angeles"];
const EAST: &[&str] =
    &["Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Australia/Lord_Howe"];

/// The two files, as lines.
#[derive(Debug)]
pub struct Set {
    /// `customers.ndjson`.
    pub customers: String,
    /// `events.ndjson`.
    pub events: String,
}

/// What happens to a customer.
enum Fact {
    Order { pence: u64, lines: u64 },
    Cancellation { pence: u64 },
    Move(&'static str),
}

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.roll(100) < chance
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.roll((high - low + 1) as u64) as i64
    }
}

/// Makes the set of a seed.
pub fn generate(seed: u64) -> Set {
    let mut dice = Dice(seed);
    let mut customers = String::new();
    let mut facts: Vec<(i64, u64, Fact)> = Vec::new();
    for number in 0..CUSTOMERS {
        let id = 12_000 + number;
        let (country, zone) = PLACES[dice.roll(PLACES.len() as u64) as usize];
        let permission = if dice.percent(3) { "denied" } else { "granted" };
        let mut line = json!({
            "type": "identify", "userId": id.to_string(),
            "messageId": format!("online-retail/customer/{id}"),
            "traits": {"country": country, "email": format!("{id}@example.com")},
            "consent": [{"channel": "email", "permission": permission, "source": "synthetic"}],
        });
        if !dice.percent(4) {
            line["traits"]["timezone"] = zone.into();
        }
        writeln!(customers, "{line}").expect("writes to memory");
        facts.extend(life(&mut dice, place(zone)).into_iter().map(|(at, fact)| (at, id, fact)));
    }
    facts.sort_by_key(|(at, id, _)| (*at, *id));
    Set { customers, events: lines(&mut dice, &facts) }
}

fn place(zone: &str) -> Tz {
    zone.parse().expect("a zone of the list")
}

/// The first day of the set.
fn start() -> NaiveDateTime {
    let day = NaiveDate::from_ymd_opt(2023, 9, 4).expect("a date");
    day.and_hms_opt(0, 0, 0).expect("midnight")
}

/// One customer: bursts of orders with pauses between them, and moves.
fn life(dice: &mut Dice, mut zone: Tz) -> Vec<(i64, Fact)> {
    let mut facts = Vec::new();
    let first = start().and_utc().timestamp_millis();
    let end = first + DAYS * DAY;
    let mut now = first + dice.between(0, 200) * DAY;
    let restless = dice.percent(45);
    let mut orders = 0;
    while now < end {
        for _ in 0..dice.between(1, 6) {
            now = order_time(dice, zone, now, &mut orders);
            facts.push((now, order(dice)));
            if dice.percent(12) {
                let later = now + dice.between(10, 4 * 24 * 60) * MINUTE;
                facts.push((later, Fact::Cancellation { pence: 100 + dice.roll(20_000) }));
            }
            if restless && dice.percent(35) {
                // While a thank-you or a hero waits, often shortly before its time.
                let due = [hero_due(zone, now), due(zone, now, 3, 10)][dice.roll(2) as usize];
                let moved = (due - dice.between(0, 14 * 60) * MINUTE).max(now + MINUTE);
                zone = moves(dice, zone, moved, &mut facts);
            }
        }
        let due = due(zone, now, 60, 11);
        if restless && dice.percent(50) {
            // While a win-back waits, near its end; perhaps an order while it is held.
            let moved = due - dice.between(-60, 14 * 60) * MINUTE;
            zone = moves(dice, zone, moved, &mut facts);
            now = moved + dice.between(1, 15 * 60) * MINUTE;
        } else if dice.percent(20) {
            // At the very instant of the win-back: the order comes first.
            facts.push((due, order(dice)));
            orders += 1;
            now = due;
        } else {
            now += dice.between(30, 90) * DAY;
        }
    }
    facts
}

/// When the next order of a burst comes; `orders` counts them.
fn order_time(dice: &mut Dice, zone: Tz, now: i64, orders: &mut u32) -> i64 {
    *orders += 1;
    let next = match dice.roll(10) {
        // The same day: two thank-yous for one instant.
        0..=2 => now + dice.between(1, 6 * 60) * MINUTE,
        // At the instant of the hero's and the thank-you's timers.
        3 => due(zone, now, 1, 9),
        4 => due(zone, now, 3, 10),
        _ => now + dice.between(1, 5 * 24 * 60) * MINUTE,
    };
    next.max(now + MINUTE)
}

/// So many days after `from`, at an hour of the wall clock.
fn due(zone: Tz, from: i64, days: u64, hour: u32) -> i64 {
    let day = local(zone, from).date() + Days::new(days);
    instant(zone, day.and_hms_opt(hour, 0, 0).expect("an hour of the day"))
}

/// The next 09:00.
fn hero_due(zone: Tz, from: i64) -> i64 {
    let today = due(zone, from, 0, 9);
    if today > from { today } else { due(zone, from, 1, 9) }
}

fn moves(dice: &mut Dice, from: Tz, at: i64, facts: &mut Vec<(i64, Fact)>) -> Tz {
    let far = if WEST.contains(&from.name()) { EAST } else { WEST };
    let zone = match dice.percent(75) {
        true => far[dice.roll(far.len() as u64) as usize],
        false => PLACES[dice.roll(PLACES.len() as u64) as usize].1,
    };
    facts.push((at, Fact::Move(zone)));
    place(zone)
}

fn order(dice: &mut Dice) -> Fact {
    Fact::Order { pence: 150 + dice.roll(60_000), lines: 1 + dice.roll(40) }
}

/// The lines of `events.ndjson`: invoices are numbered in the order of time.
fn lines(dice: &mut Dice, facts: &[(i64, u64, Fact)]) -> String {
    let mut lines = Vec::new();
    for (number, (at, id, fact)) in facts.iter().enumerate() {
        let (name, order, pence, count) = match fact {
            Fact::Move(zone) => {
                lines.push(move_line(*at, *id, zone));
                continue;
            }
            Fact::Order { pence, lines } => {
                ("Order Completed", format!("{}", 600_000 + number), *pence as f64, *lines)
            }
            Fact::Cancellation { pence } => {
                ("Order Cancelled", format!("C{}", 600_000 + number), -(*pence as f64), 1)
            }
        };
        let properties = json!({
            "order_id": order, "total": pence / 100.0, "lines": count, "currency": "GBP",
        });
        let line = json!({
            "type": "track", "userId": id.to_string(), "event": name, "properties": properties,
            "timestamp": time(*at), "messageId": format!("online-retail/{name}/{order}"),
        });
        lines.push(line.to_string());
        if dice.percent(2) {
            lines.push(line.to_string());
        }
    }
    // Some lines arrive before their predecessor.
    for at in 1..lines.len() {
        if dice.percent(3) {
            lines.swap(at - 1, at);
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn move_line(at: i64, id: u64, zone: &str) -> String {
    let line = json!({
        "type": "identify", "userId": id.to_string(), "traits": {"timezone": zone},
        "timestamp": time(at), "messageId": format!("online-retail/move/{id}/{at}"),
    });
    line.to_string()
}

fn time(at: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at).expect("our time");
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
