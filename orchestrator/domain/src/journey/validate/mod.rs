//! From a raw journey to its definition, with every problem.
//!
//! Called by the configuration. `entry` reads how customers enter, `layout` puts the tree of
//! steps into a row, `reach` finds steps that nobody can reach.

mod entry;
mod layout;
mod reach;

use std::collections::BTreeMap;

use crate::check::Check;
use crate::expression::Vocabulary;
use crate::ids::{CampaignName, JourneyName, StepId};
use crate::journey::definition::{CatchUp, EventMatch, Goal, Journey, MAX_EVENT_AGE_DAYS};
use crate::journey::raw::{RawCatchUp, RawGoal, RawJourney};
use crate::journey::steps::Step;
use crate::labels::Labels;
use crate::problem::Path;
use crate::time::Span;

pub(crate) use entry::event_match;
pub(crate) use layout::Context;

/// Most events that end a journey. Each is looked at on every event of an enrolled customer.
pub const EXITS_MAX: usize = 20;

/// Who the journey is, from its document's head.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name.
    pub name: JourneyName,
    /// Its campaign.
    pub campaign: Option<CampaignName>,
    /// Labels of its messages.
    pub labels: Labels,
    /// Hash of its canonical form.
    pub hash: String,
}

/// Validates a journey whose `spec` stands at `path`. `None` if there is any problem.
pub fn journey(
    raw: &RawJourney,
    identity: Identity,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Journey> {
    let ids = layout::ids(&raw.steps, &path.key("steps"), check);
    let words = Vocabulary::customer().with_event().with_enrollment(ids.iter().map(StepId::as_str));
    let entry = entry::entry(&raw.enter, &path.key("enter"), check);
    let goal = raw.goal.as_ref().map(|raw| goal(raw, &path.key("goal"), &words, check));
    let exits = exits(raw, path, &words, check);
    let catch_up = catch_up(raw.catch_up.as_ref(), &path.key("catch_up"), check);
    let age_path = path.key("max_event_age");
    let max_event_age = match &raw.max_event_age {
        None => Some(Span::days(MAX_EVENT_AGE_DAYS as u16)),
        Some(text) => check.span(text, &age_path),
    };
    let steps_path = path.key("steps");
    reach::check(&raw.steps, &steps_path, check);
    let nodes = layout::nodes(raw, &identity.name, &ids, &words, &steps_path, check);
    let migrate = migrate(raw, &ids, &path.key("migrate"), check);
    let (entry, reentry) = entry?;
    let mut nodes = nodes?;
    for node in &mut nodes {
        if let Step::Send(send) = &mut node.step {
            send.labels = identity.labels.with(&send.labels);
        }
    }
    Some(Journey {
        name: identity.name,
        campaign: identity.campaign,
        entry,
        reentry,
        goal: goal.map_or(Some(None), |goal| goal.map(Some))?,
        exits: exits?,
        catch_up: catch_up?,
        max_event_age: max_event_age?,
        nodes,
        migrate,
        hash: identity.hash,
    })
}

/// The ids of all steps in document order.
pub(crate) type Ids = Vec<StepId>;

fn goal(raw: &RawGoal, path: &Path, words: &Vocabulary, check: &mut Check<'_>) -> Option<Goal> {
    let matching = event_match(&raw.event, raw.when.as_deref(), path, words, check);
    let within = raw.within.as_ref().map(|text| check.span(text, &path.key("within")));
    Some(Goal { matching: matching?, within: within.map_or(Some(None), |span| span.map(Some))? })
}

fn exits(
    raw: &RawJourney,
    path: &Path,
    words: &Vocabulary,
    check: &mut Check<'_>,
) -> Option<Vec<EventMatch>> {
    let path = path.key("exit");
    if raw.exit.len() > EXITS_MAX {
        check.wrong(&path, format!("more than {EXITS_MAX} exit events"));
    }
    let exits: Vec<_> = raw
        .exit
        .iter()
        .enumerate()
        .map(|(at, exit)| {
            event_match(&exit.event, exit.when.as_deref(), &path.index(at), words, check)
        })
        .collect();
    exits.into_iter().collect()
}

fn catch_up(raw: Option<&RawCatchUp>, path: &Path, check: &mut Check<'_>) -> Option<CatchUp> {
    Some(match raw {
        None | Some(RawCatchUp::Fire) => CatchUp::Fire,
        Some(RawCatchUp::Skip { older_than }) => {
            let path = path.key("skip").key("older_than");
            CatchUp::Skip { older_than: check.span(older_than, &path)? }
        }
        Some(RawCatchUp::Spread { over }) => {
            let path = path.key("spread").key("over");
            CatchUp::Spread { over: check.span(over, &path)? }
        }
    })
}

fn migrate(
    raw: &RawJourney,
    ids: &Ids,
    path: &Path,
    check: &mut Check<'_>,
) -> BTreeMap<StepId, StepId> {
    let names = ids.iter().map(|id| id.as_str().to_owned()).collect();
    for (old, new) in &raw.migrate {
        check.step_reference(new, &names, &path.key(old.as_str()));
    }
    raw.migrate
        .iter()
        .map(|(old, new)| (StepId::from(old.as_str()), StepId::from(new.as_str())))
        .collect()
}
