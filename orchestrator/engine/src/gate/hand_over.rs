//! What a hand-over writes: the reservation in the ledger, the open row of the outbox, its attempt.

use std::sync::Arc;

use domain::ids::{CustomerKey, NameId};
use domain::journey::enrollment::Sending;
use domain::time::Instant;
use policies::{CountState, LedgerRow, Marks};

use super::{Asking, question};
use crate::catalog::Catalog;
use crate::codec;
use crate::counters::CounterKey;
use crate::journeys::position;
use crate::ledger::{self, Open, OpenInfo, SendInfo, SendRow};
use crate::note::OpenedSend;
use crate::partition::{Grant, Partition};
use crate::transaction::{Table, Write};
use crate::turn::{Begun, Loaded};

/// The commit `planned -> in_flight`: the only place where a send is reserved.
pub(super) fn run(
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
        cost_micros: catalog.most_cost(channel),
        policy: policy.version(),
        channel: catalog.name(channel.as_str()),
        class,
        topic: step.topic.as_ref().map_or(NameId::NONE, |topic| catalog.name(topic.as_str())),
        campaign: question::campaign(catalog, &asking.journey),
        labels: catalog.labels(&step.labels),
        state: CountState::Reserved,
        marks: Marks::new(policy.class(class).counts_toward_caps, false),
    };
    if grant == Grant::Accepted {
        row.state = CountState::Accepted;
    }
    let at = position(loaded, asking.enrollment);
    let trigger = at.map(|at| loaded.customer.enrollments[at].trigger.clone()).unwrap_or_default();
    let open = (grant == Grant::Slot).then(|| OpenInfo {
        address: question::address(loaded, catalog, channel).unwrap_or_default(),
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
        kind: step.kind,
        channel: channel.clone(),
        template: template.clone(),
        attempts: 1,
        reply: String::new(),
        settled_at: if grant == Grant::Accepted { begun.now } else { Instant::MIN },
        open,
        kept: None,
    };
    reserve(partition, loaded, begun, SendRow { ledger: row, info });
}

/// Writes the row of a new send: from now on it counts.
pub(super) fn reserve(
    partition: &mut Partition,
    loaded: &mut Loaded,
    begun: &mut Begun,
    row: SendRow,
) {
    if let Some(rows) = &mut loaded.ledger {
        let at = rows.partition_point(|known| known.counted_at <= row.ledger.counted_at);
        rows.insert(at, row.ledger);
    }
    spend(begun, &row, row.ledger.cost_micros);
    put(partition, loaded, begun, row);
}

/// Counts what a send costs more, or less, than was counted of it before.
pub(crate) fn spend(begun: &mut Begun, row: &SendRow, micros: i64) {
    // One message costs less than 2^31 (MESSAGE_COST_MAX_MICROS).
    if let (Ok(delta), true) = (i32::try_from(micros), micros != 0) {
        let key = CounterKey::Spent(row.info.version, row.info.node, row.ledger.channel);
        begun.deltas.push((key, delta));
    }
}

/// Writes a send's row; if it is open, notes that and asks for its attempt.
pub(super) fn put(partition: &mut Partition, loaded: &Loaded, begun: &mut Begun, row: SendRow) {
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
        partition.set_open(Open::new(customer, row));
    }
}

impl Partition {
    pub(crate) fn write_send(&self, begun: &mut Begun, customer: CustomerKey, row: &SendRow) {
        let key = codec::send_key(self.id(), customer, row.ledger.counted_at, row.ledger.send);
        begun.writes.push(Write { table: Table::Sends, key, value: Some(row.encode()) });
    }
}
