//! Which messages a rule is about: any mix of channels, classes, campaigns and topics.
//!
//! ```yaml
//! scope: {channels: [email, sms], topics: [carts]}   # both must match; nothing means everything
//! ```

use domain::ids::NameId;
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
}

/// A scope by names or by their numbers. An empty list restricts nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope<N> {
    /// Channels.
    pub channels: Vec<N>,
    /// Message classes.
    pub classes: Vec<N>,
    /// Topics.
    pub topics: Vec<N>,
    /// Campaigns.
    pub campaigns: Vec<N>,
}

impl<N> Default for Scope<N> {
    fn default() -> Self {
        let (channels, classes) = (Vec::new(), Vec::new());
        Self { channels, classes, topics: Vec::new(), campaigns: Vec::new() }
    }
}

impl RawScope {
    pub(crate) fn validate(&self, path: &Path, problems: &mut Vec<Problem>) -> Scope<String> {
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
        Scope {
            channels: ids(NameKind::Channel, &self.channels),
            classes: ids(NameKind::Class, &self.classes),
            topics: ids(NameKind::Topic, &self.topics),
            campaigns: ids(NameKind::Campaign, &self.campaigns),
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
    }
}
