//! The gate: every rule is asked, then their answers are combined (semantics 16).
//!
//! Called by the engine's turn for each send that wants to go, and again for the same send when a
//! hold ends: there is one code path. It must never reserve anything or change what it reads.

use domain::ids::RuleName;
use domain::time::Instant;
use domain::verdict::{Decision, Reason, RuleKind, RuleResult, Ruling, Verdict};

use crate::ledger::History;
use crate::request::Request;
use crate::rules::frequency_cap::Asking;
use crate::rules::{Finding, catch_up, consent, reachability, suppression, validity};
use crate::set::{BUILT_IN_RULES, PolicySet, RuleRef};

/// Most later instants that are looked at for the end of a hold. If none of them is legal the last
/// one is taken: it is not too late, and the gate decides again when it comes.
pub const HOLD_ROUNDS_MAX: usize = 64;

/// Asks every rule whether a send may go at `now`.
///
/// Refuse beats next channel beats hold. A hold lasts to the first instant at which all rules
/// would allow the send, given the history as it is; if it is no longer valid then, it is refused
/// as expired, in the name of `validity`.
pub fn decide(
    request: &Request<'_>,
    history: History<'_>,
    set: &PolicySet,
    now: Instant,
) -> Verdict {
    let asking = asking(request, history, set);
    let (rules, worst) = ask(&asking, set, now);
    let mut verdict =
        Verdict { decision: Decision::Allow, earliest: Some(now), rules, policy: set.version() };
    if worst == 0 {
        return verdict;
    }
    verdict.earliest = first_legal(&verdict.rules, &asking, set);
    verdict.decision = match worst {
        1 => hold(&mut verdict, request, set),
        2 => Decision::NextChannel,
        _ => Decision::Refuse,
    };
    verdict
}

/// Whether [`decide`] would say [`Decision::Allow`], without the record of why.
pub fn allows(request: &Request<'_>, history: History<'_>, set: &PolicySet, now: Instant) -> bool {
    let class = set.class(request.class_id);
    let met = |finding: Finding| finding.ruling == Ruling::Allow;
    met(validity::judge(request, now))
        && met(catch_up::judge(request, now))
        && met(reachability::judge(request, now))
        && request.subject.suppressed.is_none()
        && met(consent::judge(request, class.consent, set.on_no_consent, now))
        && !(class.obeys_quiet_hours
            && set.quiet.iter().any(|rule| rule.until(request, set, now).is_some()))
        && !set.caps.tally(&asking(request, history, set), now).any_full()
}

/// The first of the rules about the customer herself that does not allow it: suppression, consent,
/// reachability. What goes on in time without being sent, as a membership of an audience does, is
/// asked about these only: caps and quiet hours are about the moment at which something goes.
pub fn stands_in_the_way(request: &Request<'_>, set: &PolicySet, now: Instant) -> Option<RuleKind> {
    let need = set.class(request.class_id).consent;
    let asked = [
        (RuleKind::Suppression, suppression::judge(request, set.on_suppressed, now)),
        (RuleKind::Consent, consent::judge(request, need, set.on_no_consent, now)),
        (RuleKind::Reachability, reachability::judge(request, now)),
    ];
    asked.into_iter().find(|(_, finding)| finding.ruling != Ruling::Allow).map(|(kind, _)| kind)
}

/// How strong a ruling is: the strongest of all decides.
fn rank(ruling: Ruling) -> u8 {
    match ruling {
        Ruling::Allow => 0,
        Ruling::HoldUntil(_) => 1,
        Ruling::NextChannel => 2,
        Ruling::Refuse => 3,
    }
}

/// What caps need to know, with the zone that calendar windows of the customer are reckoned in.
fn asking<'a>(request: &'a Request<'a>, history: History<'a>, set: &'a PolicySet) -> Asking<'a> {
    let obeys_caps = set.class(request.class_id).obeys_caps;
    let zone = request.subject.zone.unwrap_or(set.fallback_zone());
    let limits = set.caps.limits(request, obeys_caps);
    Asking { request, history, obeys_caps, zone, limits }
}

