//! Campaigns: the business wrapper of journeys.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Campaign
//! metadata: {name: spring-sale}
//! spec:
//!   description: Clear the winter stock
//!   goal: {event: Order Completed, within: P14D}
//!   starts: 2026-03-01
//!   ends: 2026-03-31       # the last day
//!   zone: Europe/Madrid    # of the dates
//!   journeys: [sale-announcement]
//! ```

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::ids::{CampaignName, EventName, JourneyName};
use crate::problem::{Path, Problem};
use crate::time::{Instant, Span, Zone};

/// Longest description, in characters.
pub const DESCRIPTION_MAX_CHARS: usize = 1_000;

/// A campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its name.
    pub name: CampaignName,
    /// What it is for, in words.
    pub description: Option<String>,
    /// What it wants to reach: an event, and how long after an entry it counts.
    pub goal: Option<(EventName, Option<Span>)>,
    /// Nobody enters its journeys before this instant.
    pub starts: Option<Instant>,
    /// Nobody enters its journeys at or after this instant.
    pub ends: Option<Instant>,
    /// The journeys that it names. Journeys may also name their campaign.
    pub journeys: Vec<JourneyName>,
}

/// A campaign: the business wrapper of journeys.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawCampaign {
    /// What it is for, in words.
    #[garde(length(chars, max = DESCRIPTION_MAX_CHARS))]
    pub description: Option<String>,
    /// What it wants to reach.
    pub goal: Option<RawCampaignGoal>,
    /// The first day on which customers enter its journeys (`2026-03-01`).
    pub starts: Option<String>,
    /// The last day on which customers enter its journeys.
    pub ends: Option<String>,
    /// The zone of these days (`Europe/Madrid`); required with them.
    pub zone: Option<String>,
    /// Its journeys. A journey can also name its campaign in its `metadata`.
    #[serde(default)]
    pub journeys: Vec<String>,
}

/// What a campaign wants to reach.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCampaignGoal {
    /// Name of the event.
    pub event: String,
    /// How long after an entry it counts (`P14D`).
    pub within: Option<String>,
}

/// Validates a campaign whose `spec` stands at `path`.
pub fn campaign(
    raw: &RawCampaign,
    name: CampaignName,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Campaign> {
    check.limits(raw, path);
    let goal = match &raw.goal {
        None => Some(None),
        Some(raw) => goal(raw, &path.key("goal"), check).map(Some),
    };
    let known = check.known;
    for (at, name) in raw.journeys.iter().enumerate() {
        check.reference("journey", name, &known.journeys, &path.key("journeys").index(at));
    }
    let starts = date(raw.starts.as_deref(), &path.key("starts"), check);
    let ends = date(raw.ends.as_deref(), &path.key("ends"), check);
    let zone = zone(raw, path, check);
    let (starts, ends, zone) = (starts?, ends?, zone?);
    if let (Some(first), Some(last)) = (starts, ends)
        && last < first
    {
        check.wrong(&path.key("ends"), "the campaign ends before it starts");
    }
    let start_of = |date: Date| zone.as_ref().map(|zone| zone.start_of_day(date));
    Some(Campaign {
        name,
        description: raw.description.clone(),
        goal: goal?,
        starts: starts.and_then(start_of),
        ends: ends.and_then(|last| start_of(last.saturating_add(1.day()))),
        journeys: raw.journeys.iter().map(|name| JourneyName::from(name.as_str())).collect(),
    })
}

fn goal(
    raw: &RawCampaignGoal,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<(EventName, Option<Span>)> {
    let event = check.event_name(&raw.event, &path.key("event"));
    let within = match &raw.within {
        None => None,
        Some(within) => Some(check.span(within, &path.key("within"))?),
    };
    Some((event?, within))
}

/// `Some(None)` is no date, `None` a wrong one.
fn date(text: Option<&str>, path: &Path, check: &mut Check<'_>) -> Option<Option<Date>> {
    let Some(text) = text else { return Some(None) };
    if let Ok(date) = text.parse::<Date>() {
        return Some(Some(date));
    }
    let problem = Problem::new(path.clone(), format!("`{text}` is not a date"));
    check.problem(problem.suggest("write it like `2026-03-01`"));
    None
}

fn zone(raw: &RawCampaign, path: &Path, check: &mut Check<'_>) -> Option<Option<Zone>> {
    if let Some(zone) = &raw.zone {
        return check.zone(zone, &path.key("zone")).map(Some);
    }
    for (given, key) in [(raw.starts.is_some(), "starts"), (raw.ends.is_some(), "ends")] {
        if given {
            let message = format!("`{key}` needs `zone`, where the day begins");
            let problem = Problem::new(path.key(key), message).on_key();
            check.problem(problem.suggest("add `zone: Europe/Madrid`, for example"));
            return None;
        }
    }
    Some(None)
}
