//! One send in a list: what its last decision was, and what became of it.

use std::rc::Rc;

use domain::ids::{ChannelName, EnrollmentId, JourneyName, SendId, StepId};
use domain::journey::enrollment::Phase;
use domain::time::Instant;
use domain::verdict::{Decision, Reason, Verdict};
use engine::history::{HistoryItem, HistoryRow};
use engine::ledger::SendRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Read;

use super::Sight;
use super::filter::{Filter, State};
use super::newest::Visit;
use super::people::{Newer, People, Person};
use crate::access::mask::Mask;
use crate::recovery::RecoverError;

/// A send as it stands. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SendLine {
    /// Its id.
    pub send: String,
    /// When the gate decided on it last.
    pub at: String,
    /// How it stands.
    pub state: State,
    /// The customer's id.
    pub customer: String,
    /// The journey.
    pub journey: String,
    /// The step.
    pub step: String,
    /// The channel, of several the one that was tried last.
    pub channel: String,
    /// The enrollment.
    pub enrollment: String,
    /// The rule that held or refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The kind of that rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_kind: Option<String>,
    /// Why it did so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What `reason` was made of, for those who say it in another language. Not masked.
    #[serde(skip)]
    pub why: Option<Reason>,
    /// When the gate looks at it again, while it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<String>,
    /// The template, once it was handed over; a webhook has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Attempts begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u16>,
    /// What the provider said last, or what happened instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// When its present state was reached, where that is not when the gate decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
}

/// A decision of the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided<'a> {
    pub(super) send: SendId,
    pub(super) enrollment: EnrollmentId,
    pub(super) journey: &'a JourneyName,
    pub(super) step: &'a StepId,
    pub(super) channel: &'a ChannelName,
    pub(super) verdict: &'a Verdict,
}

impl<'a> Decided<'a> {
    pub(super) fn of(item: &'a HistoryItem) -> Option<Self> {
        let HistoryItem::Decided { send, enrollment, journey, step, channel, verdict, .. } = item
        else {
            return None;
        };
        let (send, enrollment) = (*send, *enrollment);
        Some(Self { send, enrollment, journey, step, channel, verdict })
    }
}

/// How a send stands, with what that was read from.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) state: State,
    /// Its row, if it was handed over.
    pub(super) row: Option<SendRow>,
    /// When the gate looks at it again.
    pub(super) next_at: Option<Instant>,
    /// When it was withdrawn.
    pub(super) withdrawn_at: Option<Instant>,
}

impl Standing {
    fn plain(state: State) -> Self {
        Self { state, row: None, next_at: None, withdrawn_at: None }
    }
}

/// Looks at the items of one row.
pub(super) struct Examiner<'a, 's, S> {
    pub(super) sight: &'a Sight<'a, S>,
    pub(super) filter: &'a Filter,
    pub(super) people: &'a mut People<'s, S>,
    pub(super) visit: &'a Visit,
}

impl<S: Read> Examiner<'_, '_, S> {
    /// The send of an item, if it is wanted and this is its last decision.
    pub(super) fn line(&mut self, item: usize) -> Result<Option<SendLine>, RecoverError> {
        let row = &self.visit.row;
        let Some(decided) = Decided::of(&row.items[item]) else {
            return Ok(None);
        };
        let (journey, channel, verdict) = (decided.journey, decided.channel, decided.verdict);
        let (decision, deciding) = (verdict.decision, verdict.deciding());
        if !self.filter.may_want(journey, channel, decision, deciding) {
            return Ok(None);
        }
        let again =
            |later: &HistoryItem| Decided::of(later).is_some_and(|it| it.send == decided.send);
        if row.items[item + 1..].iter().any(again) {
            return Ok(None);
        }
        let people = self.people.with_head(decided.send.head())?;
        let Some((person, standing)) = self.standing(&people, &decided)? else {
            return Ok(None);
        };
        if !self.filter.wants(standing.state) {
            return Ok(None);
        }
        Ok(Some(line(row.at, person, &decided, &standing, self.sight.mask)))
    }

