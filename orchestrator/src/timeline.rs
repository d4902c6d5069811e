//! One customer's timeline: what came in, what was decided and why, what became of each send.
//! Read from the rows alone, so that console, API and command line say the same words.

use std::borrow::Cow;
use std::fmt::Write as _;

use domain::customer::Customer;
use domain::event::EventBody;
use domain::ids::CustomerId;
use domain::journey::steps::Kind;
use domain::time::Instant;
use domain::value::{Text, Value, to_json_map};
use domain::verdict::{Decision, Reason, Ruling, Verdict};
use engine::codec;
use engine::history::HistoryItem;
use engine::ledger::{SendInfo, SendRow};
use policies::CountState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Range, Read};

use crate::access::mask::Mask;
use crate::recovery::RecoverError;
use crate::rows;
use crate::sends::newest::{Chain, Newest, Visit};

/// Most history rows of one answer, over all chains of a customer; and most rows of sends.
pub const TIMELINE_ROWS_MAX: usize = 1_000;

/// Most entries of one answer: a row has several.
const TIMELINE_ENTRIES_MAX: usize = 20 * TIMELINE_ROWS_MAX;

/// What is known of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Her id.
    pub customer: String,
    /// Her traits.
    pub traits: serde_json::Value,
    /// Her zone, where it is known.
    pub zone: Option<String>,
    /// Segments that she is a member of.
    pub segments: Vec<String>,
    /// What happened, newest first.
    pub entries: Vec<Entry>,
    /// Whether older entries exist.
    pub more: bool,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TimelineEntry")]
pub struct Entry {
    /// When.
    pub at: String,
    /// What, as a stable word.
    pub kind: Cow<'static, str>,
    /// What, in words.
    pub text: String,
    /// The send that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// Every rule's result, where the gate decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleLine>,
    /// What `text` was made of, for those who say it in another language. Not masked.
    #[serde(skip)]
    pub told: Option<Told>,
}

/// What an entry's text was made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Of the history.
    Item(HistoryItem),
    /// Of a send's row.
    Send {
        /// What it is.
        kind: Kind,
        /// The template; empty for what goes without one.
        template: String,
        /// The channel.
        channel: String,
        /// Attempts begun.
        attempts: u16,
        /// The last reply.
        reply: String,
    },
}

/// One rule's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleLine {
    /// Name of the rule.
    pub rule: String,
    /// What it said.
    pub ruling: Cow<'static, str>,
    /// Why.
    pub reason: String,
    /// The counter that it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<u32>,
    /// The limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The first instant at which this rule alone would allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<String>,
    /// What `reason` was made of. Not masked.
    #[serde(skip)]
    pub why: Option<Reason>,
}

/// Reads a customer's timeline, as far as the mask lets it be seen; `None` if nobody is known under
/// the id.
pub fn read(
    store: &impl Read,
    partitions: u16,
    id: &CustomerId,
    limit: usize,
    mask: &Mask,
) -> Result<Option<Timeline>, RecoverError> {
    let key = id.key();
    let partition = key.partition(partitions);
    let table = rows::table(engine::Table::Customers);
    let Some(record) = store.get(table, &codec::customer_key(partition, key))? else {
        return Ok(None);
    };
    let customer = codec::decode_customer(key, &record)?;
    let (mut entries, mut more) = sends(store, partition, id, mask)?;
    let mut chains = vec![Chain { partition, head: customer.history_head }];
    if customer.tombstone.is_none() {
        chains.extend(customer.merged.iter().map(|merged| Chain {
            partition: merged.customer.key().partition(partitions),
            head: merged.history_head,
        }));
    }
    more |= history(store, chains, limit.min(TIMELINE_ROWS_MAX), mask, &mut entries)?;
    // Stable: what happened at one instant keeps its order.
    entries.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    more |= entries.len() > TIMELINE_ENTRIES_MAX;
    entries.truncate(TIMELINE_ENTRIES_MAX);
    let entries = entries.into_iter().map(|(_, entry)| entry).collect();
    Ok(Some(timeline(&customer, entries, more, mask)))
}

/// Reads the newest rows of all chains together. True if they go on.
fn history(
    store: &impl Read,
    chains: Vec<Chain>,
    limit: usize,
    mask: &Mask,
    entries: &mut Vec<(Instant, Entry)>,
) -> Result<bool, RecoverError> {
    let mut newest = Newest::of_chains(store, chains)?;
    for _ in 0..limit {
        let Some(Visit { row, .. }) = newest.next()? else { return Ok(false) };
        // Newest first, also within a row.
        entries.extend(row.items.iter().rev().map(|item| (row.at, entry(row.at, item, mask))));
    }
    Ok(newest.next()?.is_some())
}

