//! Same-instant candidates of one customer, in order, through the contact policy (semantics 16
//! to 21).

use std::sync::Arc;

use domain::ids::{ChannelName, EnrollmentId, NameId, SendId, StepId, VersionNo};
use domain::journey::definition::{Journey, NodeIndex};
use domain::journey::enrollment::{Phase, Sending, State};
use domain::journey::machine::Input as Told;
use domain::journey::steps::{Send, Step};
use domain::time::Instant;
use domain::verdict::{Decision, RuleKind, Verdict};
use policies::{Candidate, History, LedgerRow, Request, Subject, arbitrate, release_spread};

use crate::catalog::{Catalog, Control};
use crate::counters::CounterKey;
use crate::history::HistoryItem;
use crate::journeys::{position, tell};
use crate::ledger::{self, Open, OpenInfo, SendInfo, SendRow};
use crate::note::OpenedSend;
use crate::partition::{Grant, Partition, Slots, Waiting};
use crate::transaction::{Table, Write};
use crate::turn::{Begun, Loaded};

/// Most rounds in one turn: each round decides what the one before made reachable. Journeys have
/// no loops, so this is out of reach; it bounds the damage of a defect.
const ROUNDS_MAX: usize = 64;

/// One message that asks the gate now.
#[derive(Clone, Debug)]
struct Asking {
    enrollment: EnrollmentId,
    version: VersionNo,
    journey: Arc<Journey>,
    node: NodeIndex,
}

impl Asking {
    fn step(&self) -> (&StepId, &Send) {
        let node = &self.journey.nodes[usize::from(self.node)];
        match &node.step {
            Step::Send(send) => (&node.id, send),
            // `collect` takes only enrollments that are parked on a send.
            _ => unreachable!("an enrollment in state sending stands on a send step"),
        }
    }
}

/// Passes everything that wants to go now through the gate.
pub(crate) fn run(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
) {
    let catalog = partition.catalog().clone();
    // What follows a send counts from the commit that decides it (semantics 8), not from receipt.
    begun.at = begun.now;
    retries(partition, loaded, begun, slots, &catalog);
    for _ in 0..ROUNDS_MAX {
        let asking = collect(loaded, begun, &catalog);
        if asking.is_empty() {
            return;
        }
        for one in asking {
            ask(partition, loaded, begun, slots, &catalog, &one);
        }
        begun.slot = None;
        begun.line_up = false;
    }
}

fn collect(loaded: &Loaded, begun: &Begun, catalog: &Catalog) -> Vec<Asking> {
    let mut found = Vec::new();
    for enrollment in &loaded.customer.enrollments {
        let State::Sending(sending) = &enrollment.state else {
            continue;
        };
        let Some(journey) = catalog.version(enrollment.version) else {
            continue;
        };
        if catalog.control(&journey.name) == Control::Paused {
            continue;
        }
        let asking = Asking {
            enrollment: enrollment.id,
            version: enrollment.version,
            journey: journey.clone(),
            node: enrollment.at,
        };
        let now = begun.now;
        let asks = match sending.phase {
            Phase::New => true,
            Phase::Held => sending.next_at <= now,
            Phase::Planned => {
                let (_, step) = asking.step();
                let channel = step.channels.get(usize::from(sending.channel));
                sending.next_at <= now
                    || begun.line_up
                    || begun
                        .slot
                        .as_ref()
                        .is_some_and(|free| channel.is_some_and(|(channel, _)| channel == free))
            }
        };
        if asks {
            found.push((sending.send, sending.valid_until, asking));
        }
    }
    in_order(found)
}

fn in_order(found: Vec<(SendId, Instant, Asking)>) -> Vec<Asking> {
    if found.len() < 2 {
        return found.into_iter().map(|(_, _, asking)| asking).collect();
    }
    let mut candidates: Vec<Candidate<'_, &Asking>> = found
        .iter()
        .map(|(send, valid_until, asking)| {
            let (id, step) = asking.step();
            Candidate {
                priority: step.priority,
                value_micros: step.value_micros,
                valid_until: *valid_until,
                journey: asking.journey.name.as_str(),
                step: id.as_str(),
                send: *send,
                payload: asking,
            }
        })
        .collect();
    arbitrate(&mut candidates);
    candidates.into_iter().map(|candidate| candidate.payload.clone()).collect()
}

