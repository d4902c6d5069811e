//! Labels: `key=value` words of a journey and of its steps, which rules of the policy can be about.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Check;
use crate::problem::Path;

/// Most labels of a document or a step.
pub const LABELS_MAX: usize = 32;
/// Longest label, key or value, in characters.
pub const LABEL_MAX_CHARS: usize = 128;

/// A set of labels with one value for each key. A clone costs one reference count.
///
/// It is kept as one text, `key=value` lines in the order of their keys: that is the name under
/// which ledger rows number the set. No other name has a `=`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Arc<str>);

impl Labels {
    /// From keys and values that [`check`] let pass; of a key that is given twice the last counts.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let sorted: BTreeMap<&str, &str> = pairs.into_iter().collect();
        let lines: Vec<String> =
            sorted.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Self(Arc::from(lines.join("\n")))
    }

    /// From a text of the dictionary of names; `None` for the name of something else.
    pub fn parse(text: &str) -> Option<Self> {
        text.contains('=').then(|| Self(Arc::from(text)))
    }

    /// The whole set as one text; empty without labels.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, by key.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split('\n').filter_map(|line| line.split_once('='))
    }

    /// These, and others above them: where both have a key, the value of the others counts.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        match (self.is_empty(), others.is_empty()) {
            (_, true) => self.clone(),
            (true, false) => others.clone(),
            (false, false) => Self::of(self.pairs().chain(others.pairs())),
        }
    }

    /// Whether each of those labels is here.
    pub fn contains(&self, wanted: &Self) -> bool {
        wanted.pairs().all(|pair| self.pairs().any(|known| known == pair))
    }
}

/// Checks labels as they are written at `path`.
pub fn check(labels: &BTreeMap<String, String>, path: &Path, check: &mut Check<'_>) {
    problems(labels, path, &mut |path, message| check.wrong(path, message));
}

/// The same for whoever collects problems in another way.
pub fn problems(
    labels: &BTreeMap<String, String>,
    path: &Path,
    report: &mut dyn FnMut(&Path, String),
) {
    if labels.len() > LABELS_MAX {
        report(path, format!("more than {LABELS_MAX} labels"));
    }
    for (key, value) in labels {
        let path = path.key(key.as_str());
        if key.chars().count().max(value.chars().count()) > LABEL_MAX_CHARS {
            report(&path, format!("the label is longer than {LABEL_MAX_CHARS} characters"));
        }
        if key.is_empty() || key.contains('=') {
            report(&path, "the key of a label has a letter at least, and no `=`".to_owned());
        }
        if key.chars().chain(value.chars()).any(char::is_control) {
            report(&path, "a label is one line without control characters".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_the_same_whatever_the_order_and_nearer_labels_win() {
        let journey = Labels::of([("wave", "2"), ("team", "growth")]);
        assert_eq!(journey, Labels::of([("team", "growth"), ("wave", "2")]));
        assert_eq!(journey.text(), "team=growth\nwave=2");
        let both = journey.with(&Labels::of([("wave", "3=x"), ("size", "")]));
        let pairs: Vec<_> = both.pairs().collect();
        assert_eq!(pairs, [("size", ""), ("team", "growth"), ("wave", "3=x")]);
        assert!(both.contains(&Labels::of([("team", "growth"), ("wave", "3=x")])));
        assert!(!both.contains(&journey));
        assert!(Labels::default().is_empty() && both.contains(&Labels::default()));
        assert_eq!(Labels::parse(both.text()), Some(both));
        assert_eq!(Labels::parse("email"), None);
    }

    #[test]
    fn what_could_be_read_as_another_set_is_refused() {
        let table =
            [("team", "growth", 0), ("", "x", 1), ("a=b", "x", 1), ("a", "x\ny", 1), ("a", "", 0)];
        for (key, value, count) in table {
            let labels = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let mut found = Vec::new();
            problems(&labels, &Path::root(), &mut |path, message| {
                found.push(format!("{path}: {message}"));
            });
            assert_eq!(found.len(), count, "{key}={value}: {found:?}");
        }
    }
}
