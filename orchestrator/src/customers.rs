//! Customers and their enrollments, read from the records: in the order of their keys, which is
//! that of a hash. Used by API and console.

use domain::customer::Customer;
use domain::ids::{CustomerId, CustomerKey, EnrollmentId, JourneyName, SegmentName, StepId};
use domain::journey::enrollment::{Enrollment, Phase, State};
use domain::time::Instant;
use domain::value::to_json_map;
use engine::codec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read};

use crate::recovery::RecoverError;
use crate::rows;
use crate::sends::{self, Sight};

/// Most items of one page.
pub const CUSTOMERS_MAX: usize = 500;
/// Records that one page looks through at most: a tenth of a second. A page ends there, also if it
/// is not full.
pub const SCAN_RECORDS_MAX: usize = 20_000;
/// Records read at a time.
const SCAN_RECORDS: usize = 512;

/// A customer in a list. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerLine {
    /// Her id.
    pub customer: String,
    /// When she was first heard of.
    pub created_at: String,
    /// Her time zone, where it is known.
    pub zone: Option<String>,
    /// Segments that she is a member of.
    pub segments: Vec<String>,
    /// How many enrollments she has.
    pub enrollments: usize,
}

/// All that is known of a customer, but for what happened: that is her timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerDetail {
    /// Her id.
    pub customer: String,
    /// When she was first heard of.
    pub created_at: String,
    /// Her time zone, where it is known.
    pub zone: Option<String>,
    /// Her traits.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub traits: serde_json::Value,
    /// What she allowed and denied.
    pub consents: Vec<ConsentLine>,
    /// Addresses of hers that nothing goes to.
    pub suppressions: Vec<SuppressionLine>,
    /// How often and when events happened.
    pub counters: Vec<CounterLine>,
    /// Segments that she is a member of.
    pub segments: Vec<String>,
    /// Her enrollments.
    pub enrollments: Vec<EnrollmentLine>,
    /// Customers that were merged into her.
    pub merged: Vec<String>,
    /// Whom she was merged into: what comes for her later stands there.
    pub merged_into: Option<String>,
}

/// A recorded permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentLine {
    /// The channel; null for all.
    pub channel: Option<String>,
    /// The topic; null for all.
    pub topic: Option<String>,
    /// `granted` or `denied`.
    pub permission: String,
    /// Where it was said.
    pub source: String,
    /// When.
    pub at: String,
}

/// A stop on an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuppressionLine {
    /// The channel.
    pub channel: String,
    /// Why: `hard_bounce` or `opted_out`.
    pub reason: String,
    /// Since when.
    pub since: String,
}

/// How often an event happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CounterLine {
    /// The event.
    pub event: String,
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: String,
    /// The last time.
    pub last: String,
}

/// An enrollment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnrollmentLine {
    /// Its id.
    pub enrollment: String,
    /// The customer's id.
    pub customer: String,
    /// The journey.
    pub journey: String,
    /// The version that it is on.
    pub version: u32,
    /// The entry key.
    pub key: String,
    /// When it began.
    pub entered_at: String,
    /// The step that it stands on.
    pub step: String,
    /// `waiting`, `held` (by the gate) or `planned` (a message waits for a connection).
    pub state: String,
    /// When it is looked at next, if by no event before.
    pub next_at: Option<String>,
    /// The send that it waits for.
    pub send: Option<String>,
}

/// Items of a page, with where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The items.
    pub items: Vec<T>,
    /// Records that were looked at.
    pub looked_at: usize,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Place>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The key of a record.
    pub key: Vec<u8>,
    /// Of that record, what comes behind this id: the page before ended within it.
    pub behind: Option<EnrollmentId>,
}

/// Which enrollments are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Of this journey.
    pub journey: JourneyName,
    /// On this step.
    pub step: Option<StepId>,
    /// On this version.
    pub version: Option<u32>,
}

