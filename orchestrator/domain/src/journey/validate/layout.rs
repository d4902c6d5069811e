//! From the tree of steps to a row of nodes, in document order.
//!
//! A node's arms follow it directly; the last node of an arm leads to what follows the branch.

use std::collections::BTreeMap;

use super::Ids;
use crate::check::Check;
use crate::expression::Vocabulary;
use crate::ids::{JourneyName, StepId};
use crate::journey::definition::{JOURNEY_DEPTH_MAX, JOURNEY_STEPS_MAX, Node, NodeIndex};
use crate::journey::raw::RawJourney;
use crate::journey::steps::{Exit, RawStep, Step};
use crate::problem::{Path, Problem};

/// What a step that has arms must know of its place.
#[derive(Debug)]
pub(crate) struct Arms {
    /// Index of the first node below it.
    first: usize,
    sizes: Vec<usize>,
}

impl Arms {
    fn of(step: &RawStep, at: usize) -> Self {
        let sizes = step.arms().iter().map(|(_, steps)| size(steps)).collect();
        Self { first: at + 1, sizes }
    }

    /// First node of each arm in order; `None` for an empty one.
    pub(crate) fn firsts(&self) -> Vec<Option<NodeIndex>> {
        let mut next = self.first;
        self.sizes
            .iter()
            .map(|size| {
                let first = (*size > 0).then_some(next as NodeIndex);
                next += size;
                first
            })
            .collect()
    }
}

/// Number of steps, arms included.
fn size(steps: &[RawStep]) -> usize {
    steps.iter().map(|step| 1 + step.arms().iter().map(|(_, arm)| size(arm)).sum::<usize>()).sum()
}

/// The ids of all steps in document order: declared, or kind and number.
pub(super) fn ids(steps: &[RawStep], path: &Path, check: &mut Check<'_>) -> Ids {
    let mut naming = Naming::default();
    naming.walk(steps, path, 0, check);
    naming.ids
}

#[derive(Debug, Default)]
struct Naming {
    ids: Ids,
    taken: BTreeMap<StepId, Path>,
    counts: BTreeMap<&'static str, usize>,
    too_deep: bool,
}

impl Naming {
    fn walk(&mut self, steps: &[RawStep], path: &Path, depth: usize, check: &mut Check<'_>) {
        if depth > JOURNEY_DEPTH_MAX && !self.too_deep {
            self.too_deep = true;
            let message = format!("steps are nested deeper than {JOURNEY_DEPTH_MAX} levels");
            check.problem(Problem::new(path.clone(), message).on_key());
        }
        for (at, step) in steps.iter().enumerate() {
            let path = path.index(at).key(step.kind());
            let count = self.counts.entry(step.kind()).or_default();
            *count += 1;
            let (id, place) = match step.id() {
                // An id that is no name is reported here, and still stands for its step.
                Some(id) => {
                    let path = path.key("id");
                    check.name(id, &path);
                    (StepId::from(id), path)
                }
                None => (StepId::from(format!("{}-{count}", step.kind())), path.clone()),
            };
            check.unique_id(&mut self.taken, id.clone(), &place);
            self.ids.push(id);
            for (key, arm) in step.arms() {
                self.walk(arm, &path.join(&key), depth + 1, check);
            }
        }
    }
}

/// All nodes. `None` if there is any problem with them.
pub(super) fn nodes(
    raw: &RawJourney,
    journey: &JourneyName,
    ids: &Ids,
    words: &Vocabulary,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Vec<Node>> {
    if raw.steps.is_empty() {
        check.problem(Problem::new(path.clone(), "a journey needs at least one step"));
        return None;
    }
    if ids.len() > JOURNEY_STEPS_MAX {
        let message = format!("the journey has {} steps, more than {JOURNEY_STEPS_MAX}", ids.len());
        check.problem(Problem::new(path.clone(), message).on_key().suggest("split it in two"));
        return None;
    }
    let mut layout = Layout { journey, ids, words, nodes: Vec::new(), sound: true };
    layout.lay(&raw.steps, None, path, check);
    layout.sound.then_some(layout.nodes)
}

struct Layout<'a> {
    journey: &'a JourneyName,
    ids: &'a Ids,
    words: &'a Vocabulary,
    nodes: Vec<Node>,
    sound: bool,
}

impl Layout<'_> {
    /// Appends these steps; the last one leads to `after`.
    fn lay(
        &mut self,
        steps: &[RawStep],
        after: Option<NodeIndex>,
        path: &Path,
        check: &mut Check<'_>,
    ) {
        for (place, step) in steps.iter().enumerate() {
            let at = self.nodes.len();
            let behind = at + size(std::slice::from_ref(step));
            let next = if place + 1 < steps.len() { Some(behind as NodeIndex) } else { after };
            let path = path.index(place).key(step.kind());
            let id = self.ids[at].clone();
            let context = Context {
                journey: self.journey,
                id: &id,
                words: self.words,
                arms: Arms::of(step, at),
            };
            let built = step.build(&context, &path, check);
            self.sound &= built.is_some();
            // A step with a problem keeps its place, so that the others keep theirs.
            let step_built = built.unwrap_or_else(|| Step::Exit(Exit::default()));
            self.nodes.push(Node { id, step: step_built, next });
            for (key, arm) in step.arms() {
                self.lay(arm, next, &path.join(&key), check);
            }
        }
    }
}

/// What a step may look at while it is validated.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The journey.
    pub(crate) journey: &'a JourneyName,
    /// The step's own id.
    pub(crate) id: &'a StepId,
    /// What its expressions may read.
    pub(crate) words: &'a Vocabulary,
    /// Where its arms begin.
    pub(crate) arms: Arms,
}
