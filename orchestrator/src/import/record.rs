//! What a line, or a group of lines, becomes: events, or a customer's traits and permissions.

use domain::consent::{ConsentChange, Permission};
use domain::event::{Event, EventBody};
use domain::hash;
use domain::ids::{CUSTOMER_ID_MAX_BYTES, ChannelName, CustomerId, EventName, Topic};
use domain::time::{Instant, Zone};
use domain::value::{Map, Text, Value, to_json_map};

use super::decimal::Decimal;
use super::row::{ColumnId, Row};
use super::timestamp::TimeSpec;
use super::value::{Condition, ValueSpec};
use super::{KEY_MAX_BYTES, Receipt, ZONE_TRAIT};

/// A column by its place and name.
pub(super) type Column = (ColumnId, String);

/// What a line becomes.
#[derive(Debug)]
pub(super) enum Record {
    Event(EventRecord),
    Customer(CustomerRecord),
}

/// An event from a line, or from a group of lines.
#[derive(Debug)]
pub(super) struct EventRecord {
    pub(super) conditions: Vec<Condition>,
    pub(super) name: ValueSpec,
    pub(super) customer: ValueSpec,
    pub(super) at: TimeSpec,
    pub(super) message_id: Option<ValueSpec>,
    pub(super) row_key: Vec<Column>,
    pub(super) group: Option<Group>,
    pub(super) properties: Vec<(Text, Property)>,
}

/// How lines are put together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) by: Vec<Column>,
    pub(super) within: u64,
}

/// One property.
#[derive(Debug)]
pub(super) enum Property {
    Value(ValueSpec),
    Sum { columns: Vec<Column>, decimals: u32 },
    Count,
}

/// Traits, zone and permissions of a customer.
#[derive(Debug)]
pub(super) struct CustomerRecord {
    pub(super) conditions: Vec<Condition>,
    pub(super) distinct: Vec<Column>,
    pub(super) id: ValueSpec,
    pub(super) at: Option<TimeSpec>,
    pub(super) zone: Option<ValueSpec>,
    pub(super) traits: Vec<(Text, ValueSpec)>,
    pub(super) consent: Vec<ConsentSpec>,
}

/// One permission.
#[derive(Debug)]
pub(super) struct ConsentSpec {
    pub(super) channel: Option<ChannelName>,
    pub(super) topic: Option<Topic>,
    pub(super) granted: ValueSpec,
    pub(super) source: String,
}

/// An event that grows line by line.
#[derive(Debug)]
pub(super) struct Draft {
    customer: CustomerId,
    name: EventName,
    message_id: String,
    at: Instant,
    slots: Vec<Slot>,
}

#[derive(Debug)]
enum Slot {
    Value(Option<Value>),
    Sum(Decimal),
    Count(i64),
}

