//! Which names an expression may read, so that a slip is found when it is compiled.

use std::sync::Arc;

use crate::problem::nearest;

/// What stands at a name.
#[derive(Clone, Debug)]
enum Shape {
    /// A single value or a list: no names below it.
    Single,
    /// Whatever came in: any names below it.
    Open,
    /// These names and no others; not a value by itself.
    Record(Vec<(Arc<str>, Shape)>),
    /// Any name, each of this shape.
    Keyed(Box<Shape>),
}

/// The names that an expression may read in one place.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    roots: Shape,
}

/// A name that is not in the vocabulary, or a record read as if it were a value.
#[derive(Debug)]
pub(super) struct Unknown {
    /// Which name of the path.
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
}

fn record(fields: &[(&str, Shape)]) -> Shape {
    let field = |(name, shape): &(&str, Shape)| (Arc::from(*name), shape.clone());
    Shape::Record(fields.iter().map(field).collect())
}

impl Vocabulary {
    /// `customer` and `now`: what a segment may read.
    ///
    /// `customer.id`, `.zone`, `.created_at`, `.segments`, `.traits.<name>`,
    /// `.events["<name>"].count | first | last`.
    pub fn customer() -> Self {
        let counter =
            record(&[("count", Shape::Single), ("first", Shape::Single), ("last", Shape::Single)]);
        let customer = record(&[
            ("id", Shape::Single),
            ("zone", Shape::Single),
            ("created_at", Shape::Single),
            ("segments", Shape::Single),
            ("traits", Shape::Open),
            ("events", Shape::Keyed(Box::new(counter))),
        ]);
        Self { roots: record(&[("customer", customer), ("now", Shape::Single)]) }
    }

    /// `customer.traits.<name>`: what a contact policy may read.
    pub fn traits() -> Self {
        let customer = record(&[("traits", Shape::Open)]);
        Self { roots: record(&[("customer", customer)]) }
    }

    /// With `event.name`, `.properties.<name>`, `.occurred_at`, `.received_at`.
    #[must_use]
    pub fn with_event(self) -> Self {
        let event = record(&[
            ("name", Shape::Single),
            ("properties", Shape::Open),
            ("occurred_at", Shape::Single),
            ("received_at", Shape::Single),
        ]);
        self.with("event", event)
    }

    /// With `enrollment.id`, `.key`, `.journey`, `.entered_at`, and `steps.<id>.outcome` for these
    /// steps.
    #[must_use]
    pub fn with_enrollment<S: AsRef<str>>(self, steps: impl IntoIterator<Item = S>) -> Self {
        let enrollment = record(&[
            ("id", Shape::Single),
            ("key", Shape::Single),
            ("journey", Shape::Single),
            ("entered_at", Shape::Single),
        ]);
        let step = record(&[("outcome", Shape::Single)]);
        let steps = steps.into_iter().map(|id| (Arc::from(id.as_ref()), step.clone()));
        let steps = Shape::Record(steps.collect());
        self.with("enrollment", enrollment).with("steps", steps)
    }

    fn with(mut self, name: &str, shape: Shape) -> Self {
        if let Shape::Record(roots) = &mut self.roots {
            roots.push((Arc::from(name), shape));
        }
        self
    }

    /// Whether a path may be read; with `presence` a record is enough, as in `has(...)`.
    pub(super) fn check(&self, path: &[Arc<str>], presence: bool) -> Result<(), Unknown> {
        let mut shape = &self.roots;
        for (at, name) in path.iter().enumerate() {
            shape = match shape {
                Shape::Open => return Ok(()),
                Shape::Keyed(each) => each,
                Shape::Single => return Err(below_single(path, at)),
                Shape::Record(fields) => match fields.iter().find(|(known, _)| known == name) {
                    Some((_, shape)) => shape,
                    None => return Err(unknown(path, at, fields)),
                },
            };
        }
        match shape {
            Shape::Record(fields) if !presence => Err(Unknown {
                at: path.len().saturating_sub(1),
                message: format!("`{}` is not a value by itself", super::Path::new(path)),
                suggestion: Some(format!("read {} of it", list(fields, "."))),
            }),
            _ => Ok(()),
        }
    }
}

fn below_single(path: &[Arc<str>], at: usize) -> Unknown {
    let parent = super::Path::new(&path[..at]);
    Unknown { at, message: format!("`{parent}` has no names below it"), suggestion: None }
}

fn unknown(path: &[Arc<str>], at: usize, fields: &[(Arc<str>, Shape)]) -> Unknown {
    let name = &path[at];
    let near = nearest(name, fields.iter().map(|(known, _)| &**known));
    let message = match at {
        0 => format!("unknown name `{name}`"),
        _ => format!("`{}` has no `{name}`", super::Path::new(&path[..at])),
    };
    let suggestion = match near {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if fields.is_empty() => None,
        None => Some(format!("known here: {}", list(fields, ""))),
    };
    Unknown { at, message, suggestion }
}

fn list(fields: &[(Arc<str>, Shape)], before: &str) -> String {
    let names: Vec<String> =
        fields.iter().take(12).map(|(name, _)| format!("{before}{name}")).collect();
    names.join(", ")
}
