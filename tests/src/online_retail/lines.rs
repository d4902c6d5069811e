//! The real file, read without the product: what its order lines must become.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use chrono_tz::Tz;

use super::clock::instant;
use super::log::{Entry, What, text};

/// One invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its number; a cancellation starts with C.
    pub number: String,
    /// Customer id.
    pub customer: String,
    /// Time of its first line.
    pub at: i64,
    /// Its usable lines.
    pub lines: i64,
    /// Sum of quantity times price, in thousandths of a pound.
    pub thousandths: i64,
    /// Country on its first line.
    pub country: String,
}

impl Invoice {
    /// Whether it takes back an order.
    pub fn is_cancellation(&self) -> bool {
        self.number.starts_with('C')
    }

    /// The sum in pence, rounded half away from zero.
    pub fn pence(&self) -> i64 {
        (self.thousandths.abs() + 5) / 10 * self.thousandths.signum()
    }
}

/// All invoices with a usable line, in the order of their first usable lines.
pub fn invoices(path: &Path) -> Result<Vec<Invoice>> {
    let text = text(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut invoices: Vec<Invoice> = Vec::new();
    for row in reader.deserialize::<BTreeMap<String, String>>() {
        let row = row?;
        let (number, quantity) = (row["InvoiceNo"].clone(), row["Quantity"].parse::<i64>()?);
        let price = thousandths(&row["UnitPrice"])?;
        if !number.starts_with('C') && (quantity <= 0 || price <= 0) {
            continue;
        }
        let place = match places.get(&number) {
            Some(place) => *place,
            None => {
                places.insert(number.clone(), invoices.len());
                invoices.push(Invoice {
                    number,
                    customer: row["CustomerID"].clone(),
                    at: uk(&row["InvoiceDate"])?,
                    lines: 0,
                    thousandths: 0,
                    country: row["Country"].clone(),
                });
                invoices.len() - 1
            }
        };
        invoices[place].lines += 1;
        invoices[place].thousandths += quantity * price;
    }
    Ok(invoices)
}

/// The log of the oracle: zone and consent with the first order of each customer, and the orders.
pub fn log(invoices: &[Invoice], countries: &Path) -> Result<Vec<Entry>> {
    let zones = zones(countries)?;
    let mut known: HashMap<&str, ()> = HashMap::new();
    let mut log = Vec::new();
    for invoice in invoices.iter().filter(|invoice| !invoice.is_cancellation()) {
        let mut push = |id: String, what| {
            log.push(Entry { customer: invoice.customer.clone(), at: invoice.at, id, what });
        };
        if known.insert(&invoice.customer, ()).is_none() {
            let zone = zones.get(&invoice.country).copied().unwrap_or(chrono_tz::Europe::London);
            push(format!("zone/{}", invoice.customer), What::Zone(zone));
            push(format!("consent/{}", invoice.customer), What::Consent(true));
        }
        push(invoice.number.clone(), What::Order(invoice.number.clone()));
    }
    log.sort_by_key(|entry| entry.at);
    Ok(log)
}

fn zones(countries: &Path) -> Result<HashMap<String, Tz>> {
    let mut reader = csv::Reader::from_path(countries)?;
    let mut zones = HashMap::new();
    for row in reader.deserialize::<(String, String)>() {
        let (country, zone) = row?;
        zones.insert(country, zone.parse().map_err(anyhow::Error::msg)?);
    }
    Ok(zones)
}

/// UK local time, as the shop's clock showed it.
fn uk(text: &str) -> Result<i64> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S")?;
    Ok(instant(chrono_tz::Europe::London, local))
}

/// `2.95` as 2950.
fn thousandths(text: &str) -> Result<i64> {
    let (pounds, fraction) = text.split_once('.').unwrap_or((text, ""));
    anyhow::ensure!(fraction.len() <= 3, "{text}: more than three decimals");
    format!("{pounds}{fraction:0<3}").parse().with_context(|| text.to_owned())
}