fn timeline(customer: &Customer, entries: Vec<Entry>, more: bool, mask: &Mask) -> Timeline {
    let mut traits = to_json_map(&customer.traits);
    mask.json(&mut traits);
    Timeline {
        customer: mask.text(customer.id.as_str()).into_owned(),
        traits,
        zone: customer.zone.as_ref().map(|zone| zone.name().to_owned()),
        segments: customer.segments.iter().map(ToString::to_string).collect(),
        entries,
        more,
    }
}

/// What became of the newest sends: their rows say it, the history only knows that they were handed
/// over. True if there are older ones.
fn sends(
    store: &impl Read,
    partition: u16,
    id: &CustomerId,
    mask: &Mask,
) -> Result<(Vec<(Instant, Entry)>, bool), RecoverError> {
    let mut range = Range::prefix(codec::sends_prefix(partition, id.key()));
    let table = rows::table(engine::Table::Sends);
    let mut entries = Vec::new();
    while let Some((key, value)) = store.last(table, &range)? {
        if entries.len() == TIMELINE_ROWS_MAX {
            return Ok((entries, true));
        }
        range.until = Some(key);
        let row = SendRow::decode(&value)?;
        let open = row.info.open.is_some();
        let at = if open { row.ledger.counted_at } else { row.info.settled_at };
        let state = if open { "in_flight" } else { state_word(row.ledger.state) };
        let reply = if row.info.reply.is_empty() { "no reply" } else { &row.info.reply };
        let SendInfo { kind, template, channel, attempts, .. } = &row.info;
        let text = match kind {
            Kind::Audience => format!("member of {channel}"),
            // It may go with its channel's fields, without a template.
            Kind::Webhook => format!("webhook on {channel}, attempt {attempts}: {reply}"),
            Kind::Message => {
                format!("message {template} on {channel}, attempt {attempts}: {reply}")
            }
        };
        let text = mask.text(&text).into_owned();
        let send = Some(row.ledger.send.to_string());
        let told = Some(Told::Send {
            kind: *kind,
            template: row.info.template.to_string(),
            channel: row.info.channel.to_string(),
            attempts: row.info.attempts,
            reply: row.info.reply.clone(),
        });
        let kind = state.into();
        entries.push((at, Entry { at: at.to_string(), kind, text, send, rules: vec![], told }));
    }
    Ok((entries, false))
}

/// The stable word of a send's state.
pub fn state_word(state: CountState) -> &'static str {
    match state {
        CountState::Reserved => "in_flight",
        CountState::Accepted => "accepted",
        CountState::Delivered => "delivered",
        CountState::Bounced => "bounced",
        CountState::Rejected => "rejected",
        CountState::Released => "not_sent",
        CountState::Unknown => "unknown",
    }
}

fn not_kept(names: &[Text]) -> String {
    format!("no room for these traits, they stay as they were: {}", names.join(", "))
}

