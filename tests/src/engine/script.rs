//! Scripts: one line for each thing that happens, and one for each thing that came of it.
//!
//! ```text
//! track Order Completed | {"total": 9} | id=a | ago=PT2H     & joins inputs of one turn
//! identify {"tier": "gold"}      deny email      tick JOURNEY    tick again    enroll JOURNEY KEY
//! lift email   an operator lifts the stops on her addresses
//! wait P1D     timers on the way fire when due;   sleep P1D     nothing runs until then
//! by hand      accepted   accepted in 2   rejected   suppressed   opted out   unknown
//! not sent     not sent for PT5M
//! redrive      redrive anyway   the last send that ended badly
//! report taken   report delivered   report failed   report failed for good   of the last send
//! slots 0      pause JOURNEY   resume JOURNEY   stop JOURNEY   publish   passivate   restart
//! ```

use domain::consent::{ConsentChange, Permission};
use domain::event::EventBody;
use domain::ids::{ChannelName, EnrollmentId, EventName, JourneyName};
use domain::suppression::StopReason;
use domain::time::{Instant, Span, Zone};
use domain::verdict::Decision;
use engine::Input;
use engine::catalog::Control;
use engine::history::HistoryItem;
use engine::ledger::Outcome;
use engine::report::{Report, Said};

use super::customer::{One, elapsed};
use super::given::{self, Given};

/// Runs a script for a customer with addresses and consent; compares what is written down.
#[track_caller]
pub(crate) fn check(given: Given, when: &str, expected: &str) -> One {
    check_customer(One::new(given), when, expected)
}

/// As [`check`], for a customer that is there already.
#[track_caller]
pub(crate) fn check_customer(mut one: One, when: &str, expected: &str) -> One {
    run(&mut one, when);
    let lines: Vec<&str> = one.lines().iter().map(String::as_str).collect();
    let wanted: Vec<&str> =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, wanted, "\nwhat happened:\n{}\n", lines.join("\n"));
    one
}

/// Runs a script.
pub(crate) fn run(one: &mut One, script: &str) {
    let mut ticked = None;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "wait" => one.wait_until(later(one, rest)),
            "sleep" => {
                one.now = later(one, rest);
                one.fire();
            }
            "by" => one.by_hand = true,
            "slots" => {
                one.free = rest.parse().expect("a number of slots");
                one.wake();
            }
            "pause" => control(one, rest, Control::Paused),
            "resume" => control(one, rest, Control::Running),
            "stop" => control(one, rest, Control::Stopped),
            "publish" => {
                one.given.publish();
                one.partition.set_catalog(one.given.catalog());
                one.turn(vec![Input::Refresh]);
            }
            "snapshot" => one.snapshot(),
            "passivate" => one.passivate(),
            "restart" => one.restart(),
            "tick" => {
                if rest != "again" {
                    ticked = Some((JourneyName::from(rest), one.now));
                }
                let (journey, instant) = ticked.clone().expect("a tick to repeat");
                let catalog = one.partition.catalog().clone();
                let (version, _) = catalog.current(&journey).expect("a journey");
                one.turn(vec![Input::Tick { version, instant }]);
            }
            _ => match outcome(line) {
                Some(outcome) => one.outcome(&outcome),
                None => {
                    let inputs = line.split('&').map(|part| input(one, part.trim())).collect();
                    one.turn(inputs);
                }
            },
        }
    }
}

fn later(one: &One, span: &str) -> Instant {
    let zone = Zone::parse("Europe/Madrid").expect("a zone");
    Span::parse(span).expect("a duration").after(one.now, &zone)
}

fn control(one: &mut One, journey: &str, control: Control) {
    one.given.control(journey, control);
    one.partition.set_catalog(one.given.catalog());
    one.turn(vec![Input::Refresh]);
    if one.free > 0 {
        one.wake();
    }
}

fn outcome(line: &str) -> Option<Outcome> {
    let text = |text: &str| text.to_owned();
    Some(match line {
        "accepted" => Outcome::Accepted { reply: text("250 ok"), parts: 1 },
        "rejected" => Outcome::Rejected { reply: text("550 no"), suppress: None },
        "suppressed" => Outcome::Rejected {
            reply: text("550 unknown user"),
            suppress: Some(StopReason::HardBounce),
        },
        "opted out" => {
            let suppress = Some(StopReason::OptedOut);
            Outcome::Rejected { reply: text("21610: unsubscribed"), suppress }
        }
        "not sent" => Outcome::NotSent { reason: text("451 later"), retry_after_ms: None },
        "unknown" => Outcome::Unknown { reason: text("no answer") },
        _ => {
            if let Some(parts) = line.strip_prefix("accepted in ") {
                let parts = parts.parse().expect("a number of parts");
                return Some(Outcome::Accepted { reply: text("250 ok"), parts });
            }
            let span = Span::parse(line.strip_prefix("not sent for ")?).expect("a duration");
            let retry_after_ms = Some(span.elapsed_ms());
            Outcome::NotSent { reason: text("451 later"), retry_after_ms }
        }
    })
}