/// Whether a line meets all conditions.
pub(super) fn applies(conditions: &[Condition], row: &Row) -> Result<bool, String> {
    for condition in conditions {
        if !condition.holds(row)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The values of the columns, joined: a key of the line.
pub(super) fn key(columns: &[Column], row: &Row) -> Result<String, String> {
    let mut key = String::new();
    for (at, (column, name)) in columns.iter().enumerate() {
        let text = row.cell(*column).text().ok_or_else(|| format!("`{name}`: no value"))?;
        if at > 0 {
            key.push('/');
        }
        key.push_str(&text);
    }
    if key.len() > KEY_MAX_BYTES {
        return Err(format!("the key is longer than {KEY_MAX_BYTES} bytes"));
    }
    Ok(key)
}

/// A required text.
fn needed(value: &ValueSpec, row: &Row, what: &str) -> Result<String, String> {
    match value.text(row)? {
        Some(text) => Ok(text.into_owned()),
        None => Err(format!("no {what}")),
    }
}

/// A customer id of the allowed length.
pub(super) fn customer_id(text: &str) -> Result<CustomerId, String> {
    match text.len() {
        0 => Err("no customer id".to_owned()),
        length if length > CUSTOMER_ID_MAX_BYTES => {
            Err(format!("the customer id is longer than {CUSTOMER_ID_MAX_BYTES} bytes"))
        }
        _ => Ok(CustomerId::from(text)),
    }
}

impl EventRecord {
    /// The event that one line makes, with what of it a group must still add up.
    pub(super) fn draft(&self, row: &Row, source: &str, key: &str) -> Result<Draft, String> {
        let name = needed(&self.name, row, "event name")?;
        let message_id = match &self.message_id {
            Some(id) => needed(id, row, "message id")?,
            None => format!("{source}/{name}/{key}"),
        };
        let at = self.at.read(row)?.ok_or_else(|| format!("`{}`: no value", self.at.name))?;
        let slots = self.properties.iter().map(|(_, property)| match property {
            Property::Value(value) => Ok(Slot::Value(value.read(row)?)),
            Property::Sum { .. } => Ok(Slot::Sum(Decimal::default())),
            Property::Count => Ok(Slot::Count(0)),
        });
        Ok(Draft {
            customer: customer_id(&needed(&self.customer, row, "customer")?)?,
            name: EventName::from(name),
            message_id,
            at,
            slots: slots.collect::<Result<_, String>>()?,
        })
    }

    /// Adds a line, the first one included.
    pub(super) fn add(&self, draft: &mut Draft, row: &Row) -> Result<(), String> {
        let customer = needed(&self.customer, row, "customer")?;
        if customer != draft.customer.as_str() {
            return Err(format!("customer `{customer}` in a group of `{}`", draft.customer));
        }
        for (slot, (_, property)) in draft.slots.iter_mut().zip(&self.properties) {
            match (slot, property) {
                (Slot::Sum(sum), Property::Sum { columns, .. }) => {
                    *sum = product(columns, row)?
                        .and_then(|product| sum.plus(product))
                        .ok_or("the sum is out of range")?;
                }
                (Slot::Count(count), _) => *count += 1,
                (Slot::Value(_) | Slot::Sum(_), _) => {}
            }
        }
        Ok(())
    }

    /// The finished event.
    pub(super) fn finish(&self, draft: Draft, receipt: Receipt) -> Result<Event, String> {
        let mut properties = Map::new();
        for (slot, (name, property)) in draft.slots.into_iter().zip(&self.properties) {
            let value = match (slot, property) {
                (Slot::Value(value), _) => value,
                (Slot::Count(count), _) => Some(Value::Int(count)),
                (Slot::Sum(sum), Property::Sum { decimals, .. }) => {
                    let rounded = sum.round(*decimals).ok_or("the sum is out of range")?;
                    Some(Value::Float(rounded.to_f64()))
                }
                (Slot::Sum(_), _) => None,
            };
            properties.extend(value.map(|value| (name.clone(), value)));
        }
        let body = EventBody::Track { name: draft.name, properties };
        receipt.event(draft.customer, draft.message_id, Some(draft.at), body)
    }
}

/// The exact product of the columns; `None` if it is out of range.
fn product(columns: &[Column], row: &Row) -> Result<Option<Decimal>, String> {
    let mut product = Some(Decimal::one());
    for (column, name) in columns {
        let text = row.cell(*column).text().unwrap_or_default();
        let factor = Decimal::parse(&text)
            .ok_or_else(|| format!("`{name}`: `{text}` is not a decimal number"))?;
        product = product.and_then(|product| product.times(factor));
    }
    Ok(product)
}

impl CustomerRecord {
    /// The events that a line makes: traits first, then permissions.
    pub(super) fn events(
        &self,
        row: &Row,
        source: &str,
        receipt: Receipt,
    ) -> Result<Vec<Event>, String> {
        let customer = customer_id(&needed(&self.id, row, "customer")?)?;
        let at = match &self.at {
            None => None,
            Some(at) => at.read(row)?,
        };
        let mut traits = Map::new();
        for (name, value) in &self.traits {
            traits.extend(value.read(row)?.map(|value| (name.clone(), value)));
        }
        if let Some(zone) = &self.zone
            && let Some(name) = zone.text(row)?
        {
            let zone = Zone::parse(&name).map_err(|error| error.to_string())?;
            traits.insert(Text::from(ZONE_TRAIT), Value::from(zone.name()));
        }
        // The content is part of the id: a changed row is news, the same row is a repeat.
        let content = hash::text(&to_json_map(&traits).to_string());
        let id = format!("{source}/customer/{customer}/{content:016x}");
        let mut events = Vec::new();
        if !traits.is_empty() {
            let body = EventBody::Identify { traits };
            events.push(receipt.event(customer.clone(), id, at, body)?);
        }
        for consent in &self.consent {
            let Some(granted) = consent.granted(row)? else { continue };
            let id = consent.message_id(source, &customer, granted);
            let body = EventBody::Consent(consent.change(granted));
            events.push(receipt.event(customer.clone(), id, at, body)?);
        }
        Ok(events)
    }
}

impl ConsentSpec {
    fn granted(&self, row: &Row) -> Result<Option<bool>, String> {
        match self.granted.read(row)? {
            None => Ok(None),
            Some(Value::Bool(granted)) => Ok(Some(granted)),
            Some(value) => Err(format!("consent: `{}` is not true or false", value.to_json())),
        }
    }

    fn message_id(&self, source: &str, customer: &CustomerId, granted: bool) -> String {
        let channel = self.channel.as_ref().map_or("*", ChannelName::as_str);
        let topic = self.topic.as_ref().map_or("*", Topic::as_str);
        format!("{source}/consent/{customer}/{channel}/{topic}/{granted}")
    }

    fn change(&self, granted: bool) -> ConsentChange {
        ConsentChange {
            channel: self.channel.clone(),
            topic: self.topic.clone(),
            permission: if granted { Permission::Granted } else { Permission::Denied },
            source: self.source.clone(),
        }
    }
}
