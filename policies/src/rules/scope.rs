//! Which messages a rule is about: any mix of channels, classes, campaigns, topics and labels.
//!
//! ```yaml
//! scope: {channels: [email, sms], topics: [carts]}   # both must match; nothing means everything
//! ```
//!
//! Labels are those of a journey (`metadata.labels`) and of its step (`labels`); a message must
//! have all that a scope names.
//!
//! ```yaml
//! scope: {labels: {team: growth, size: big}}
//! ```

use std::collections::BTreeMap;

use domain::ids::NameId;
use domain::labels::{self, Labels};
use domain::problem::{Path, Problem};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::request::Request;
use crate::set::{NameKind, Names};

/// Most names of one kind in one scope: more cannot be read by a person.
pub const SCOPE_NAMES_MAX: usize = 100;

/// A scope as it is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawScope {
    /// Channels; left out means every channel.
    #[schemars(length(min = 1, max = 100))]
    pub channels: Option<Vec<String>>,
    /// Message classes; left out means every class.
    #[schemars(length(min = 1, max = 100))]
    pub classes: Option<Vec<String>>,
    /// Campaigns; left out means every campaign, and messages without one.
    #[schemars(length(min = 1, max = 100))]
    pub campaigns: Option<Vec<String>>,
    /// Topics; left out means every topic, and messages without one.
    #[schemars(length(min = 1, max = 100))]
    pub topics: Option<Vec<String>>,
    /// Labels that a message must have, all of them; left out means any labels or none.
    pub labels: Option<BTreeMap<String, String>>,
}

/// A scope by names or by their numbers. An empty list restricts nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<N: Naming> {
    /// Channels.
    pub channels: Vec<N>,
    /// Message classes.
    pub classes: Vec<N>,
    /// Topics.
    pub topics: Vec<N>,
    /// Campaigns.
    pub campaigns: Vec<N>,
    /// Labels that a message must have; `None` restricts nothing.
    pub labels: Option<N::Labels>,
}

/// How names are held: as text in a definition, as numbers in a policy set.
pub trait Naming {
    /// What stands for the labels of a scope.
    type Labels: Clone + std::fmt::Debug + PartialEq + Eq;
}

impl Naming for String {
    type Labels = Labels;
}

impl Naming for NameId {
    /// The sets in which all those labels are; there may be none.
    type Labels = Vec<NameId>;
}

impl<N: Naming> Default for Scope<N> {
    fn default() -> Self {
        let (channels, classes) = (Vec::new(), Vec::new());
        Self { channels, classes, topics: Vec::new(), campaigns: Vec::new(), labels: None }
    }
}

impl RawScope {
    pub(crate) fn validate(&self, path: &Path, problems: &mut Vec<Problem>) -> Scope<String> {
        let labels = self.labels.as_ref().map(|labels| {
            let path = path.key("labels");
            labels::problems(labels, &path, &mut |path, message| {
                problems.push(Problem::new(path.clone(), message));
            });
            if labels.is_empty() {
                let problem = Problem::new(path, "no label is named");
                problems.push(problem.suggest("leave the key out to mean all messages"));
            }
            Labels::of(labels.iter().map(|(key, value)| (&**key, &**value)))
        });
        let mut list = |key: &str, names: &Option<Vec<String>>| {
            let Some(names) = names else { return Vec::new() };
            let path = path.key(key);
            if names.is_empty() {
                let problem = Problem::new(path.clone(), "the list is empty");
                problems.push(problem.suggest("leave the key out to mean all of them"));
            }
            if names.len() > SCOPE_NAMES_MAX {
                problems.push(Problem::new(path, format!("more than {SCOPE_NAMES_MAX} names")));
            }
            let mut names = names.clone();
            names.sort_unstable();
            names.dedup();
            names
        };
        Scope {
            channels: list("channels", &self.channels),
            classes: list("classes", &self.classes),
            topics: list("topics", &self.topics),
            campaigns: list("campaigns", &self.campaigns),
            labels,
        }
    }
}

impl Scope<String> {
    /// All names in it, with their kinds: for the check that they exist.
    pub fn names(&self) -> impl Iterator<Item = (NameKind, &str)> {
        let lists = [
            (NameKind::Channel, &self.channels),
            (NameKind::Class, &self.classes),
            (NameKind::Topic, &self.topics),
            (NameKind::Campaign, &self.campaigns),
        ];
        lists
            .into_iter()
            .flat_map(|(kind, names)| names.iter().map(move |name| (kind, name.as_str())))
    }

    pub(crate) fn compile(&self, names: &impl Names) -> Scope<NameId> {
        let ids = |kind, list: &[String]| list.iter().map(|name| names.id(kind, name)).collect();
        let sets_with = |wanted: &Labels| {
            let sets = names.label_sets().into_iter();
            sets.filter(|(_, labels)| labels.contains(wanted)).map(|(id, _)| id).collect()
        };
        Scope {
            channels: ids(NameKind::Channel, &self.channels),
            classes: ids(NameKind::Class, &self.classes),
            topics: ids(NameKind::Topic, &self.topics),
            campaigns: ids(NameKind::Campaign, &self.campaigns),
            labels: self.labels.as_ref().map(sets_with),
        }
    }

    /// Whether every message of `other` is also in this scope.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let covers = |ours: &[String], theirs: &[String]| {
            let within = |name| ours.contains(name);
            ours.is_empty() || (!theirs.is_empty() && theirs.iter().all(within))
        };
        covers(&self.channels, &other.channels)
            && covers(&self.classes, &other.classes)
            && covers(&self.topics, &other.topics)
            && covers(&self.campaigns, &other.campaigns)
            && match (&self.labels, &other.labels) {
                (None, _) => true,
                (Some(ours), Some(theirs)) => theirs.contains(ours),
                (Some(_), None) => false,
            }
    }
}

impl Scope<NameId> {
    /// Whether a request is in it.
    pub(crate) fn matches(&self, request: &Request<'_>) -> bool {
        let within = |list: &[NameId], id| list.is_empty() || list.contains(&id);
        within(&self.channels, request.channel_id)
            && within(&self.classes, request.class_id)
            && within(&self.topics, request.topic_id)
            && within(&self.campaigns, request.campaign_id)
            && self.labels.as_ref().is_none_or(|sets| sets.contains(&request.labels_id))
    }
}
