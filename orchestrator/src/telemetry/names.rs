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
    help: "Sends that left the gate and ended, by channel and outcome; one that is tried again has \
           not ended",
    attributes: &[CHANNEL, OUTCOME],
};
/// Reports of providers.
pub const REPORTS: Metric = Metric {
    name: "cadencia_reports_total",
    help: "What providers reported of messages that they had taken, by channel and by what they \
           said",
    attributes: &[CHANNEL, REPORT],
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
/// Input that was not taken because something was full.
pub const MAILBOX_REFUSED: Metric = Metric {
    name: "cadencia_mailbox_refused_total",
    help: "Requests answered with 429 because a partition had no credits left, and single inputs \
           not taken because the queue of their customer or their lane was full",
    attributes: &[],
};
/// Turns that were given up because of their size.
pub const TURNS_TOO_LARGE: Metric = Metric {
    name: "cadencia_turns_too_large_total",
    help: "Turns that were dropped because what they decided does not fit into one transaction",
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

/// How long attempts take.
pub const ATTEMPT: Metric = Metric {
    name: "cadencia_attempt_seconds",
    help: "Time that one attempt to hand a message to its provider took",
    attributes: &[CHANNEL],
};
/// Telemetry that did not reach its collector.
pub const TELEMETRY_DROPPED: Metric = Metric {
    name: "cadencia_telemetry_dropped_total",
    help: "Records of telemetry that did not reach the collector, because the queue was full or \
           the collector did not take them",
    attributes: &[SIGNAL],
};

/// Every metric.
pub const METRICS: [&Metric; 20] = [
    &SENDS,
    &REPORTS,
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
    &TURNS_TOO_LARGE,
    &STOPS_LOST,
    &AUDIENCE_EXPORTS,
    &STORE_BYTES,
    &ATTEMPT,
    &TELEMETRY_DROPPED,
    &BUILD,
];

/// One attribute of metrics, or of spans and logs.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What its values are: a phrase in Markdown, without a full stop.
    pub help: &'static str,
}

/// One span as operators see it.
#[derive(Debug)]
pub struct SpanName {
    /// The name: the operation.
    pub name: &'static str,
    /// Its kind by OpenTelemetry's words.
    pub kind: &'static str,
    /// What it covers: a sentence without a full stop.
    pub help: &'static str,
    /// What it points at besides its parent: a sentence without a full stop; empty for nothing.
    pub links: &'static str,
    /// Names of its attributes.
    pub attributes: &'static [&'static str],
}