fn sending(loaded: &mut Loaded, id: EnrollmentId) -> Option<&mut Sending> {
    let at = position(loaded, id)?;
    match &mut loaded.customer.enrollments[at].state {
        State::Sending(sending) => Some(sending),
        State::Waiting { .. } => None,
    }
}

/// Asks channel after channel until one answers with something else than "the next one".
fn ask(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
    asking: &Asking,
) {
    let (_, step) = asking.step();
    loop {
        let Some(at) = sending(loaded, asking.enrollment).map(|sending| sending.channel) else {
            return;
        };
        let Some((channel, _)) = step.channels.get(usize::from(at)) else {
            return;
        };
        let verdict = decide(loaded, begun.now, catalog, asking, channel);
        match verdict.decision {
            Decision::Allow => {
                allowed(partition, loaded, begun, slots, catalog, asking, verdict);
                return;
            }
            Decision::HoldUntil(until) => {
                hold(loaded, begun, catalog, asking, channel, until, verdict);
                return;
            }
            Decision::NextChannel if usize::from(at) + 1 < step.channels.len() => {
                record(loaded, begun, asking, channel, verdict, false);
                if let Some(sending) = sending(loaded, asking.enrollment) {
                    sending.channel += 1;
                }
            }
            Decision::NextChannel | Decision::Refuse => {
                refuse(loaded, begun, catalog, asking, channel, verdict);
                return;
            }
        }
    }
}