    fn standing<'p>(
        &mut self,
        people: &'p Rc<Vec<Person>>,
        decided: &Decided<'_>,
    ) -> Result<Option<(&'p Person, Standing)>, RecoverError> {
        let (seq, row) = (self.visit.seq, &self.visit.row);
        if decided.verdict.decision == Decision::Allow {
            for person in people.iter() {
                if let Some(row) = self.people.send(person, decided.send, row.at)? {
                    return Ok(Some((person, handed_over(row))));
                }
            }
            // On its way with a customer who is being merged.
            return Ok(None);
        }
        let place = (self.visit.partition, seq);
        let mine = |person: &&Person| people.len() == 1 || person.has(self.sight.store, place);
        let Some(person) = people.iter().find(mine) else {
            return Ok(None);
        };
        let place = (self.visit.partition, seq, row.at);
        let newer = || self.people.newer(person, decided.send, place);
        let standing = not_gone(person, decided, row, newer)?;
        Ok(standing.map(|standing| (person, standing)))
    }
}

pub(super) fn handed_over(row: SendRow) -> Standing {
    let state = match row.info.open {
        Some(_) => State::InFlight,
        None => State::of_count(row.ledger.state),
    };
    Standing { row: Some(row), ..Standing::plain(state) }
}

/// How a message stands that its last decision did not let go; `None` if there was a later one.
pub(super) fn not_gone(
    person: &Person,
    decided: &Decided<'_>,
    row: &HistoryRow,
    newer: impl FnOnce() -> Result<Newer, RecoverError>,
) -> Result<Option<Standing>, RecoverError> {
    let decision = decided.verdict.decision;
    let redriven = row
        .items
        .iter()
        .any(|item| matches!(item, HistoryItem::Redriven { send, .. } if *send == decided.send));
    if decision == Decision::Refuse && !redriven {
        return Ok(Some(Standing::plain(State::Refused)));
    }
    let parked = person.parked(decided.send).map(|sending| (sending.phase, sending.next_at));
    if let (Some((Phase::Held, next_at)), Decision::HoldUntil(until)) = (parked, decision)
        && until == next_at
    {
        // An earlier hold ended before this one began.
        return Ok(Some(held(next_at)));
    }
    Ok(match (newer()?, parked) {
        (Newer::Decided, _) => None,
        (Newer::Withdrawn(at), _) => {
            Some(Standing { withdrawn_at: Some(at), ..Standing::plain(State::Withdrawn) })
        }
        (Newer::Nothing, Some((Phase::Held, next_at))) => Some(held(next_at)),
        (Newer::Nothing, Some(_)) => Some(Standing::plain(State::Planned)),
        (Newer::Nothing, None) => Some(Standing::plain(State::Refused)),
    })
}

fn held(next_at: Instant) -> Standing {
    Standing { next_at: Some(next_at), ..Standing::plain(State::Held) }
}

impl Person {
    /// Whether a row of the history belongs to one of her chains.
    fn has(&self, store: &impl Read, (partition, seq): (u16, u64)) -> bool {
        self.path.iter().filter(|(of, _, _)| *of == partition).any(|(_, _, head)| {
            let mut next = *head;
            while next > seq {
                let row = super::people::history(store, partition, next);
                next = row.ok().flatten().map_or(0, |row| row.previous);
            }
            next == seq
        })
    }
}

pub(super) fn line(
    at: Instant,
    person: &Person,
    decided: &Decided<'_>,
    standing: &Standing,
    mask: &Mask,
) -> SendLine {
    let text = |text: &str| mask.text(text).into_owned();
    let info = standing.row.as_ref().map(|row| &row.info);
    let deciding = decided.verdict.deciding();
    let settled = info.map(|info| info.settled_at).filter(|at| *at != Instant::MIN);
    SendLine {
        send: decided.send.to_string(),
        at: at.to_string(),
        state: standing.state,
        customer: text(person.customer.id.as_str()),
        journey: decided.journey.to_string(),
        step: decided.step.to_string(),
        channel: decided.channel.to_string(),
        enrollment: decided.enrollment.to_string(),
        rule: deciding.map(|rule| rule.rule.to_string()),
        rule_kind: deciding.map(|rule| rule.kind.as_str().to_owned()),
        reason: deciding.map(|rule| text(&rule.reason.to_string())),
        why: deciding.map(|rule| rule.reason.clone()),
        held_until: standing.next_at.map(|at| at.to_string()),
        template: info
            .map(|info| info.template.to_string())
            .filter(|template| !template.is_empty()),
        attempts: info.map(|info| info.attempts),
        reply: info.map(|info| text(&info.reply)).filter(|reply| !reply.is_empty()),
        settled_at: settled.or(standing.withdrawn_at).map(|at| at.to_string()),
    }
}
