//! What the oracle reads: customers and events as lines in the shape of Segment's API.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use chrono::DateTime;
use chrono_tz::Tz;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// One thing that happened to a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whom.
    pub customer: String,
    /// When, in milliseconds of UTC.
    pub at: i64,
    /// By which a repeat is recognised.
    pub id: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An order was completed, with its id.
    Order(String),
    /// The customer is in this zone now.
    Zone(Tz),
    /// Consent was granted or denied.
    Consent(bool),
    /// Anything else: it changes nothing.
    Other,
}

/// Reads customers, then events, as one log in the order of processing: by time, then as read. A
/// customer without a time of its own comes before the first event.
pub fn read(customers: Option<&Path>, events: &Path) -> Result<Vec<Entry>> {
    let events = entries(&text(events)?, i64::MIN)?;
    let start = events.iter().map(|entry| entry.at).min().unwrap_or_default();
    let mut log = match customers {
        Some(path) => entries(&text(path)?, start)?,
        None => Vec::new(),
    };
    log.extend(events);
    log.sort_by_key(|entry| entry.at);
    Ok(log)
}

/// The text of a file, unpacked if its name ends in `.gz`.
pub fn text(path: &Path) -> Result<String> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        MultiGzDecoder::new(file).read_to_string(&mut text)?;
    } else {
        BufReader::new(file).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// The entries of some lines; `undated` is when lines without a time happened.
pub fn entries(text: &str, undated: i64) -> Result<Vec<Entry>> {
    let mut log = Vec::new();
    for (number, line) in text.as_bytes().lines().enumerate() {
        let line: Value = serde_json::from_str(&line?)?;
        let made = entry(&line, undated).with_context(|| format!("line {}", number + 1))?;
        log.extend(made);
    }
    Ok(log)
}

fn entry(line: &Value, undated: i64) -> Result<Vec<Entry>> {
    let field = |name: &str| line[name].as_str().map(str::to_owned);
    let customer = field("userId").context("no userId")?;
    let id = field("messageId").context("no messageId")?;
    let at = match line["timestamp"].as_str() {
        None => undated,
        Some(time) => instant(time)?,
    };
    let mut whats = Vec::new();
    match line["type"].as_str() {
        Some("track") if line["event"] == "Order Completed" => {
            let order = line["properties"]["order_id"].as_str().context("no order_id")?;
            whats.push(What::Order(order.to_owned()));
        }
        Some("track") => whats.push(What::Other),
        Some("identify") => {
            if let Some(zone) = line["traits"]["timezone"].as_str() {
                whats.push(What::Zone(zone.parse().map_err(anyhow::Error::msg)?));
            }
            for consent in line["consent"].as_array().into_iter().flatten() {
                whats.push(What::Consent(consent["permission"] == "granted"));
            }
        }
        other => bail!("unexpected type {other:?}"),
    }
    let entry = |(at_line, what)| Entry {
        customer: customer.clone(),
        at,
        // Several facts of one line are several messages.
        id: format!("{id}#{at_line}"),
        what,
    };
    Ok(whats.into_iter().enumerate().map(entry).collect())
}

/// An RFC 3339 time in milliseconds.
pub fn instant(text: &str) -> Result<i64> {
    Ok(DateTime::parse_from_rfc3339(text).with_context(|| text.to_owned())?.timestamp_millis())
}
