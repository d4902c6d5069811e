//! Every metric, attribute and span name, with what it means.
//!
//! Names are an interface: dashboards and alerts are built on them. Nothing else in the project
//! writes such a name as text. Metrics are `cadencia_<noun>_<unit>` in base units, counters end in
//! `_total`; spans are named for the operation.

/// One metric as operators see it.
#[derive(Debug)]
pub struct Metric {
    /// Full name, with unit and `_total`.
    pub name: &'static str,
    /// What it counts or measures: a sentence without a full stop, which the exposition adds.
    pub help: &'static str,
    /// Names of its attributes; each has few values.
    pub attributes: &'static [&'static str],
}

/// Sends by what became of them.
pub const SENDS: Metric = Metric {
    name: "cadencia_sends_total",
    help: "Sends that left the gate, by channel and outcome",
    attributes: &[CHANNEL, OUTCOME],
};
/// Sends that a rule refused.
pub const REFUSALS: Metric = Metric {
    name: "cadencia_refusals_total",
    help: "Sends that the contact policy refused, by the kind of the rule that decided",
    attributes: &[RULE],
};
/// Sends that a rule held.
pub const HOLDS: Metric = Metric {
    name: "cadencia_holds_total",
    help: "Times that the contact policy held a send, by the kind of the rule that decided",
    attributes: &[RULE],
};
/// Events that came in.
pub const EVENTS: Metric = Metric {
    name: "cadencia_events_total",
    help: "Events that came in, by type and by what was done with them",
    attributes: &[TYPE, RESULT],
};
/// How late timers fire.
pub const TIMER_LATENESS: Metric = Metric {
    name: "cadencia_timer_lateness_seconds",
    help: "Time from the due instant of a timer to its hand-over to its customer",
    attributes: &[],
};
/// How long a group commit takes.
pub const COMMIT: Metric = Metric {
    name: "cadencia_commit_seconds",
    help: "Time that one group commit took, up to the durability barrier",
    attributes: &[],
};
/// How many transactions share a commit.
pub const COMMIT_TRANSACTIONS: Metric = Metric {
    name: "cadencia_commit_transactions",
    help: "Transactions in one group commit",
    attributes: &[],
};
/// Customer actors in memory.
pub const ACTIVE_CUSTOMERS: Metric = Metric {
    name: "cadencia_active_customers",
    help: "Customers whose actor is in memory",
    attributes: &[],
};
/// Timers that wait.
pub const PENDING_TIMERS: Metric = Metric {
    name: "cadencia_pending_timers",
    help: "Timers that wait, those that have become stale included",
    attributes: &[],
};
/// Sends on their way.
pub const OUTBOX_OPEN: Metric = Metric {
    name: "cadencia_outbox_open",
    help: "Sends that were handed to a channel and have no outcome yet",
    attributes: &[],
};
/// Sends that nobody can say anything about.
pub const SENDS_UNKNOWN: Metric = Metric {
    name: "cadencia_sends_unknown_total",
    help: "Sends whose outcome is unknown because the process or the connection ended",
    attributes: &[],
};
/// Input that was not taken because of a full mailbox.
pub const MAILBOX_REFUSED: Metric = Metric {
    name: "cadencia_mailbox_refused_total",
    help: "Requests answered with 429 because a partition had no credits left",
    attributes: &[],
};
/// Stops that could not be recorded.
pub const STOPS_LOST: Metric = Metric {
    name: "cadencia_stops_lost_total",
    help: "Bounces and withdrawals of consent that could not be recorded because rows of their \
           customer cannot be read, by the kind of the rule that knows nothing of them",
    attributes: &[RULE],
};
/// Exports of audiences.
pub const AUDIENCE_EXPORTS: Metric = Metric {
    name: "cadencia_audience_exports_total",
    help: "Exports of retargeting audiences, by audience and outcome",
    attributes: &[AUDIENCE, OUTCOME],
};
/// What the store takes on disk.
pub const STORE_BYTES: Metric = Metric {
    name: "cadencia_store_bytes",
    help: "Bytes of the store on disk, by part: the journal, or everything else",
    attributes: &[PART],
};
/// What runs.
pub const BUILD: Metric = Metric {
    name: "cadencia_build_info",
    help: "Version of the running program",
    attributes: &[VERSION],
};

/// Every metric.
pub const METRICS: [&Metric; 16] = [
    &SENDS,
    &REFUSALS,
    &HOLDS,
    &EVENTS,
    &TIMER_LATENESS,
    &COMMIT,
    &COMMIT_TRANSACTIONS,
    &ACTIVE_CUSTOMERS,
    &PENDING_TIMERS,
    &OUTBOX_OPEN,
    &SENDS_UNKNOWN,
    &MAILBOX_REFUSED,
    &STOPS_LOST,
    &AUDIENCE_EXPORTS,
    &STORE_BYTES,
    &BUILD,
];

/// Metric attribute: name of a channel definition.
pub const CHANNEL: &str = "channel";
/// Metric attribute: name of a channel definition that is an audience.
pub const AUDIENCE: &str = "audience";
/// Metric attribute: `accepted`, `rejected`, `not_sent` or `unknown`.
pub const OUTCOME: &str = "outcome";
/// Metric and span attribute: stable word of a rule's kind, such as `frequency_cap`.
pub const RULE: &str = "rule";
/// Metric attribute: type of an event in the tracking API, such as `track`.
pub const TYPE: &str = "type";
/// Metric attribute: what was done with an event.
pub const RESULT: &str = "result";
/// Metric attribute: part of the store, `journal` or `tables`.
pub const PART: &str = "part";
/// Metric attribute: version of the program.
pub const VERSION: &str = "version";

/// Span and log attribute: one customer's way through one journey version.
pub const ENROLLMENT_ID: &str = "enrollment.id";
/// Span and log attribute: name of the journey.
pub const JOURNEY_ID: &str = "journey.id";
/// Span and log attribute: published version of the journey.
pub const JOURNEY_VERSION: &str = "journey.version";
/// Span and log attribute: id of the step.
pub const STEP_ID: &str = "step.id";
/// Span and log attribute: id of the send, which is also the Message-ID's local part.
pub const SEND_ID: &str = "send.id";
/// Span and log attribute: `allow`, `hold_until`, `next_channel` or `refuse`.
pub const VERDICT: &str = "verdict";
/// Span and log attribute: hash of a customer's id, under which its rows are stored; the id itself
/// is never written.
pub const CUSTOMER_HASH: &str = "customer.hash";
/// Span and log attribute: number of the partition.
pub const PARTITION: &str = "partition";
/// Span and log attribute: stable code of an error (`CAD-3001`).
pub const ERROR_CODE: &str = "error.code";

/// Span: one activation of a customer, from the input to the enqueued transaction.
pub const SPAN_TURN: &str = "process turn";
/// Span: one attempt to hand a message to a provider.
pub const SPAN_ATTEMPT: &str = "attempt send";
/// Span: one group commit.
pub const SPAN_COMMIT: &str = "commit group";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_convention() {
        for metric in METRICS {
            assert!(metric.name.starts_with("cadencia_"), "{}", metric.name);
            let plain = metric.name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(plain, "{}", metric.name);
            assert!(!metric.help.ends_with('.'), "{}", metric.name);
        }
    }
}