/// The trait that holds the address on a channel, if the customer has one.
fn address<'a>(
    loaded: &'a Loaded,
    catalog: &Catalog,
    channel: &ChannelName,
) -> Option<&'a Arc<str>> {
    let info = catalog.channel(channel)?;
    match loaded.customer.traits.get(&info.address)? {
        domain::value::Value::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn decide(
    loaded: &Loaded,
    now: Instant,
    catalog: &Catalog,
    asking: &Asking,
    channel: &ChannelName,
) -> Verdict {
    let customer = &loaded.customer;
    let (_, step) = asking.step();
    let enrollment = customer.enrollments.iter().find(|known| known.id == asking.enrollment);
    let (send, valid_until, skip) = match enrollment.map(|known| (&known.state, known)) {
        Some((State::Sending(sending), known)) => {
            (sending.send, sending.valid_until, known.skip_next_send)
        }
        _ => (SendId(0), now, false),
    };
    let address = address(loaded, catalog, channel).map(|text| &**text);
    let request = Request {
        send,
        channel,
        topic: step.topic.as_ref(),
        channel_id: catalog.name(channel.as_str()),
        class_id: catalog.name(step.class.as_str()),
        topic_id: step.topic.as_ref().map_or(NameId::NONE, |topic| catalog.name(topic.as_str())),
        campaign_id: campaign(catalog, &asking.journey),
        valid_until,
        on_capped: step.on_capped,
        skip_catch_up: skip,
        shadow: false,
        subject: Subject {
            zone: customer.zone.as_ref(),
            consent: &customer.consent,
            address,
            suppressed: address.and_then(|address| customer.suppressed(channel, address)),
        },
    };
    let rows = loaded.ledger.as_deref().unwrap_or_default();
    policies::decide(&request, History::new(rows), catalog.policy(), now)
}

fn campaign(catalog: &Catalog, journey: &Journey) -> NameId {
    journey.campaign.as_ref().map_or(NameId::NONE, |campaign| catalog.name(campaign.as_str()))
}

fn record(
    loaded: &mut Loaded,
    begun: &mut Begun,
    asking: &Asking,
    channel: &ChannelName,
    verdict: Verdict,
    sent: bool,
) {
    let Some(send) = sending(loaded, asking.enrollment).map(|sending| sending.send) else {
        return;
    };
    begun.record(HistoryItem::Decided {
        send,
        enrollment: asking.enrollment,
        journey: asking.journey.name.clone(),
        step: asking.step().0.clone(),
        channel: channel.clone(),
        verdict,
        sent,
    });
}

fn deciding_kind(verdict: &Verdict) -> RuleKind {
    verdict.deciding().map_or(RuleKind::Validity, |rule| rule.kind)
}

fn hold(
    loaded: &mut Loaded,
    begun: &mut Begun,
    catalog: &Catalog,
    asking: &Asking,
    channel: &ChannelName,
    until: Instant,
    verdict: Verdict,
) {
    let key = CounterKey::Held(asking.version, asking.node, deciding_kind(&verdict));
    begun.deltas.push((key, 1));
    record(loaded, begun, asking, channel, verdict, false);
    let spread_ms = catalog.channel(channel).map_or(0, |info| info.spread_ms);
    if let Some(sending) = sending(loaded, asking.enrollment) {
        let spread = until.plus_ms(release_spread(sending.send, spread_ms));
        // Spreading must not turn a hold into an expiry.
        sending.next_at = spread.min(sending.valid_until.plus_ms(-1)).max(until);
        sending.phase = Phase::Held;
    }
}

fn refuse(
    loaded: &mut Loaded,
    begun: &mut Begun,
    catalog: &Catalog,
    asking: &Asking,
    channel: &ChannelName,
    verdict: Verdict,
) {
    let kind = deciding_kind(&verdict);
    begun.deltas.push((CounterKey::Refused(asking.version, asking.node, kind), 1));
    record(loaded, begun, asking, channel, verdict, false);
    if let Some(at) = position(loaded, asking.enrollment) {
        loaded.customer.enrollments[at].skip_next_send = false;
        let outcome = format!("refused:{}", kind.as_str());
        tell(loaded, at, Told::SendDone { outcome: &outcome, refused: true }, catalog, begun);
    }
}

/// The gate allows it: it goes if a connection slot is free, else it waits for one.
fn allowed(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
    asking: &Asking,
    verdict: Verdict,
) {
    let (_, step) = asking.step();
    let Some(current) = sending(loaded, asking.enrollment).cloned() else {
        return;
    };
    let (channel, _) = &step.channels[usize::from(current.channel)];
    let called = begun.slot.as_ref() == Some(channel);
    let grant =
        if called || !partition.others_wait(channel) { slots.take(channel) } else { Grant::None };
    if grant == Grant::None {
        partition.wait(Waiting::new(channel, step.priority, &current, loaded.customer.key()));
        if current.phase != Phase::Planned {
            begun.changed = true;
        }
        if let Some(sending) = sending(loaded, asking.enrollment) {
            sending.phase = Phase::Planned;
            // The timer only watches over its validity: a free slot wakes it.
            sending.next_at = sending.valid_until;
        }
        return;
    }
    record(loaded, begun, asking, channel, verdict, true);
    hand_over(partition, loaded, begun, catalog, asking, &current, grant);
    let sent = catalog.name(channel.as_str());
    begun.deltas.push((CounterKey::Sent(asking.version, asking.node, sent), 1));
    if let Some(at) = position(loaded, asking.enrollment) {
        loaded.customer.enrollments[at].last_send = Some(current.send);
        tell(loaded, at, Told::SendDone { outcome: "sent", refused: false }, catalog, begun);
    }
}

/// The commit `planned -> in_flight`: the only place where a send is reserved.
fn hand_over(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    catalog: &Catalog,
    asking: &Asking,
    current: &Sending,
    grant: Grant,
) {
    let (id, step) = asking.step();
    let (channel, template) = &step.channels[usize::from(current.channel)];
    let policy = catalog.policy();
    let class = catalog.name(step.class.as_str());
    let mut row = LedgerRow {
        send: current.send,
        counted_at: begun.now,
        cost_micros: 0,
        policy: policy.version(),
        channel: catalog.name(channel.as_str()),
        class,
        topic: step.topic.as_ref().map_or(NameId::NONE, |topic| catalog.name(topic.as_str())),
        campaign: campaign(catalog, &asking.journey),
        state: policies::CountState::Reserved,
        counts_toward_caps: policy.class(class).counts_toward_caps,
        shadow: false,
    };
    if grant == Grant::Accepted {
        row.state = policies::CountState::Accepted;
    }
    let at = position(loaded, asking.enrollment);
    let trigger = at.map(|at| loaded.customer.enrollments[at].trigger.clone()).unwrap_or_default();
    let open = (grant == Grant::Slot).then(|| OpenInfo {
        address: address(loaded, catalog, channel).cloned().unwrap_or_else(|| Arc::from("")),
        step: id.clone(),
        class: step.class.clone(),
        topic: step.topic.clone(),
        valid_until: current.valid_until,
        delivery: step.delivery,
        trigger,
        retry_at: None,
        maybe_sent: false,
    });
    let info = SendInfo {
        journey: asking.journey.name.clone(),
        version: asking.version,
        node: asking.node,
        enrollment: asking.enrollment,
        channel: channel.clone(),
        template: template.clone(),
        attempts: 1,
        reply: String::new(),
        settled_at: if grant == Grant::Accepted { begun.now } else { Instant::MIN },
        open,
    };
    let row = SendRow { ledger: row, info };
    if let Some(rows) = &mut loaded.ledger {
        let at = rows.partition_point(|known| known.counted_at <= row.ledger.counted_at);
        rows.insert(at, row.ledger);
    }
    put(partition, loaded, begun, row);
}

/// Writes a send's row; if it is open, notes that and asks for its attempt.
fn put(partition: &mut Partition, loaded: &Loaded, begun: &mut Begun, row: SendRow) {
    let customer = loaded.customer.key();
    begun.changed = true;
    partition.write_send(begun, customer, &row);
    if let Some(open) = &row.info.open {
        let retry_at = open.retry_at;
        begun.opened.push(OpenedSend {
            send: row.ledger.send,
            customer,
            counted_at: row.ledger.counted_at,
            retry_at,
        });
        if retry_at.is_none() {
            begun.attempts.extend(ledger::attempt(&loaded.customer, &row).map(Arc::new));
        }
        partition.set_open(Open { customer, row });
    }
}

impl Partition {
    pub(crate) fn write_send(
        &self,
        begun: &mut Begun,
        customer: domain::ids::CustomerKey,
        row: &SendRow,
    ) {
        let key =
            crate::codec::send_key(self.id(), customer, row.ledger.counted_at, row.ledger.send);
        begun.writes.push(Write { table: Table::Sends, key, value: Some(row.encode()) });
    }
}

/// Open sends whose next attempt is due: the policy is asked again in the commit that sends them
/// (DESIGN "Sending"), and their own reservation does not count against them.
fn retries(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    slots: &mut dyn Slots,
    catalog: &Catalog,
) {
    for send in std::mem::take(&mut begun.retries) {
        let Some(mut open) = partition.open(send).cloned() else {
            continue;
        };
        if open.row.info.open.as_ref().is_none_or(|open| open.retry_at.is_none()) {
            continue;
        }
        let decision = decide_retry(loaded, begun.now, catalog, &open.row);
        let again = match decision {
            Decision::Allow => slots.take(&open.row.info.channel) != Grant::None,
            Decision::HoldUntil(until) => {
                retry_at(&mut open.row, Some(until));
                put(partition, loaded, begun, open.row);
                continue;
            }
            Decision::NextChannel | Decision::Refuse => {
                partition.settle_open(begun, loaded, open, policies::CountState::Released);
                continue;
            }
        };
        if again {
            open.row.info.attempts += 1;
            retry_at(&mut open.row, None);
        } else {
            retry_at(&mut open.row, Some(begun.now.plus_ms(NO_SLOT_PAUSE_MS)));
        }
        put(partition, loaded, begun, open.row);
    }
}

/// Pause before a retry asks again for a connection slot.
const NO_SLOT_PAUSE_MS: i64 = 1_000;

fn retry_at(row: &mut SendRow, at: Option<Instant>) {
    if let Some(open) = &mut row.info.open {
        open.retry_at = at;
    }
}

fn decide_retry(loaded: &Loaded, now: Instant, catalog: &Catalog, row: &SendRow) -> Decision {
    let Some(open) = &row.info.open else {
        return Decision::Refuse;
    };
    let customer = &loaded.customer;
    let channel = &row.info.channel;
    let address = Some(&*open.address);
    let request = Request {
        send: row.ledger.send,
        channel,
        topic: open.topic.as_ref(),
        channel_id: row.ledger.channel,
        class_id: row.ledger.class,
        topic_id: row.ledger.topic,
        campaign_id: row.ledger.campaign,
        valid_until: open.valid_until,
        on_capped: None,
        skip_catch_up: false,
        shadow: false,
        subject: Subject {
            zone: customer.zone.as_ref(),
            consent: &customer.consent,
            address,
            suppressed: address.and_then(|address| customer.suppressed(channel, address)),
        },
    };
    let rows = loaded.ledger.as_deref().unwrap_or_default();
    policies::decide(&request, History::new(rows), catalog.policy(), now).decision
}
