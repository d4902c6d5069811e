//! Writes `summary.json`, `sends.ndjson` and `report.html`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::time::Instant;
use domain::verdict::{Decision, RuleResult, Ruling, Verdict};
use serde_json::{Value, json};

use super::html;
use super::life::{Held, SendOutcome, SendRecord};
use super::sends::Sends;
use super::summary::Results;

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}")]
pub struct WriteError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// Writes the three files into a folder, which is made if it does not exist.
pub fn write(results: &Results, folder: &Path) -> Result<(), WriteError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError { path, error }
    };
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    let path = folder.join("summary.json");
    let summary = serde_json::to_string_pretty(&results.summary)
        .expect("a summary is maps of numbers with text keys");
    std::fs::write(&path, summary + "\n").map_err(at(&path))?;
    let path = folder.join("sends.ndjson");
    write_sends(&results.sends, &path).map_err(at(&path))?;
    let path = folder.join("report.html");
    std::fs::write(&path, html::page(&results.summary)).map_err(at(&path))
}

fn write_sends(sends: &Sends, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for send in sends.iter() {
        serde_json::to_writer(&mut file, &line(&send))?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

fn instant(at: Instant) -> Value {
    if at == Instant::MAX { Value::Null } else { at.to_string().into() }
}

/// One line of `sends.ndjson`.
pub(super) fn line(send: &SendRecord) -> Value {
    let sent = send.outcome == SendOutcome::Sent;
    let rule = send.verdict.deciding().map(|rule| rule.rule.to_string());
    json!({
        "send": send.send.to_string(),
        "customer": send.customer.as_str(),
        "journey": send.journey.as_str(),
        "key": &*send.key,
        "step": send.step.as_str(),
        "channel": send.channel.as_str(),
        "created_at": instant(send.created_at),
        "settled_at": instant(send.settled_at),
        "sent_at": if sent { instant(send.settled_at) } else { Value::Null },
        "outcome": send.outcome.as_str(),
        "rule": if sent || send.outcome == SendOutcome::Withdrawn { None } else { rule },
        "holds": send.holds.iter().map(hold).collect::<Vec<_>>(),
        "verdict": verdict(&send.verdict),
    })
}

fn hold(held: &Held) -> Value {
    json!({
        "at": instant(held.at),
        "until": instant(held.until),
        "rule": held.rule.as_ref().map(|rule| rule.rule.to_string()),
    })
}

/// A verdict with every rule's result, in the words that `explain` uses.
pub(super) fn verdict(verdict: &Verdict) -> Value {
    let (decision, until) = match verdict.decision {
        Decision::Allow => ("allow", None),
        Decision::HoldUntil(until) => ("hold", Some(until)),
        Decision::NextChannel => ("next_channel", None),
        Decision::Refuse => ("refuse", None),
    };
    json!({
        "decision": decision,
        "until": until.map(instant),
        "policy": verdict.policy,
        "rules": verdict.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn rule(rule: &RuleResult) -> Value {
    let (ruling, until) = match rule.ruling {
        Ruling::Allow => ("allow", None),
        Ruling::HoldUntil(until) => ("hold", Some(until)),
        Ruling::NextChannel => ("next_channel", None),
        Ruling::Refuse => ("refuse", None),
    };
    json!({
        "rule": rule.rule.as_str(),
        "kind": rule.kind.as_str(),
        "ruling": ruling,
        "until": until.map(instant),
        "counted": rule.counted,
        "limit": rule.limit,
        "earliest": rule.earliest.map(instant),
        "reason": rule.reason.to_string(),
    })
}
