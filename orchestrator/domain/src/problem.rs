//! Problems found in definitions: each says where (a path), what, and what to do.

use std::fmt;

/// One element of a path into a YAML document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a mapping.
    Key(String),
    /// An index of a sequence.
    Index(usize),
}

/// A place in a YAML document, from its root (`spec.steps[2].wait.for`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

impl Path {
    /// The root of a document.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path, one key further.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Key(key.into()));
        path
    }

    /// This path, and `below` behind it.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        let mut path = self.clone();
        path.0.extend(below.0.iter().cloned());
        path
    }

    /// This path, one index further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Index(index));
        path
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if at == 0 => write!(f, "{key}")?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Something wrong at a place, with advice where there is some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, from the root of the document.
    pub path: Path,
    /// Byte offset within the scalar at `path` (an expression, a template), where it is known.
    pub offset: Option<usize>,
    /// Whether the key at `path` is meant, not its value.
    pub on_key: bool,
    /// What is wrong: lower case, without a full stop.
    pub message: String,
    /// What to do, if we know.
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(path: Path, message: impl Into<String>) -> Self {
        Self { path, offset: None, on_key: false, message: message.into(), suggestion: None }
    }

    /// With advice.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// At the key, not at its value.
    #[must_use]
    pub fn on_key(mut self) -> Self {
        self.on_key = true;
        self
    }

    /// With a byte offset inside the scalar.
    #[must_use]
    pub fn at_offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }
}

/// How many slips a word may be away from a candidate.
fn distance_max(candidate: &str) -> usize {
    1 + candidate.len() / 4
}

/// The candidate nearest to `word` in spelling, for "did you mean".
///
/// Comparing takes time by the product of the lengths, and `word` may be anything that a client
/// sent: a candidate whose length alone makes it too far is not compared.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let too_far =
        |candidate: &&str| length.abs_diff(candidate.chars().count()) > distance_max(candidate);
    candidates
        .into_iter()
        .filter(|candidate| !too_far(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= distance_max(candidate))
        .min()
        .map(|(_, candidate)| candidate)
}