/// Name of an applied `Channel` definition.
pub const CHANNEL: &str = "channel";
/// Name of an applied `Audience` definition.
pub const AUDIENCE: &str = "audience";
/// `accepted`, `rejected`, `not_sent` or `unknown`; of a send also `delivered` or `bounced`, where
/// the report of its provider came before the answer.
pub const OUTCOME: &str = "outcome";
/// `taken`, `delivered`, `failed` or `refused`.
pub const REPORT: &str = "report";
/// Kind of a rule: `suppression`, `consent`, `holdout`, `validity`, `quiet_hours`,
/// `frequency_cap`, `budget`, `channel_rate`, `reachability`, `catch_up`, `minimum_gap`,
/// `send_window`.
pub const RULE: &str = "rule";
/// `identify`, `track`, `page`, `screen`, `group`, `alias`, `delivery` or `other`.
pub const TYPE: &str = "type";
/// `accepted` or `rejected`.
pub const RESULT: &str = "result";
/// `journal` or `tables`.
pub const PART: &str = "part";
/// `traces`, `logs` or `metrics`.
pub const SIGNAL: &str = "signal";
/// Version of the program.
pub const VERSION: &str = "version";
/// One customer's way through one journey version, wrapped; what to search for to follow it.
pub const ENROLLMENT_ID: &str = "enrollment.id";
/// Name of the journey.
pub const JOURNEY_ID: &str = "journey.id";
/// Number of the published version.
pub const JOURNEY_VERSION: &str = "journey.version";
/// Id of the step.
pub const STEP_ID: &str = "step.id";
/// Id of the send, wrapped.
pub const SEND_ID: &str = "send.id";
/// Whether the message was handed over in this very commit.
pub const SEND_SENT: &str = "send.sent";
/// Number of the attempt, from 1.
pub const SEND_ATTEMPT: &str = "send.attempt";
/// Whether the send is tried again.
pub const SEND_AGAIN: &str = "send.again";
/// How the send stands since then: `accepted`, `delivered`, `bounced` or `unknown`.
pub const SEND_STATE: &str = "send.state";
/// `allow`, `hold_until`, `next_channel` or `refuse`.
pub const VERDICT: &str = "verdict";
/// Name of the deciding rule in the contact policy.
pub const RULE_NAME: &str = "rule.name";
/// Until when it is held, RFC 3339.
pub const NOT_BEFORE: &str = "verdict.not_before";
/// Why the enrollment ended: `completed`, `goal`, `exit_condition`, `exit_step`, `refused`,
/// `past_date`, `stopped`, `withdrawn`, `error`.
pub const EXIT_REASON: &str = "exit.reason";
/// What the turn was given, separated by commas: `event`, `recorded`, `timer`, `slot`, `retry`,
/// `outcome`, `tick`, `enroll`, `merge`, `refresh`, `redrive`, `report`.
pub const INPUT: &str = "input";
/// The instant of the turn by the server's clock, as the timeline shows it.
pub const TURN_AT: &str = "turn.at";
/// Keyed hash of the customer's id: `cadencia customer-hash` makes it of an id; the id itself is
/// never written.
pub const CUSTOMER_HASH: &str = "customer.hash";
/// Number of the partition.
pub const PARTITION: &str = "partition";
/// `track`, `identify` or `consent`.
pub const EVENT_TYPE: &str = "event.type";
/// Name of the event, if a journey is entered by it; others are their senders' words.
pub const EVENT_NAME: &str = "event.name";
/// Keyed hash of the event's message id: `cadencia telemetry-id --message` makes it of an id.
pub const EVENT_HASH: &str = "event.hash";
/// `repeated`, `not_entered` or `recorded`.
pub const EVENT_RESULT: &str = "event.result";
/// Journeys that the event enters, each with why it did not take the customer in.
pub const NOT_ENTERED: &str = "not_entered";
/// Stable code of an error (`CAD-3001`).
pub const ERROR_CODE: &str = "error.code";

/// Attributes of metrics; each has few values.
pub const METRIC_ATTRIBUTES: [Attribute; 10] = [
    Attribute { name: AUDIENCE, help: "name of an applied `Audience` definition" },
    Attribute { name: CHANNEL, help: "name of an applied `Channel` definition" },
    Attribute {
        name: OUTCOME,
        help: "`accepted`, `rejected`, `not_sent` or `unknown`; of a send also `delivered` or \
               `bounced`, where the report of its provider came before the answer",
    },
    Attribute { name: REPORT, help: "`taken`, `delivered`, `failed` or `refused`" },
    Attribute {
        name: RULE,
        help: "kind of a rule: `suppression`, `consent`, `holdout`, `validity`, \
               `quiet_hours`, `frequency_cap`, `budget`, `channel_rate`, `reachability`, \
               `catch_up`, `minimum_gap`, `send_window`",
    },
    Attribute {
        name: TYPE,
        help: "`identify`, `track`, `page`, `screen`, `group`, `alias`, `delivery` or \
               `other`",
    },
    Attribute { name: RESULT, help: "`accepted` or `rejected`" },
    Attribute { name: PART, help: "`journal` or `tables`" },
    Attribute { name: SIGNAL, help: "`traces`, `logs` or `metrics`" },
    Attribute { name: VERSION, help: "version of the program" },
];

