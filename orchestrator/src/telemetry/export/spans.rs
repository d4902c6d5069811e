//! Spans of what was noted: only here do they come to be.

use domain::event::EventBody;
use domain::ids::{EnrollmentId, JourneyName, SendId, VersionNo};
use domain::time::Instant;
use domain::verdict::Decision;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use policies::CountState;
use std::sync::atomic::Ordering;

use super::resource::{attribute, text};
use crate::error::ErrorCode;
use crate::telemetry::names::{self, SpanName};
use crate::telemetry::trace::{
    Activation, Attempted, Decided, Did, FailedTurn, Idle, Ids, Interrupted, Keyed, Point, Record,
    Reported, Settled, TraceParent, attempt_ids,
};
use crate::telemetry::{CustomerHash, Seal, event_hash};
use crate::timeline::state_word;

/// Says that a span or link is sampled.
const SAMPLED: u32 = 1;

/// Makes spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Converter {
    keyed: Keyed,
    seal: Seal,
    /// What makes nanoseconds since the epoch of the tracer's clock.
    offset_ns: u64,
}

impl Converter {
    /// Given what makes nanoseconds since the epoch of the tracer's clock.
    pub(super) fn new(keyed: Keyed, offset_ns: u64) -> Self {
        Self { keyed, seal: Seal::by(&keyed.0), offset_ns }
    }

    /// The spans of one record.
    pub(super) fn spans(&self, record: &Record) -> Vec<Span> {
        match record {
            Record::Activation(activation) => self.activation(activation),
            Record::Attempt(attempted) => vec![self.attempt(attempted)],
            Record::Outcome(settled) => self.outcome(settled),
            Record::Report(reported) => self.report(reported),
            Record::Failed(failed) => vec![self.failed(failed)],
            Record::Event(idle) => self.event(idle),
            Record::Interrupted(interrupted, at_us) => vec![self.interrupted(interrupted, *at_us)],
        }
    }

    fn span(&self, name: &SpanName, ids: Ids, parent: &[u8], times: (u64, u64)) -> Span {
        let kind = match name.kind {
            "consumer" => SpanKind::Consumer,
            "client" => SpanKind::Client,
            _ => SpanKind::Internal,
        };
        let at = |us: u64| self.offset_ns.saturating_add(us.saturating_mul(1_000));
        Span {
            trace_id: ids.trace.to_vec(),
            span_id: ids.span.to_vec(),
            parent_span_id: parent.to_vec(),
            flags: SAMPLED,
            name: name.name.to_owned(),
            kind: kind.into(),
            start_time_unix_nano: at(times.0),
            end_time_unix_nano: at(times.1.max(times.0)),
            ..Span::default()
        }
    }

    fn activation(&self, activation: &Activation) -> Vec<Span> {
        let ids = self.keyed.of(activation.enrollment, activation.point);
        let durable_us = activation.durable_us.load(Ordering::Acquire);
        let (began, decided) = (activation.began_us, activation.decided_us);
        let mut root = self.span(&names::SPAN_TURN, ids, &[], (began, durable_us));
        root.attributes =
            self.about(activation, activation.step.as_ref().map(|step| step.as_str()));
        root.attributes.extend([
            text(names::INPUT, activation.inputs.words()),
            text(names::TURN_AT, activation.at.to_string()),
            text(names::CUSTOMER_HASH, CustomerHash(activation.customer).by(&self.keyed.0)),
            number(names::PARTITION, i64::from(activation.partition)),
        ]);
        root.attributes.extend(activation.exit.map(|why| text(names::EXIT_REASON, why)));
        let origins = activation.origins.iter().map(origin);
        let before = activation.before.map(|point| self.link(activation.enrollment, point));
        root.links = before.into_iter().chain(origins).collect();
        if activation.failed {
            root.status = Some(error("the enrollment ended by an error"));
        }
        let child = |name: &SpanName, at: usize| Ids {
            trace: ids.trace,
            span: self.keyed.child(ids.trace, name.name, at as u32),
        };
        let mut spans = vec![root];
        for (at, one) in activation.decisions.iter().enumerate() {
            let name = &names::SPAN_DECISION;
            let mut span = self.span(name, child(name, at), &ids.span, (began, decided));
            span.attributes = self.about(activation, Some(one.step.as_str()));
            span.attributes.extend(self.decision(one));
            spans.push(span);
        }
        let name = &names::SPAN_COMMIT;
        let mut commit = self.span(name, child(name, 0), &ids.span, (decided, durable_us));
        commit.attributes =
            self.about(activation, activation.step.as_ref().map(|step| step.as_str()));
        spans.push(commit);
        spans
    }

    fn link(&self, enrollment: EnrollmentId, point: Point) -> Link {
        let ids = self.keyed.of(enrollment, point);
        Link {
            trace_id: ids.trace.to_vec(),
            span_id: ids.span.to_vec(),
            flags: SAMPLED,
            ..Link::default()
        }
    }

