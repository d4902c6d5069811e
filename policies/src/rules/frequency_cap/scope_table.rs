//! Many scopes at once: each is one bit of a machine word, and which of them a message is in is the
//! conjunction of one word per dimension, looked up by number.

use domain::ids::NameId;

use crate::ledger::LedgerRow;
use crate::request::Request;
use crate::rules::scope::Scope;

/// Up to 64 scopes, laid out for looking up.
#[derive(Clone, Debug, Default)]
pub(super) struct ScopeTable {
    channels: Dimension,
    classes: Dimension,
    topics: Dimension,
    campaigns: Dimension,
    labels: Dimension,
    /// Whether some scope names labels: most policies do not.
    by_labels: bool,
}

/// The scopes that a name is in.
#[derive(Clone, Debug, Default)]
struct Dimension {
    by_id: Vec<u64>,
    /// For names that no scope mentions: the scopes that do not restrict this dimension.
    others: u64,
}

impl Dimension {
    fn bits(&self, id: NameId) -> u64 {
        self.by_id.get(usize::from(id.0)).copied().unwrap_or(self.others)
    }

    fn all(&mut self, bit: u64) {
        self.others |= bit;
        self.by_id.iter_mut().for_each(|bits| *bits |= bit);
    }

    fn only(&mut self, bit: u64, names: &[NameId]) {
        for name in names {
            let index = usize::from(name.0);
            if index >= self.by_id.len() {
                self.by_id.resize(index + 1, self.others);
            }
            self.by_id[index] |= bit;
        }
    }

    fn add(&mut self, bit: u64, names: &[NameId]) {
        if names.is_empty() { self.all(bit) } else { self.only(bit, names) }
    }
}

impl ScopeTable {
    /// Adds a scope under a bit.
    pub(super) fn add(&mut self, bit: u64, scope: &Scope<NameId>) {
        self.channels.add(bit, &scope.channels);
        self.classes.add(bit, &scope.classes);
        self.topics.add(bit, &scope.topics);
        self.campaigns.add(bit, &scope.campaigns);
        match &scope.labels {
            None => self.labels.all(bit),
            Some(sets) => {
                self.by_labels = true;
                self.labels.only(bit, sets);
            }
        }
    }

    /// Whether some scope names labels.
    pub(super) fn by_labels(&self) -> bool {
        self.by_labels
    }

    /// The scopes that a request is in.
    pub(super) fn of_request(&self, request: &Request<'_>) -> u64 {
        self.channels.bits(request.channel_id)
            & self.classes.bits(request.class_id)
            & self.topics.bits(request.topic_id)
            & self.campaigns.bits(request.campaign_id)
            & self.labels.bits(request.labels_id)
    }

    /// The scopes that a row is in. Without `LABELS` its labels are not looked at: for where no
    /// scope names any, once per row of a long ledger.
    pub(super) fn of_row<const LABELS: bool>(&self, row: &LedgerRow) -> u64 {
        let labels = if LABELS { self.labels.bits(row.labels) } else { u64::MAX };
        self.channels.bits(row.channel)
            & self.classes.bits(row.class)
            & self.topics.bits(row.topic)
            & self.campaigns.bits(row.campaign)
            & labels
    }
}