/// Attributes of spans and logs.
pub const SPAN_ATTRIBUTES: [Attribute; 23] = [
    Attribute {
        name: ENROLLMENT_ID,
        help: "one customer's way through one journey version, its id wrapped by the server's \
               secret; what to search for to follow it",
    },
    Attribute { name: JOURNEY_ID, help: "name of the journey" },
    Attribute { name: JOURNEY_VERSION, help: "number of the published version" },
    Attribute { name: STEP_ID, help: "id of the step" },
    Attribute {
        name: SEND_ID,
        help: "id of the send, wrapped by the server's secret: `cadencia telemetry-id` gives it \
               back, as it stands in the Message-ID and in the ledger",
    },
    Attribute { name: SEND_SENT, help: "whether the message was handed over in this very commit" },
    Attribute { name: SEND_ATTEMPT, help: "number of the attempt, from 1" },
    Attribute { name: SEND_AGAIN, help: "whether the send is tried again" },
    Attribute {
        name: SEND_STATE,
        help: "how the send stands since then: `accepted`, `delivered`, `bounced` or `unknown`",
    },
    Attribute { name: VERDICT, help: "`allow`, `hold_until`, `next_channel` or `refuse`" },
    Attribute { name: RULE_NAME, help: "name of the deciding rule in the contact policy" },
    Attribute { name: NOT_BEFORE, help: "until when it is held, RFC 3339" },
    Attribute {
        name: EXIT_REASON,
        help: "why the enrollment ended: `completed`, `goal`, `exit_condition`, `exit_step`, \
               `refused`, `past_date`, `stopped`, `withdrawn`, `error`",
    },
    Attribute {
        name: INPUT,
        help: "what the turn was given, separated by commas: `event`, `recorded`, `timer`, \
               `slot`, `retry`, `outcome`, `tick`, `enroll`, `merge`, `refresh`, `redrive`, \
               `report`",
    },
    Attribute {
        name: TURN_AT,
        help: "the instant of the turn by the server's clock, as the timeline shows it",
    },
    Attribute {
        name: CUSTOMER_HASH,
        help: "keyed hash of the customer's id: `cadencia customer-hash` makes it of an id; \
               the id itself is never written",
    },
    Attribute { name: PARTITION, help: "number of the partition" },
    Attribute { name: EVENT_TYPE, help: "`track`, `identify` or `consent`" },
    Attribute {
        name: EVENT_NAME,
        help: "name of the event, if a journey is entered by it; any other is its sender's word, \
               and stays out",
    },
    Attribute {
        name: EVENT_HASH,
        help: "keyed hash of the event's message id: `cadencia telemetry-id --message` makes it of \
               an id",
    },
    Attribute {
        name: EVENT_RESULT,
        help: "`repeated` (its message id was known), `not_entered` (no journey took the customer \
               in) or `recorded` (it is in the profile, and nothing waits for it)",
    },
    Attribute {
        name: NOT_ENTERED,
        help: "the journeys that the event enters, each with why it did not take the customer in",
    },
    Attribute { name: ERROR_CODE, help: "stable code of an error (`CAD-3001`)" },
];

/// What all spans of an activation say.
const ABOUT: &[&str] = &[ENROLLMENT_ID, JOURNEY_ID, JOURNEY_VERSION, STEP_ID];

