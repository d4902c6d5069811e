//! Paths from a root of the scope to a value: `customer.traits.email`.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What an expression reads: a root and the names below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<[Arc<str>]>);

impl Path {
    /// From its names, root first.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(names.into_iter().map(|name| Arc::from(name.as_ref())).collect())
    }

    /// The name below a prefix: what `customer.events` asks of `customer.events["X"].count`.
    pub fn name_below(&self, prefix: &[&str]) -> Option<&str> {
        let (head, rest) = self.0.split_at_checked(prefix.len())?;
        let same = head.iter().zip(prefix).all(|(name, wanted)| &**name == *wanted);
        rest.first().filter(|_| same).map(|name| &**name)
    }
}

impl Deref for Path {
    type Target = [Arc<str>];

    fn deref(&self) -> &[Arc<str>] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match (at, plain) {
                (0, _) => f.write_str(name)?,
                (_, true) => write!(f, ".{name}")?,
                (_, false) => write!(f, "[{name:?}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
