//! YAML as a tree in which every key and value knows where it stands.
//!
//! `read` builds trees from the parser's events; `scalar` decides what a plain word means; `de`
//! hands a tree to serde; `offset` finds a place inside a scalar. Called by `config` only. Nothing
//! here knows what a journey is.

pub(crate) mod de;
pub(crate) mod mismatch;
pub(crate) mod offset;
pub(crate) mod read;
pub(crate) mod scalar;

use std::ops::Range;

use domain::problem::{Path, Segment};

/// A value in its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) content: Content,
    /// Its bytes in the source; of a block scalar without its header line.
    pub(crate) span: Range<usize>,
    /// How a scalar is written.
    pub(crate) quote: Quote,
}

/// The quotes around a scalar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quote {
    /// None: plain or a block.
    #[default]
    None,
    /// `'`, in which `''` stands for one.
    Single,
    /// `"`, with escapes.
    Double,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in source order; keys are unique.
    Map(Vec<Entry>),
    /// Stands where a problem was reported already. It deserialises as whatever is asked for, so
    /// that the rest of the document can still be checked.
    Poison,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The key as text.
    pub(crate) key: String,
    /// The key's bytes in the source.
    pub(crate) key_span: Range<usize>,
    /// The value.
    pub(crate) value: Node,
}

impl Node {
    /// A node at a place.
    pub(crate) fn new(content: Content, span: Range<usize>) -> Self {
        Self { content, span, quote: Quote::None }
    }

    /// The entry with this key, if this is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value under a key, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// One step down.
    pub(crate) fn child(&self, segment: &Segment) -> Option<&Self> {
        match (segment, &self.content) {
            (Segment::Key(key), _) => self.get(key),
            (Segment::Index(index), Content::List(items)) => items.get(*index),
            _ => None,
        }
    }

    /// One step down, to change it.
    pub(crate) fn child_mut(&mut self, segment: &Segment) -> Option<&mut Self> {
        match (segment, &mut self.content) {
            (Segment::Key(key), Content::Map(entries)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.value)
            }
            (Segment::Index(index), Content::List(items)) => items.get_mut(*index),
            _ => None,
        }
    }

    /// The node at a path, to change it.
    pub(crate) fn at_mut(&mut self, path: &Path) -> Option<&mut Self> {
        path.0.iter().try_fold(self, Self::child_mut)
    }

    /// Looks a path up. What does not exist is answered with the nearest place above it.
    pub(crate) fn place(&self, path: &Path) -> Place<'_> {
        let mut place = Place { node: self, key_span: None, exact: true, poisoned: false };
        for segment in &path.0 {
            place.poisoned |= place.node.content == Content::Poison;
            let Some(child) = place.node.child(segment) else {
                place.exact = false;
                return place;
            };
            place.key_span = match segment {
                Segment::Key(key) => place.node.entry(key).map(|entry| entry.key_span.clone()),
                Segment::Index(_) => None,
            };
            place.node = child;
        }
        place.poisoned |= place.node.content == Content::Poison;
        place
    }
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The node, or the nearest one above it that exists.
    pub(crate) node: &'a Node,
    /// The key of that node, unless it is an element of a list or the root.
    pub(crate) key_span: Option<Range<usize>>,
    /// Whether the path exists in full.
    pub(crate) exact: bool,
    /// Whether something on the way was reported already.
    pub(crate) poisoned: bool,
}