/// Span: one activation of an enrollment.
pub const SPAN_TURN: SpanName = SpanName {
    name: "process turn",
    kind: "consumer",
    help: "One activation: what one turn of a customer did to one enrollment, from the start of \
           the turn until it is durable. The root of its trace",
    links: "the activation of the enrollment before this one (of a message that is tried or sent \
            again: the outcome before it), and the spans of those who sent the events \
            (`traceparent`)",
    attributes: &[
        ENROLLMENT_ID,
        JOURNEY_ID,
        JOURNEY_VERSION,
        STEP_ID,
        INPUT,
        TURN_AT,
        EXIT_REASON,
        CUSTOMER_HASH,
        PARTITION,
    ],
};
/// Span: one answer of the contact policy.
pub const SPAN_DECISION: SpanName = SpanName {
    name: "decide send",
    kind: "internal",
    help: "One answer of the contact policy, with the rule that decided",
    links: "",
    attributes: &[
        ENROLLMENT_ID,
        JOURNEY_ID,
        JOURNEY_VERSION,
        STEP_ID,
        SEND_ID,
        CHANNEL,
        VERDICT,
        RULE,
        RULE_NAME,
        NOT_BEFORE,
        SEND_SENT,
    ],
};
/// Span: from the decision to its durability.
pub const SPAN_COMMIT: SpanName = SpanName {
    name: "commit group",
    kind: "internal",
    help: "From the decision until the group commit that holds it is durable",
    links: "",
    attributes: ABOUT,
};
/// Span: one attempt to hand a message to a provider.
pub const SPAN_ATTEMPT: SpanName = SpanName {
    name: "attempt send",
    kind: "client",
    help: "One attempt to hand a message to its provider, rendering included",
    links: "",
    attributes: &[
        ENROLLMENT_ID,
        JOURNEY_ID,
        JOURNEY_VERSION,
        STEP_ID,
        SEND_ID,
        SEND_ATTEMPT,
        CHANNEL,
        OUTCOME,
    ],
};
/// Span: an outcome that came home.
pub const SPAN_OUTCOME: SpanName = SpanName {
    name: "process outcome",
    kind: "consumer",
    help: "What a provider said, from when it came home until it is durable; or `unknown`, found \
           by a start, of an attempt that the end of the process interrupted. A trace of its own",
    links: "the attempt that it is the outcome of, unless that was interrupted",
    attributes: &[
        ENROLLMENT_ID,
        JOURNEY_ID,
        JOURNEY_VERSION,
        STEP_ID,
        SEND_ID,
        SEND_ATTEMPT,
        CHANNEL,
        OUTCOME,
        SEND_AGAIN,
        TURN_AT,
        CUSTOMER_HASH,
        PARTITION,
    ],
};
/// Span: a report of a provider.
pub const SPAN_REPORT: SpanName = SpanName {
    name: "process report",
    kind: "consumer",
    help: "What a provider called back with, once it changes how the send stands, until that is \
           durable. A trace of its own",
    links: "the outcome of the last attempt",
    attributes: &[
        ENROLLMENT_ID,
        JOURNEY_ID,
        JOURNEY_VERSION,
        STEP_ID,
        SEND_ID,
        SEND_ATTEMPT,
        CHANNEL,
        SEND_STATE,
        TURN_AT,
        CUSTOMER_HASH,
        PARTITION,
    ],
};
/// Span: a turn that failed.
pub const SPAN_FAILED: SpanName = SpanName {
    name: "fail turn",
    kind: "consumer",
    help: "A turn of which nothing was taken in, because rows of its customer cannot be read. A \
           trace of its own",
    links: "",
    attributes: &[ERROR_CODE, TURN_AT, CUSTOMER_HASH, PARTITION],
};

/// Span: an event that did nothing to any enrollment.
pub const SPAN_EVENT: SpanName = SpanName {
    name: "process event",
    kind: "consumer",
    help: "An event that did nothing to any enrollment, and why, from the start of its turn until \
           that is durable. A trace of its own",
    links: "the span of whoever sent it (`traceparent`)",
    attributes: &[
        EVENT_TYPE,
        EVENT_NAME,
        EVENT_HASH,
        EVENT_RESULT,
        NOT_ENTERED,
        TURN_AT,
        CUSTOMER_HASH,
        PARTITION,
    ],
};

/// Every span.
pub const SPANS: [&SpanName; 8] = [
    &SPAN_TURN,
    &SPAN_DECISION,
    &SPAN_COMMIT,
    &SPAN_ATTEMPT,
    &SPAN_OUTCOME,
    &SPAN_EVENT,
    &SPAN_REPORT,
    &SPAN_FAILED,
];

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

    #[test]
    fn every_attribute_is_declared_once() {
        let mut names: Vec<&str> =
            METRIC_ATTRIBUTES.iter().chain(&SPAN_ATTRIBUTES).map(|one| one.name).collect();
        for used in METRICS.iter().flat_map(|metric| metric.attributes) {
            assert!(METRIC_ATTRIBUTES.iter().any(|one| one.name == *used), "{used}");
        }
        for used in SPANS.iter().flat_map(|span| span.attributes) {
            assert!(names.contains(used), "{used}");
        }
        let declared = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), declared);
    }
}