/// Every rule's result at an instant: the built-in rules, then the declared ones in their order.
/// And the rank of the strongest ruling.
fn ask(asking: &Asking<'_>, set: &PolicySet, now: Instant) -> (Vec<RuleResult>, u8) {
    let request = asking.request;
    let mut worst = 0;
    let mut results = Vec::with_capacity(BUILT_IN_RULES.len() + set.rules.len());
    let mut put = |rule: &RuleName, kind, finding: Finding, counted, limit| {
        let Finding { ruling, earliest, reason } = finding;
        worst = worst.max(rank(ruling));
        results.push(RuleResult {
            rule: rule.clone(),
            kind,
            ruling,
            counted,
            limit,
            earliest,
            reason,
        });
    };
    let (class, names) = (set.class(request.class_id), &set.built_in);
    let finding = suppression::judge(request, set.on_suppressed, now);
    put(&names.suppression, RuleKind::Suppression, finding, None, None);
    let finding = consent::judge(request, class.consent, set.on_no_consent, now);
    put(&names.consent, RuleKind::Consent, finding, None, None);
    let finding = reachability::judge(request, now);
    put(&names.reachability, RuleKind::Reachability, finding, None, None);
    put(&names.validity, RuleKind::Validity, validity::judge(request, now), None, None);
    put(&names.catch_up, RuleKind::CatchUp, catch_up::judge(request, now), None, None);
    let tally = set.caps.tally(asking, now);
    for rule in &set.rules {
        match *rule {
            RuleRef::Quiet(index) => {
                let rule = &set.quiet[index];
                put(&rule.name, rule.kind, rule.judge(request, set, now), None, None);
            }
            RuleRef::Cap(index) => {
                let (finding, counted, limit) = set.caps.judge(index, asking, &tally);
                let (name, kind) = set.caps.named(index);
                put(name, kind, finding, counted, limit);
            }
        }
    }
    (results, worst)
}

/// The first instant at which all rules but validity would allow the send; `None` if there is none.
///
/// Every candidate is the latest "not before" of rules that stand in the way, and none of them
/// allows the send earlier. So the first candidate that nothing stands in the way of is minimal.
/// A rule that refuses or moves on instead of holding counts here as one that holds.
fn first_legal(rules: &[RuleResult], asking: &Asking<'_>, set: &PolicySet) -> Option<Instant> {
    let others = rules.iter().filter(|rule| rule.kind != RuleKind::Validity);
    let mut at = others
        .map(|rule| rule.earliest)
        .try_fold(Instant::MIN, |latest, earliest| Some(latest.max(earliest?)))?;
    for _ in 0..HOLD_ROUNDS_MAX {
        match blocked_until(asking, set, at) {
            None => break,
            Some(Instant::MAX) => return None,
            Some(later) => at = later,
        }
    }
    Some(at)
}

/// The latest "not before" of the rules that depend on time, at an instant; `None` if none stands
/// in the way.
fn blocked_until(asking: &Asking<'_>, set: &PolicySet, at: Instant) -> Option<Instant> {
    let request = asking.request;
    let obeys_quiet_hours = set.class(request.class_id).obeys_quiet_hours;
    let quiet = if obeys_quiet_hours { &set.quiet[..] } else { &[] };
    let quiet_until = quiet.iter().filter_map(|rule| rule.until(request, set, at)).max();
    quiet_until.max(set.caps.all_room_at(asking, at))
}

/// Holds until the earliest legal instant, or refuses if the message is no longer valid then.
fn hold(verdict: &mut Verdict, request: &Request<'_>, set: &PolicySet) -> Decision {
    let until = verdict.earliest.unwrap_or(Instant::MAX);
    if until < request.valid_until {
        return Decision::HoldUntil(until);
    }
    verdict.decision = Decision::HoldUntil(until);
    let longest =
        verdict.deciding().map_or_else(|| set.built_in.validity.clone(), |rule| rule.rule.clone());
    let valid_until = request.valid_until;
    let validity = verdict.rules.iter_mut().find(|rule| rule.kind == RuleKind::Validity);
    if let Some(validity) = validity {
        validity.ruling = Ruling::Refuse;
        validity.earliest = None;
        validity.reason = Reason::HeldPastValidity { rule: longest, until, valid_until };
    }
    Decision::Refuse
}