fn input(one: &mut One, line: &str) -> Input {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "track" => {
            let mut parts = rest.split('|').map(str::trim);
            let name = EventName::from(parts.next().expect("a name"));
            let (mut properties, mut id, mut ago) = (Default::default(), None, 0);
            for part in parts {
                if let Some(given) = part.strip_prefix("id=") {
                    id = Some(given);
                } else if let Some(span) = part.strip_prefix("ago=") {
                    ago = Span::parse(span).expect("a duration").elapsed_ms();
                } else {
                    properties = given::map(&serde_json::from_str(part).expect("JSON"));
                }
            }
            one.event(EventBody::Track { name, properties }, id, ago)
        }
        "identify" => one.identify(&serde_json::from_str(rest).expect("JSON")),
        "deny" => {
            let channel = Some(ChannelName::from(rest));
            let permission = Permission::Denied;
            let change =
                ConsentChange { channel, topic: None, permission, source: "test".to_owned() };
            one.event(EventBody::Consent(change), None, 0)
        }
        "lift" => one.event(EventBody::StopsLifted(rest.into()), None, 0),
        "enroll" => {
            let (journey, key) = rest.split_once(' ').unwrap_or((rest, ""));
            let (journey, key) = (JourneyName::from(journey), key.into());
            Input::Enroll { journey, key, payload: Default::default(), ticket: None }
        }
        "redrive" => {
            let ended = one.sends().into_iter().rev().find(|row| row.info.kept.is_some());
            let send = ended.expect("a send that ended badly").ledger.send;
            Input::Redrive { send, even_if_arrived: rest == "anyway", ticket: None }
        }
        "report" => {
            let row = one.sends().pop().expect("a send");
            let stop = || ("ana@example.com".into(), StopReason::HardBounce);
            let suppress = (rest == "failed for good").then(stop);
            let said = match rest {
                "taken" => Said::Taken,
                "delivered" => Said::Delivered,
                _ => Said::Failed { suppress },
            };
            let report = Report { said, reason: format!("says {rest}") };
            Input::Report { send: row.ledger.send, report, ticket: None }
        }
        "timer" => Input::Timer,
        "refresh" => Input::Refresh,
        _ => panic!("`{line}` is no line of a script"),
    }
}

/// One thing that happened, in words. Events that came in go without saying.
pub(crate) fn describe(
    item: &HistoryItem,
    begun: Instant,
    name: impl Fn(EnrollmentId) -> String,
) -> Option<String> {
    Some(match item {
        HistoryItem::Event(_) => return None,
        HistoryItem::NotCounted => "not counted".to_owned(),
        HistoryItem::UnknownZone => "unknown zone".to_owned(),
        HistoryItem::TraitsNotKept(names) => format!("not kept: {}", names.join(" ")),
        HistoryItem::Entered { journey, key, .. } if key.is_empty() => format!("{journey} enter"),
        HistoryItem::Entered { journey, key, .. } => format!("{journey} enter {key}"),
        HistoryItem::NotEntered { journey, reason } => format!("{journey} not entered: {reason:?}"),
        HistoryItem::Step { enrollment, step } => format!("{} {step}", name(*enrollment)),
        HistoryItem::Exited { journey, reason, .. } => {
            format!("{journey} exit {}", reason.as_str())
        }
        HistoryItem::Withdrawn { .. } => "withdrawn".to_owned(),
        HistoryItem::SegmentEntered(segment) => format!("segment +{segment}"),
        HistoryItem::SegmentLeft(segment) => format!("segment -{segment}"),
        HistoryItem::Merged { into } => format!("merged into {into}"),
        HistoryItem::Absorbed { from } => format!("absorbed {from}"),
        HistoryItem::NotMerged { previous, reason } => format!("{previous} not merged: {reason:?}"),
        HistoryItem::Redriven { .. } => "redriven".to_owned(),
        HistoryItem::Reported { state, reason, before, .. } => {
            let before = before.as_ref().map(|(state, since, reply)| {
                format!(", was {state:?} at {}: {reply}", elapsed(since.ms_since(begun)))
            });
            format!("reported {state:?}: {reason}{}", before.unwrap_or_default())
        }
        HistoryItem::Migrated { enrollment, step } => format!("{} now {step}", name(*enrollment)),
        HistoryItem::AudienceLeft { audience, reason } => format!("left {audience}: {reason:?}"),
        HistoryItem::Decided { journey, step, channel, verdict, sent, .. } => {
            let rule = verdict.deciding().map(|rule| rule.rule.to_string()).unwrap_or_default();
            match verdict.decision {
                Decision::Allow if *sent => format!("{journey} {step} sent by {channel}"),
                Decision::Allow => format!("{journey} {step} allowed"),
                Decision::HoldUntil(until) => {
                    let until = elapsed(until.ms_since(begun));
                    format!("{journey} {step} held until {until}: {rule}")
                }
                Decision::NextChannel => format!("{journey} {step} not by {channel}: {rule}"),
                Decision::Refuse => format!("{journey} {step} refused: {rule}"),
            }
        }
    })
}
