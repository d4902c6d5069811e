//! What the contact policy is asked: a message at its step, or an open send before its next
//! attempt.

use domain::channel::AddressForm;
use domain::customer::Customer;
use domain::ids::{ChannelName, NameId, SendId, Topic};
use domain::journey::definition::{Journey, NodeIndex};
use domain::journey::enrollment::State;
use domain::journey::steps::send::OnCapped;
use domain::journey::steps::{Kind, Send, Step};
use domain::membership::{MEMBERSHIPS_MAX, Membership};
use domain::time::Instant;
use domain::value::{Text, Value};
use domain::verdict::{Decision, Reason, RuleKind, Ruling, Verdict};
use policies::{History, LedgerRow, Request, Subject};

use super::Asking;
use crate::audience;
use crate::catalog::Catalog;
use crate::ledger::SendRow;
use crate::turn::Loaded;

/// One question, without what the policy reads of the customer.
struct Question<'a> {
    send: SendId,
    channel: &'a ChannelName,
    topic: Option<&'a Topic>,
    names: Names,
    valid_until: Instant,
    on_capped: Option<OnCapped>,
    skip_catch_up: bool,
    address: Option<&'a str>,
}

/// The names of a question as the ledger has them.
struct Names {
    channel: NameId,
    class: NameId,
    topic: NameId,
    campaign: NameId,
    labels: NameId,
}

impl Names {
    fn of(catalog: &Catalog, journey: &Journey, step: &Send, channel: &ChannelName) -> Self {
        Self {
            channel: catalog.name(channel.as_str()),
            class: catalog.name(step.class.as_str()),
            topic: step.topic.as_ref().map_or(NameId::NONE, |topic| catalog.name(topic.as_str())),
            campaign: campaign(catalog, journey),
            labels: catalog.labels(&step.labels),
        }
    }

    /// Those of a send that was decided before.
    fn of_row(row: &LedgerRow) -> Self {
        let LedgerRow { channel, class, topic, campaign, labels, .. } = *row;
        Self { channel, class, topic, campaign, labels }
    }
}

impl Question<'_> {
    fn ask(
        self,
        customer: &Customer,
        rows: &[LedgerRow],
        now: Instant,
        catalog: &Catalog,
    ) -> Verdict {
        policies::decide(
            &self.request(customer, catalog),
            History::new(rows),
            catalog.policy(),
            now,
        )
    }

    fn request<'a>(&'a self, customer: &'a Customer, catalog: &Catalog) -> Request<'a> {
        let suppressed = |address| customer.suppressed(self.channel, address);
        Request {
            send: self.send,
            channel: self.channel,
            topic: self.topic,
            channel_id: self.names.channel,
            class_id: self.names.class,
            topic_id: self.names.topic,
            campaign_id: self.names.campaign,
            labels_id: self.names.labels,
            valid_until: self.valid_until,
            on_capped: self.on_capped,
            skip_catch_up: self.skip_catch_up,
            shadow: false,
            subject: Subject {
                zone: customer.zone.as_ref(),
                traits: &customer.traits,
                consent: &customer.consent,
                address: self.address,
                address_form: catalog
                    .channel(self.channel)
                    .map_or(AddressForm::Any, |channel| channel.address_form),
                suppressed: self.address.and_then(suppressed),
            },
        }
    }
}

/// The rule that stands in the way of a membership that the gate allowed once, if any does: what is
/// asked of the customer, not of the moment.
pub(crate) fn stands_in_the_way(
    loaded: &Loaded,
    catalog: &Catalog,
    membership: &Membership,
    now: Instant,
) -> Option<RuleKind> {
    let Membership { audience, class, topic, send, .. } = membership;
    let address = address(loaded, catalog, audience);
    let question = Question {
        send: *send,
        channel: audience,
        topic: topic.as_ref(),
        names: Names {
            channel: catalog.name(audience.as_str()),
            class: catalog.name(class.as_str()),
            topic: topic.as_ref().map_or(NameId::NONE, |topic| catalog.name(topic.as_str())),
            campaign: NameId::NONE,
            labels: NameId::NONE,
        },
        valid_until: Instant::MAX,
        on_capped: None,
        skip_catch_up: false,
        address: address.as_deref(),
    };
    policies::stands_in_the_way(&question.request(&loaded.customer, catalog), catalog.policy(), now)
}