fn entry(at: Instant, item: &HistoryItem, mask: &Mask) -> Entry {
    let mut send = None;
    let mut rules = Vec::new();
    let (kind, text) = match item {
        HistoryItem::Event(event) => ("event", event_text(&event.body, mask)),
        HistoryItem::NotCounted => {
            ("not_counted", "the event is not counted: too many names".to_owned())
        }
        HistoryItem::UnknownZone => {
            ("unknown_zone", "the time zone is not known; the old one stays".to_owned())
        }
        HistoryItem::TraitsNotKept(names) => ("traits_not_kept", not_kept(names)),
        HistoryItem::Entered { journey, key, .. } if key.is_empty() => {
            ("entered", format!("entered {journey}"))
        }
        HistoryItem::Entered { journey, key, .. } => {
            ("entered", format!("entered {journey} with key {key}"))
        }
        HistoryItem::NotEntered { journey, reason } => {
            ("not_entered", format!("did not enter {journey}: {}", reason.as_str()))
        }
        HistoryItem::Step { step, .. } => ("step", format!("came to step {step}")),
        HistoryItem::Exited { journey, reason, .. } => {
            ("exited", format!("left {journey}: {}", reason.as_str()))
        }
        HistoryItem::Decided { send: id, journey, step, channel, verdict, sent, .. } => {
            send = Some(id.to_string());
            rules = verdict.rules.iter().map(|rule| rule_line(rule, mask)).collect();
            let what = format!("{journey}/{step} on {channel}");
            decided(&what, verdict, *sent)
        }
        HistoryItem::Withdrawn { send: id } => {
            send = Some(id.to_string());
            ("withdrawn", "the held message is no longer wanted".to_owned())
        }
        HistoryItem::SegmentEntered(name) => ("segment", format!("became a member of {name}")),
        HistoryItem::SegmentLeft(name) => ("segment", format!("is no longer a member of {name}")),
        HistoryItem::Merged { into } => {
            ("merged", format!("was merged into {into}; everything later stands there"))
        }
        HistoryItem::Absorbed { from } => ("merged", format!("{from} was merged into this one")),
        HistoryItem::NotMerged { previous, reason } => {
            ("not_merged", format!("{previous} was not merged into this one: {}", reason.as_str()))
        }
        HistoryItem::AudienceLeft { audience, reason } => {
            ("audience_left", format!("is no longer a member of {audience}: {}", reason.as_str()))
        }
        HistoryItem::Redriven { of, send: id } => {
            send = Some(id.to_string());
            ("redriven", format!("an operator wants send {of} sent again"))
        }
        HistoryItem::Reported { send: id, state, reason, before, .. } => {
            send = Some(id.to_string());
            let mut text = format!("the provider reports {}: {reason}", state_word(*state));
            if let Some((state, since, reply)) = before {
                let _ = write!(text, "; {} since {since}: {reply}", state_word(*state));
            }
            ("reported", text)
        }
        HistoryItem::Migrated { step, .. } => {
            ("migrated", format!("moved to a newer version, at step {step}"))
        }
    };
    let text = mask.text(&text).into_owned();
    let told = Some(Told::Item(item.clone()));
    Entry { at: at.to_string(), kind: kind.into(), text, send, rules, told }
}

fn decided(what: &str, verdict: &Verdict, sent: bool) -> (&'static str, String) {
    let why = verdict
        .deciding()
        .map_or_else(String::new, |rule| format!(" by rule {}: {}", rule.rule, rule.reason));
    let text = match verdict.decision {
        Decision::Allow if sent => format!("{what} goes"),
        Decision::Allow => format!("{what} waits for a connection"),
        Decision::HoldUntil(until) => format!("{what} is held until {until}{why}"),
        Decision::NextChannel => format!("{what} is passed over{why}"),
        Decision::Refuse => format!("{what} does not go{why}"),
    };
    (decision_word(verdict.decision, sent), text)
}

/// The stable word of a decision, given whether it was handed over at once.
pub(crate) fn decision_word(decision: Decision, sent: bool) -> &'static str {
    match decision {
        Decision::Allow if sent => "sent",
        Decision::Allow => "planned",
        Decision::HoldUntil(_) => "held",
        Decision::NextChannel => "next_channel",
        Decision::Refuse => "refused",
    }
}

fn event_text(body: &EventBody, mask: &Mask) -> String {
    match body {
        EventBody::Track { name, properties } => {
            let shown: Vec<String> = properties
                .iter()
                .take(6)
                .map(|(name, value)| property(name, value, mask))
                .collect();
            format!("{name} {}", shown.join(", ")).trim_end().to_owned()
        }
        EventBody::Identify { traits } => {
            let names: Vec<&str> = traits.keys().map(|name| &**name).collect();
            format!("traits: {}", names.join(", "))
        }
        EventBody::Consent(change) => {
            let of = |name: Option<&str>| name.unwrap_or("everything").to_owned();
            format!(
                "consent {:?} for {} / {} ({})",
                change.permission,
                of(change.channel.as_ref().map(|name| name.as_str())),
                of(change.topic.as_ref().map(|name| name.as_str())),
                change.source
            )
            .to_lowercase()
        }
        EventBody::StopsLifted(channel) => {
            format!("an operator lifted the stops on addresses of {channel}")
        }
    }
}

fn property(name: &str, value: &Value, mask: &Mask) -> String {
    format!("{name}={}", mask.property(name, value))
}

/// One rule's result, as far as the mask lets it be seen.
pub(crate) fn rule_line(rule: &domain::verdict::RuleResult, mask: &Mask) -> RuleLine {
    RuleLine {
        rule: rule.rule.to_string(),
        ruling: Cow::Borrowed(match rule.ruling {
            Ruling::Allow => "allow",
            Ruling::HoldUntil(_) => "hold",
            Ruling::NextChannel => "next_channel",
            Ruling::Refuse => "refuse",
        }),
        reason: mask.text(&rule.reason.to_string()).into_owned(),
        counted: rule.counted,
        limit: rule.limit,
        earliest: rule.earliest.map(|at| at.to_string()),
        why: Some(rule.reason.clone()),
    }
}
