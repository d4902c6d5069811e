//! Why a tree does not fit a type: what went wrong, in words that mean something in YAML, and at
//! which path.

use domain::problem::Segment;
use serde::de::{self, Expected, Unexpected};

use super::{Content, Node};

/// Why a tree does not fit a type.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// From the leaf up; `path` turns it around.
    upwards: Vec<Segment>,
    /// What.
    pub(crate) kind: Kind,
}

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A key that the type does not have; the path ends with it.
    UnknownKey { key: String, expected: &'static [&'static str] },
    /// A word that is none of the choices.
    UnknownChoice {
        word: String,
        expected: &'static [&'static str],
        /// Whether the word is the only key of a mapping; the path then ends with it.
        key: bool,
    },
    /// A key that is not there; the path ends with it.
    MissingKey { key: &'static str },
    /// Not exactly one key where one of several must be chosen.
    NotOneKey { keys: Vec<String>, expected: &'static [&'static str] },
    /// A value of another kind.
    WrongType { found: String, expected: String },
    /// What a type says itself.
    Custom(String),
}

impl Mismatch {
    pub(super) fn new(kind: Kind) -> Self {
        Self { upwards: Vec::new(), kind }
    }

    pub(super) fn below(mut self, segment: Segment) -> Self {
        self.upwards.push(segment);
        self
    }

    /// Where, from the root of the tree.
    pub(crate) fn path(&self) -> domain::problem::Path {
        domain::problem::Path(self.upwards.iter().rev().cloned().collect())
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {}", self.kind, self.path())
    }
}

impl std::error::Error for Mismatch {}

impl de::Error for Mismatch {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::new(Kind::Custom(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Kind::WrongType { found: words(found), expected: wanted(&expected.to_string()) })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::UnknownKey { key: field.to_owned(), expected })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::UnknownChoice { word: variant.to_owned(), expected, key: false })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Kind::MissingKey { key }).below(Segment::Key(key.to_owned()))
    }
}

fn words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(bool) => format!("`{bool}`"),
        Unexpected::Unsigned(int) => format!("the number {int}"),
        Unexpected::Signed(int) => format!("the number {int}"),
        Unexpected::Float(float) => format!("the number {float}"),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

fn wanted(expected: &str) -> String {
    let range = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "str" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a boolean" => "`true` or `false`",
        other => other,
    };
    range.to_owned()
}

/// What a node is, in words.
fn found(node: &Node) -> String {
    match &node.content {
        Content::Null => "nothing".to_owned(),
        Content::Bool(bool) => format!("`{bool}`"),
        Content::Int(int) => format!("the number {int}"),
        Content::Float(float) => format!("the number {float}"),
        Content::Text(text) if text.chars().count() > 40 => {
            format!("the text {:?}", text.chars().take(40).collect::<String>() + "...")
        }
        Content::Text(text) => format!("the text {text:?}"),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a mapping".to_owned(),
        Content::Poison => "a reported mistake".to_owned(),
    }
}

/// A node that is not what was expected.
pub(super) fn wrong(node: &Node, expected: &str) -> Mismatch {
    Mismatch::new(Kind::WrongType { found: found(node), expected: wanted(expected) })
}
