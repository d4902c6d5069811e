//! One send with everything that was decided of it.

use domain::ids::{CustomerId, CustomerKey, EnrollmentId, NameId, SendId, StepId};
use domain::time::Instant;
use engine::codec;
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::SendRow;
use engine::redrive::{self, NotRedriven};
use policies::CountState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Limit, Range, Read};

use super::Sight;
use super::filter::State;
use super::line::{self, SendLine};
use super::people::{self, Newer, People, Person};
use crate::access::mask::Mask;
use crate::recovery::RecoverError;
use crate::rows;
use crate::timeline::{self, RuleLine};
use crate::web::console::counts::Spent;

/// History rows of one customer that are read back for the decisions on a send.
const DECISION_ROWS_MAX: usize = 2_000;
/// Ledger rows read at a time.
const SEND_ROWS: usize = 1_024;
/// Bytes of a send's id at the end of its row's key.
const SEND_ID_BYTES: usize = 16;

/// A send with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SendDetail {
    /// How it stands.
    #[serde(flatten)]
    pub line: SendLine,
    /// Message class, once it was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Topic of consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// What it costs, once it was handed over: the most that it may while it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Spent>,
    /// The decisions on it, the first one first.
    pub decisions: Vec<Decided>,
    /// Whether decisions that lie further back are not shown.
    pub more: bool,
    /// Whether it can be sent again.
    pub redrive: Redrive,
}

/// One decision of the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SendDecision")]
pub struct Decided {
    /// When.
    pub at: String,
    /// `sent`, `planned`, `held`, `next_channel` or `refused`.
    pub decision: String,
    /// The channel that was asked about.
    pub channel: String,
    /// Version of the contact policy.
    pub policy: u32,
    /// What each rule said.
    pub rules: Vec<RuleLine>,
}

/// Whether a send can be sent again, and what came of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redrive {
    /// Whether an operator may send it again.
    pub possible: bool,
    /// Whether she must say that it may arrive twice.
    pub may_have_arrived: bool,
    /// Why it is not possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The send that was made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated_by: Option<String>,
    /// The send that it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
}

/// A send that was found.
#[derive(Debug)]
pub struct One {
    /// Whose it is, by the id of whoever goes on.
    pub customer: CustomerId,
    /// Its row, if it was handed over.
    pub row: Option<SendRow>,
    /// All that is known of it.
    pub detail: SendDetail,
}

/// Finds a send by its id.
///
/// # Errors
/// Rows that cannot be read.
pub fn one<S: Read>(sight: &Sight<'_, S>, send: SendId) -> Result<Option<One>, RecoverError> {
    let mut people = People::new(sight.store, sight.partitions);
    let found = people.with_head(send.head())?;
    for person in found.iter() {
        let row = row(sight.store, person, send)?;
        let told = told(sight.store, person, send)?;
        if let Some(detail) = detail(sight, person, send, row.clone(), told)? {
            return Ok(Some(One { customer: person.customer.id.clone(), row, detail }));
        }
    }
    Ok(None)
}