    fn attempt(&self, attempted: &Attempted) -> Span {
        let Attempted { activation, began_us, ended_us, .. } = attempted;
        let ids = attempt_ids(&self.keyed, attempted);
        let root = self.keyed.of(activation.enrollment, activation.point).span;
        let mut span = self.span(&names::SPAN_ATTEMPT, ids, &root, (*began_us, *ended_us));
        span.attributes = self.attributes(attempted);
        if attempted.failed {
            span.status = Some(error(attempted.outcome));
        }
        span
    }

    fn outcome(&self, settled: &Settled) -> Vec<Span> {
        let Settled { attempted, began_us, durable_us, decided_us, .. } = settled;
        let activation = &attempted.activation;
        let point = Point::Settled(attempted.attempt.send, attempted.attempt.number);
        let ids = self.keyed.of(activation.enrollment, point);
        let mut root = self.span(&names::SPAN_OUTCOME, ids, &[], (*began_us, *durable_us));
        root.attributes = self.attributes(attempted);
        root.attributes.extend([
            attribute(names::SEND_AGAIN, Value::BoolValue(settled.again)),
            text(names::TURN_AT, settled.at.to_string()),
            text(names::CUSTOMER_HASH, CustomerHash(activation.customer).by(&self.keyed.0)),
            number(names::PARTITION, i64::from(activation.partition)),
        ]);
        let of = attempt_ids(&self.keyed, attempted);
        root.links = vec![Link {
            trace_id: of.trace.to_vec(),
            span_id: of.span.to_vec(),
            flags: SAMPLED,
            ..Link::default()
        }];
        let name = &names::SPAN_COMMIT;
        let child = Ids { trace: ids.trace, span: self.keyed.child(ids.trace, name.name, 0) };
        let mut commit = self.span(name, child, &ids.span, (*decided_us, *durable_us));
        commit.attributes = self.about(activation, Some(attempted.attempt.step.as_str()));
        vec![root, commit]
    }

    /// What the end of the process before left: an outcome without its attempt.
    fn interrupted(&self, interrupted: &Interrupted, at_us: u64) -> Span {
        let Interrupted { send, number: attempt, enrollment, .. } = interrupted;
        let ids = self.keyed.of(*enrollment, Point::Settled(*send, *attempt));
        let mut span = self.span(&names::SPAN_OUTCOME, ids, &[], (at_us, at_us));
        let Interrupted { journey, version, step, .. } = interrupted;
        let step = step.as_ref().map(|step| step.as_str());
        span.attributes = self.about_journey(*enrollment, journey, Some(*version), step);
        span.attributes.extend([
            self.send(*send),
            number(names::SEND_ATTEMPT, i64::from(*attempt)),
            text(names::CHANNEL, interrupted.channel.as_str()),
            text(names::OUTCOME, "unknown"),
            attribute(names::SEND_AGAIN, Value::BoolValue(interrupted.again)),
            text(names::TURN_AT, interrupted.at.to_string()),
            text(names::CUSTOMER_HASH, CustomerHash(interrupted.customer).by(&self.keyed.0)),
            number(names::PARTITION, i64::from(interrupted.partition)),
        ]);
        span.status = Some(error("the process ended while the message was being handed over"));
        span
    }

    fn report(&self, reported: &Reported) -> Vec<Span> {
        let Reported { enrollment, send: id, began_us, decided_us, durable_us, .. } = reported;
        let ids = self.keyed.of(*enrollment, Point::Reported(*id, reported.state));
        let mut root = self.span(&names::SPAN_REPORT, ids, &[], (*began_us, *durable_us));
        let step = reported.step.as_ref().map(|step| step.as_str());
        let about =
            self.about_journey(*enrollment, &reported.journey, Some(reported.version), step);
        root.attributes = about.clone();
        root.attributes.extend([
            self.send(*id),
            number(names::SEND_ATTEMPT, i64::from(reported.attempt)),
            text(names::CHANNEL, reported.channel.as_str()),
            text(names::SEND_STATE, state_word(reported.state)),
            text(names::TURN_AT, reported.at.to_string()),
            text(names::CUSTOMER_HASH, CustomerHash(reported.customer).by(&self.keyed.0)),
            number(names::PARTITION, i64::from(reported.partition)),
        ]);
        root.links = vec![self.link(*enrollment, Point::Settled(*id, reported.attempt))];
        if reported.state == CountState::Bounced {
            root.status = Some(error("the provider reports that the message failed"));
        }
        let name = &names::SPAN_COMMIT;
        let child = Ids { trace: ids.trace, span: self.keyed.child(ids.trace, name.name, 0) };
        let mut commit = self.span(name, child, &ids.span, (*decided_us, *durable_us));
        commit.attributes = about;
        vec![root, commit]
    }