impl<S: Read> Sight<'_, S> {
    /// Customers, from a key on.
    ///
    /// # Errors
    /// Records that cannot be read.
    pub fn customers(
        &self,
        segment: Option<&SegmentName>,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Found<CustomerLine>, RecoverError> {
        self.scan(from, limit, |customer| {
            let member = segment.is_none_or(|wanted| customer.segments.contains(wanted));
            let line = (member && customer.tombstone.is_none()).then(|| self.line(customer));
            // One record is one item, so no page ends within it.
            line.into_iter().map(|line| (EnrollmentId(0), line)).collect()
        })
    }

    /// Enrollments of a journey, from a place on: by customer, of one customer by their ids.
    ///
    /// # Errors
    /// Records that cannot be read.
    pub fn enrollments(
        &self,
        wanted: &Wanted,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Found<EnrollmentLine>, RecoverError> {
        self.scan(from, limit, |customer| {
            let all = customer.enrollments.iter().filter(|one| self.is_wanted(one, wanted));
            let mut all: Vec<_> = all.map(|one| (one.id, self.enrollment(customer, one))).collect();
            all.sort_unstable_by_key(|(id, _)| *id);
            all
        })
    }

    fn is_wanted(&self, one: &Enrollment, wanted: &Wanted) -> bool {
        let version = wanted.version.is_none_or(|version| version == one.version.0);
        let Some(journey) = self.catalog.version(one.version).filter(|_| version) else {
            return false;
        };
        let node = journey.nodes.get(usize::from(one.at));
        let step = |step: &StepId| node.is_some_and(|node| node.id == *step);
        journey.name == wanted.journey && wanted.step.as_ref().is_none_or(step)
    }

    /// What some customers' records give, each in the order of the ids, until it is enough.
    fn scan<T>(
        &self,
        from: Option<Place>,
        limit: usize,
        take: impl Fn(&Customer) -> Vec<(EnrollmentId, T)>,
    ) -> Result<Found<T>, RecoverError> {
        let table = rows::table(engine::Table::Customers);
        let mut range = from.as_ref().map_or_else(Range::all, |from| Range::from(from.key.clone()));
        let mut found = Found { items: Vec::new(), looked_at: 0, next: None };
        loop {
            let page = self.store.scan(table, &range, Limit::rows(SCAN_RECORDS))?;
            for (at, record) in &page.rows {
                let is_first = from.as_ref().is_some_and(|from| from.key == *at);
                let mut behind = from.as_ref().filter(|_| is_first).and_then(|from| from.behind);
                if found.items.len() >= limit || found.looked_at >= SCAN_RECORDS_MAX {
                    found.next = Some(Place { key: at.clone(), behind });
                    return Ok(found);
                }
                found.looked_at += 1;
                let key = codec::key_of(at).unwrap_or(CustomerKey([0; 16]));
                for (id, item) in take(&codec::decode_customer(key, record)?) {
                    if behind.is_some_and(|behind| id <= behind) {
                        continue;
                    }
                    if found.items.len() >= limit {
                        found.next = Some(Place { key: at.clone(), behind });
                        return Ok(found);
                    }
                    found.items.push(item);
                    behind = Some(id);
                }
            }
            match page.next {
                Some(next) => range = range.resume(next),
                None => return Ok(found),
            }
        }
    }

    /// A customer.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn customer(&self, id: &CustomerId) -> Result<Option<CustomerDetail>, RecoverError> {
        let key = id.key();
        let place = codec::customer_key(key.partition(self.partitions), key);
        let record = self.store.get(rows::table(engine::Table::Customers), &place)?;
        let customer = record.map(|record| codec::decode_customer(key, &record)).transpose()?;
        Ok(customer.map(|customer| self.detail(&customer)))
    }

    /// An enrollment that has not ended, by its id.
    ///
    /// # Errors
    /// Records that cannot be read.
    pub fn by_enrollment(&self, id: EnrollmentId) -> Result<Option<EnrollmentLine>, RecoverError> {
        let found = sends::owners(self.store, self.partitions, id.head())?;
        Ok(found.iter().find_map(|customer| {
            let one = customer.enrollments.iter().find(|one| one.id == id)?;
            Some(self.enrollment(customer, one))
        }))
    }

    fn text(&self, text: &str) -> String {
        self.mask.text(text).into_owned()
    }

    fn line(&self, customer: &Customer) -> CustomerLine {
        CustomerLine {
            customer: self.text(customer.id.as_str()),
            created_at: customer.created_at.to_string(),
            zone: customer.zone.as_ref().map(|zone| zone.name().to_owned()),
            segments: customer.segments.iter().map(ToString::to_string).collect(),
            enrollments: customer.enrollments.len(),
        }
    }

    fn detail(&self, customer: &Customer) -> CustomerDetail {
        let mut traits = to_json_map(&customer.traits);
        self.mask.json(&mut traits);
        let CustomerLine { customer: id, created_at, zone, segments, .. } = self.line(customer);
        let merged = customer.merged.iter().map(|one| self.text(one.customer.as_str()));
        let into = customer.tombstone.as_ref().map(|stone| self.text(stone.into.as_str()));
        CustomerDetail {
            customer: id,
            created_at,
            zone,
            traits,
            consents: self.consents(customer),
            suppressions: suppressions(customer),
            counters: counters(customer),
            segments,
            enrollments: customer
                .enrollments
                .iter()
                .map(|one| self.enrollment(customer, one))
                .collect(),
            merged: merged.collect(),
            merged_into: into,
        }
    }

    fn consents(&self, customer: &Customer) -> Vec<ConsentLine> {
        let line = |record: &domain::consent::ConsentRecord| {
            let change = &record.change;
            ConsentLine {
                channel: change.channel.as_ref().map(ToString::to_string),
                topic: change.topic.as_ref().map(ToString::to_string),
                permission: format!("{:?}", change.permission).to_lowercase(),
                source: self.text(&change.source),
                at: record.at.to_string(),
            }
        };
        customer.consent.records().iter().map(line).collect()
    }

    fn enrollment(&self, customer: &Customer, one: &Enrollment) -> EnrollmentLine {
        let version = self.catalog.version(one.version);
        let node = version.and_then(|journey| journey.nodes.get(usize::from(one.at)));
        let (state, send) = match &one.state {
            State::Waiting { .. } => ("waiting", None),
            State::Sending(sending) => {
                let word = if sending.phase == Phase::Held { "held" } else { "planned" };
                (word, Some(sending.send.to_string()))
            }
        };
        let next_at = Some(one.next_at()).filter(|at| *at != Instant::MAX);
        EnrollmentLine {
            enrollment: one.id.to_string(),
            customer: self.text(customer.id.as_str()),
            journey: version.map(|journey| journey.name.to_string()).unwrap_or_default(),
            version: one.version.0,
            key: self.text(&one.key),
            entered_at: one.entered_at.to_string(),
            step: node.map_or_else(|| one.at.to_string(), |node| node.id.to_string()),
            state: state.to_owned(),
            next_at: next_at.map(|at| at.to_string()),
            send,
        }
    }
}

fn suppressions(customer: &Customer) -> Vec<SuppressionLine> {
    let line = |stop: &domain::suppression::Suppression| SuppressionLine {
        channel: stop.channel.to_string(),
        reason: stop.reason.clone(),
        since: stop.since.to_string(),
    };
    customer.suppressions.iter().map(line).collect()
}

fn counters(customer: &Customer) -> Vec<CounterLine> {
    let counters = customer.counters.iter();
    let line =
        |(event, counter): (&domain::ids::EventName, &domain::customer::Counter)| CounterLine {
            event: event.to_string(),
            count: counter.count,
            first: counter.first.to_string(),
            last: counter.last.to_string(),
        };
    counters.map(line).collect()
}