/// The row of a send among those of its customer.
pub(super) fn row(
    store: &impl Read,
    person: &Person,
    send: SendId,
) -> Result<Option<SendRow>, RecoverError> {
    for (partition, key, _) in person.path.iter().rev() {
        if let Some(row) = row_under(store, *partition, *key, send)? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn row_under(
    store: &impl Read,
    partition: u16,
    customer: CustomerKey,
    send: SendId,
) -> Result<Option<SendRow>, RecoverError> {
    let mut range = Range::prefix(codec::sends_prefix(partition, customer));
    loop {
        let page = store.scan(rows::table(engine::Table::Sends), &range, Limit::rows(SEND_ROWS))?;
        let ends = |key: &[u8]| key.last_chunk::<SEND_ID_BYTES>() == Some(&send.0.to_be_bytes());
        if let Some((_, row)) = page.rows.iter().find(|(key, _)| ends(key)) {
            return Ok(Some(SendRow::decode(row)?));
        }
        match page.next {
            Some(next) => range = range.resume(next),
            None => return Ok(None),
        }
    }
}

/// What the history says of a send.
#[derive(Debug, Default)]
struct Told {
    /// Rows with decisions, newest first.
    rows: Vec<HistoryRow>,
    /// When it was withdrawn, if that is newer than all of these.
    withdrawn: Option<Instant>,
    /// Where it was decided.
    step: Option<(EnrollmentId, StepId)>,
    repeats: Option<SendId>,
    repeated: bool,
    more: bool,
}

fn told(store: &impl Read, person: &Person, send: SendId) -> Result<Told, RecoverError> {
    let mut told = Told::default();
    let mut left = DECISION_ROWS_MAX;
    for (partition, _, head) in person.path.iter().rev() {
        let mut next = *head;
        while next != 0 {
            if left == 0 {
                told.more = true;
                return Ok(told);
            }
            left -= 1;
            let Some(row) = people::history(store, *partition, next)? else { break };
            let previous = row.previous;
            let (decides, begins) = (told.look(&row, send), told.begins(&row));
            if decides {
                told.rows.push(row);
            }
            if begins {
                return Ok(told);
            }
            next = previous;
        }
    }
    Ok(told)
}

impl Told {
    /// Takes note of what a row says of the send. True if it was decided there.
    fn look(&mut self, row: &HistoryRow, send: SendId) -> bool {
        let (mut decides, mut withdrawn) = (false, false);
        for item in &row.items {
            match item {
                HistoryItem::Redriven { of, .. } if *of == send => self.repeated = true,
                HistoryItem::Redriven { of, send: id } if *id == send => self.repeats = Some(*of),
                HistoryItem::Decided { send: id, enrollment, step, .. } if *id == send => {
                    self.step = Some((*enrollment, step.clone()));
                    (decides, withdrawn) = (true, false);
                }
                HistoryItem::Withdrawn { send: id } if *id == send => withdrawn = true,
                _ => {}
            }
        }
        if withdrawn && self.rows.is_empty() {
            self.withdrawn = self.withdrawn.or(Some(row.at));
        }
        decides
    }

    /// Whether the step was reached in a row: nothing older is about the send. What repeats another
    /// one was decided in one row, or in several that are newer than its step.
    fn begins(&self, row: &HistoryRow) -> bool {
        row.items.iter().any(|item| match (item, &self.step) {
            (HistoryItem::Step { enrollment, step }, Some((of, at))) => {
                enrollment == of && step == at
            }
            _ => false,
        })
    }
}

fn detail<S>(
    sight: &Sight<'_, S>,
    person: &Person,
    send: SendId,
    row: Option<SendRow>,
    told: Told,
) -> Result<Option<SendDetail>, RecoverError> {
    let mask = sight.mask;
    let newest = told.rows.first().and_then(|history| {
        let decided = history
            .items
            .iter()
            .rev()
            .find_map(|item| line::Decided::of(item).filter(|decided| decided.send == send))?;
        Some((history, decided))
    });
    let line = match (newest, &row) {
        (Some((history, decided)), Some(row)) => {
            let standing = line::handed_over(row.clone());
            Some(line::line(history.at, person, &decided, &standing, mask))
        }
        (Some((history, decided)), None) => {
            let newer = told.withdrawn.map_or(Newer::Nothing, Newer::Withdrawn);
            let standing = line::not_gone(person, &decided, history, || Ok(newer))?;
            standing.map(|standing| line::line(history.at, person, &decided, &standing, mask))
        }
        (None, Some(row)) => Some(by_row(sight, person, row)),
        (None, None) => None,
    };
    let Some(line) = line else {
        return Ok(None);
    };
    let name = |id: NameId| sight.catalog.parts().names.text(id).map(str::to_owned);
    let ledger = row.as_ref().map(|row| &row.ledger);
    let redrive = Redrive {
        repeated_by: told.repeated.then(|| send.redrive().to_string()),
        repeats: told.repeats.map(|of| of.to_string()),
        ..redrivable(sight, row.as_ref())
    };
    Ok(Some(SendDetail {
        line,
        class: ledger.and_then(|ledger| name(ledger.class)),
        topic: ledger.and_then(|ledger| name(ledger.topic)),
        campaign: ledger.and_then(|ledger| name(ledger.campaign)),
        cost: ledger
            .map(|ledger| ledger.cost_micros)
            .zip(sight.catalog.currency())
            .map(|(micros, currency)| Spent { micros, currency: Some(currency.to_owned()) }),
        decisions: decisions(&told, send, mask),
        more: told.more,
        redrive,
    }))
}

/// Of a send whose decision lies too far back.
fn by_row<S>(sight: &Sight<'_, S>, person: &Person, row: &SendRow) -> SendLine {
    let text = |text: &str| sight.mask.text(text).into_owned();
    let info = &row.info;
    let version = sight.catalog.version(info.version);
    let node = version.and_then(|version| version.nodes.get(usize::from(info.node)));
    let closed = info.settled_at != Instant::MIN;
    SendLine {
        send: row.ledger.send.to_string(),
        at: row.ledger.counted_at.to_string(),
        state: match info.open {
            Some(_) => State::InFlight,
            None => State::of_count(row.ledger.state),
        },
        customer: text(person.customer.id.as_str()),
        journey: info.journey.to_string(),
        step: node.map_or_else(|| info.node.to_string(), |node| node.id.to_string()),
        channel: info.channel.to_string(),
        enrollment: info.enrollment.to_string(),
        rule: None,
        rule_kind: None,
        reason: None,
        why: None,
        held_until: None,
        template: Some(info.template.to_string()).filter(|template| !template.is_empty()),
        attempts: Some(info.attempts),
        reply: Some(text(&info.reply)).filter(|reply| !reply.is_empty()),
        settled_at: closed.then(|| info.settled_at.to_string()),
    }
}

fn redrivable<S>(sight: &Sight<'_, S>, row: Option<&SendRow>) -> Redrive {
    let Some(row) = row else {
        let reason = Some("it was not handed over".to_owned());
        return Redrive { reason, ..Redrive::default() };
    };
    let may_have_arrived = row.ledger.state == CountState::Unknown && row.info.open.is_none();
    match redrive::of(row, true, sight.catalog) {
        Ok(_) => {
            let plain = redrive::of(row, false, sight.catalog);
            let may_have_arrived = plain.err() == Some(NotRedriven::MayHaveArrived);
            Redrive { possible: true, may_have_arrived, ..Redrive::default() }
        }
        Err(why) => {
            let reason = Some(why.to_string());
            Redrive { reason, may_have_arrived, ..Redrive::default() }
        }
    }
}

fn decisions(told: &Told, send: SendId, mask: &Mask) -> Vec<Decided> {
    let mut decisions = Vec::new();
    for row in told.rows.iter().rev() {
        for item in &row.items {
            let HistoryItem::Decided { send: id, channel, verdict, sent, .. } = item else {
                continue;
            };
            if *id == send {
                decisions.push(Decided {
                    at: row.at.to_string(),
                    decision: timeline::decision_word(verdict.decision, *sent).to_owned(),
                    channel: channel.to_string(),
                    policy: verdict.policy,
                    rules: verdict.rules.iter().map(|it| timeline::rule_line(it, mask)).collect(),
                });
            }
        }
    }
    decisions
}