/// The verdict on a message at its step, on one channel.
pub(super) fn of(
    loaded: &Loaded,
    now: Instant,
    catalog: &Catalog,
    asking: &Asking,
    channel: &ChannelName,
) -> Verdict {
    let (_, step) = asking.step();
    let enrollments = &loaded.customer.enrollments;
    let enrollment = enrollments.iter().find(|known| known.id == asking.enrollment);
    let (send, valid_until, skip_catch_up) = match enrollment.map(|known| (&known.state, known)) {
        Some((State::Sending(sending), known)) => {
            (sending.send, sending.valid_until, known.skip_next_send)
        }
        _ => (SendId(0), now, false),
    };
    let address = address(loaded, catalog, channel);
    let question = Question {
        send,
        channel,
        topic: step.topic.as_ref(),
        names: Names::of(catalog, &asking.journey, step, channel),
        valid_until,
        on_capped: step.on_capped,
        skip_catch_up,
        address: address.as_deref(),
    };
    let mut verdict = question.ask(&loaded.customer, rows(loaded), now, catalog);
    if step.kind == Kind::Audience && audience::is_full(&loaded.customer, channel) {
        refuse_join(&mut verdict, loaded.customer.memberships.len());
    }
    verdict
}

/// No room for one more membership is a matter of who can be reached by advertising.
fn refuse_join(verdict: &mut Verdict, memberships: usize) {
    let reachability = verdict.rules.iter_mut().find(|rule| rule.kind == RuleKind::Reachability);
    if let Some(rule) = reachability {
        (rule.ruling, rule.earliest) = (Ruling::Refuse, None);
        rule.reason = Reason::AudiencesFull;
        rule.counted = u32::try_from(memberships).ok();
        rule.limit = u32::try_from(MEMBERSHIPS_MAX).ok();
    }
    (verdict.decision, verdict.earliest) = (Decision::Refuse, None);
}

fn rows(loaded: &Loaded) -> &[LedgerRow] {
    loaded.ledger.as_deref().unwrap_or_default()
}

/// What the gate would say if a customer came to a send step now, on one of its channels. Asks
/// only: nothing is reserved or recorded. `None` if the step sends nothing by that channel.
pub fn would(
    customer: &Customer,
    rows: &[LedgerRow],
    catalog: &Catalog,
    (journey, node): (&Journey, NodeIndex),
    channel: &ChannelName,
    now: Instant,
) -> Option<Verdict> {
    let Step::Send(step) = &journey.nodes.get(usize::from(node))?.step else { return None };
    step.channels.iter().find(|(known, _)| known == channel)?;
    let zone = catalog.zone(customer.zone.as_ref());
    let address = address_of(customer, catalog, channel);
    let question = Question {
        send: SendId(0),
        channel,
        topic: step.topic.as_ref(),
        names: Names::of(catalog, journey, step, channel),
        valid_until: step.valid_for.after(now, zone),
        on_capped: step.on_capped,
        skip_catch_up: false,
        address: address.as_deref(),
    };
    Some(question.ask(customer, rows, now, catalog))
}

/// The verdict on the next attempt of a send, `None` if it is not open: to the address, and with
/// the names, of the first one. What it did on a full cap was decided with its reservation.
pub(super) fn of_retry(
    loaded: &Loaded,
    now: Instant,
    catalog: &Catalog,
    row: &SendRow,
) -> Option<Verdict> {
    let open = row.info.open.as_ref()?;
    let ledger = &row.ledger;
    let question = Question {
        send: ledger.send,
        channel: &row.info.channel,
        topic: open.topic.as_ref(),
        names: Names::of_row(ledger),
        valid_until: open.valid_until,
        on_capped: None,
        skip_catch_up: false,
        address: Some(&*open.address),
    };
    Some(question.ask(&loaded.customer, rows(loaded), now, catalog))
}

/// The verdict on a message that is sent again: to the present address, with the names of the send
/// that ended, whose own place in the caps counts as its outcome says.
pub(super) fn of_redrive(
    loaded: &Loaded,
    now: Instant,
    catalog: &Catalog,
    ended: &SendRow,
    send: SendId,
    valid_until: Instant,
) -> Verdict {
    let channel = &ended.info.channel;
    let address = address(loaded, catalog, channel);
    let question = Question {
        send,
        channel,
        topic: ended.info.kept.as_ref().and_then(|kept| kept.topic.as_ref()),
        names: Names::of_row(&ended.ledger),
        valid_until,
        on_capped: None,
        skip_catch_up: false,
        address: address.as_deref(),
    };
    question.ask(&loaded.customer, rows(loaded), now, catalog)
}

/// The customer's address on a channel, if there is one. Where the channel goes to somebody else,
/// her id stands for it.
pub(super) fn address(loaded: &Loaded, catalog: &Catalog, channel: &ChannelName) -> Option<Text> {
    address_of(&loaded.customer, catalog, channel)
}

fn address_of(customer: &Customer, catalog: &Catalog, channel: &ChannelName) -> Option<Text> {
    let info = catalog.channel(channel)?;
    if info.address_form == AddressForm::None {
        return Some(Text::from(customer.id.as_str()));
    }
    if !info.identifiers.is_empty() {
        return audience::address(customer, info);
    }
    match customer.traits.get(&info.address)? {
        Value::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// The campaign of a journey, as the ledger has it.
pub(super) fn campaign(catalog: &Catalog, journey: &Journey) -> NameId {
    journey.campaign.as_ref().map_or(NameId::NONE, |campaign| catalog.name(campaign.as_str()))
}