    fn failed(&self, failed: &FailedTurn) -> Span {
        let point = Point::Failed(failed.customer, failed.at, failed.began_us);
        let ids = self.keyed.of(EnrollmentId(0), point);
        let times = (failed.began_us, failed.ended_us);
        let mut span = self.span(&names::SPAN_FAILED, ids, &[], times);
        span.attributes = vec![
            text(names::ERROR_CODE, ErrorCode::StoreCorrupt.row().code),
            text(names::TURN_AT, failed.at.to_string()),
            text(names::CUSTOMER_HASH, CustomerHash(failed.customer).by(&self.keyed.0)),
            number(names::PARTITION, i64::from(failed.partition)),
        ];
        span.status = Some(error("rows of the customer could not be read"));
        span
    }

    fn event(&self, idle: &Idle) -> Vec<Span> {
        let ids = self.keyed.of(EnrollmentId(0), idle.point());
        let times = (idle.began_us, idle.durable_us);
        let mut root = self.span(&names::SPAN_EVENT, ids, &[], times);
        let result = match &idle.did {
            Did::Repeated => "repeated",
            Did::Recorded(refused) if refused.is_empty() => "recorded",
            Did::Recorded(_) => "not_entered",
        };
        root.attributes = vec![
            text(names::EVENT_TYPE, idle.kind()),
            text(names::EVENT_HASH, event_hash(&self.keyed.0, idle.event.identity().0)),
            text(names::EVENT_RESULT, result),
            text(names::TURN_AT, idle.at.to_string()),
            text(names::CUSTOMER_HASH, CustomerHash(idle.customer).by(&self.keyed.0)),
            number(names::PARTITION, i64::from(idle.partition)),
        ];
        if let EventBody::Track { name, .. } = &idle.event.body
            && idle.known
        {
            root.attributes.push(text(names::EVENT_NAME, name.as_str()));
        }
        if let Did::Recorded(refused) = &idle.did
            && !refused.is_empty()
        {
            let why = refused.iter().map(|(name, why)| format!("{name}: {}", why.as_str()));
            let why: Vec<String> = why.collect();
            root.attributes.push(text(names::NOT_ENTERED, why.join("; ")));
        }
        root.links = idle.origin.iter().map(origin).collect();
        vec![root]
    }

    /// What every span says of its enrollment.
    fn about(&self, activation: &Activation, step: Option<&str>) -> Vec<KeyValue> {
        let Activation { enrollment, journey, version, .. } = activation;
        self.about_journey(*enrollment, journey, *version, step)
    }

    fn about_journey(
        &self,
        enrollment: EnrollmentId,
        journey: &JourneyName,
        version: Option<VersionNo>,
        step: Option<&str>,
    ) -> Vec<KeyValue> {
        let mut all = vec![
            text(names::ENROLLMENT_ID, self.seal.wrap(enrollment.0)),
            text(names::JOURNEY_ID, journey.as_str()),
        ];
        all.extend(version.map(|version| number(names::JOURNEY_VERSION, i64::from(version.0))));
        all.extend(step.map(|step| text(names::STEP_ID, step)));
        all
    }

    fn send(&self, id: SendId) -> KeyValue {
        text(names::SEND_ID, self.seal.wrap(id.0))
    }

    fn decision(&self, decided: &Decided) -> Vec<KeyValue> {
        let verdict = match decided.decision {
            Decision::Allow => "allow",
            Decision::HoldUntil(_) => "hold_until",
            Decision::NextChannel => "next_channel",
            Decision::Refuse => "refuse",
        };
        let mut all = vec![
            self.send(decided.send),
            text(names::CHANNEL, decided.channel.as_str()),
            text(names::VERDICT, verdict),
            attribute(names::SEND_SENT, Value::BoolValue(decided.sent)),
        ];
        if let Decision::HoldUntil(until) = decided.decision
            && until != Instant::MAX
        {
            all.push(text(names::NOT_BEFORE, until.to_string()));
        }
        if let Some((kind, rule)) = &decided.rule {
            all.extend([text(names::RULE, kind.as_str()), text(names::RULE_NAME, rule.as_str())]);
        }
        all
    }

    /// What spans of an attempt and of its outcome share. Of the message itself they say nothing.
    fn attributes(&self, attempted: &Attempted) -> Vec<KeyValue> {
        let Attempted { activation, attempt, outcome, .. } = attempted;
        let mut all = self.about(activation, Some(attempt.step.as_str()));
        all.extend([
            self.send(attempt.send),
            number(names::SEND_ATTEMPT, i64::from(attempt.number)),
            text(names::CHANNEL, attempt.channel.as_str()),
            text(names::OUTCOME, *outcome),
        ]);
        all
    }
}

fn origin(parent: &TraceParent) -> Link {
    Link {
        trace_id: parent.trace.to_vec(),
        span_id: parent.span.to_vec(),
        flags: u32::from(parent.flags),
        ..Link::default()
    }
}

fn error(message: &str) -> Status {
    Status { message: message.to_owned(), code: StatusCode::Error.into() }
}

fn number(name: &str, value: i64) -> KeyValue {
    attribute(name, Value::IntValue(value))
}
