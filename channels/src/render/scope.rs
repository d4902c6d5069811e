//! The state of one rendering: its context, its own variables, and the rule that what is missing
//! reads as nothing instead of failing.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use liquid_core::error::Error;
use liquid_core::model::{
    KString, KStringCow, KStringRef, ScalarCow, Value, ValueCow, ValueView, try_find,
};
use liquid_core::runtime::{PartialStore, Registers};
use liquid_core::{Renderable, Runtime};

use super::context::Context;
use super::index;

/// The bottom of the stack of a rendering.
pub(super) struct Scope<'a> {
    context: &'a Context<'a>,
    variables: RefCell<HashMap<KString, Value>>,
    registers: Registers,
}

impl<'a> Scope<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { context, variables: RefCell::default(), registers: Registers::default() }
    }
}

impl Runtime for Scope<'_> {
    fn partials(&self) -> &dyn PartialStore {
        &NoPartials
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        None
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        super::ROOTS.into_iter().map(KStringCow::from_static).collect()
    }

    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        let path = &*index::resolve(path, self)?;
        let variables = self.variables.borrow();
        if !variables.is_empty() {
            let root = path.first()?.to_kstr();
            if let Some(value) = variables.get(root.as_str()) {
                return try_find(value, path.get(1..)?).map(|value| value.into_owned().into());
            }
        }
        self.context.resolve(path).map(ValueCow::Owned)
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> liquid_core::Result<ValueCow<'_>> {
        Ok(lenient(self.try_get(path)))
    }

    fn set_global(&self, name: KString, value: Value) -> Option<Value> {
        self.variables.borrow_mut().insert(name, value)
    }

    fn set_index(&self, _name: KString, _value: Value) -> Option<Value> {
        // Only `increment` and `decrement` use this, and the language has neither.
        None
    }

    fn get_index<'s>(&'s self, _name: &str) -> Option<ValueCow<'s>> {
        None
    }

    fn registers(&self) -> &Registers {
        &self.registers
    }
}

fn lenient(found: Option<ValueCow<'_>>) -> ValueCow<'_> {
    found.unwrap_or(ValueCow::Owned(Value::Nil))
}

/// Gives the frames that a loop stacks on top the same leniency: on their own they fail for a
/// missing field of the loop's item.
pub(super) struct Lenient<'a>(pub(super) &'a dyn Runtime);

impl Runtime for Lenient<'_> {
    fn partials(&self) -> &dyn PartialStore {
        self.0.partials()
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        self.0.name()
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        self.0.roots()
    }

    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        self.0.try_get(&index::resolve(path, self.0)?)
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> liquid_core::Result<ValueCow<'_>> {
        Ok(lenient(self.try_get(path)))
    }

    fn set_global(&self, name: KString, value: Value) -> Option<Value> {
        self.0.set_global(name, value)
    }

    fn set_index(&self, name: KString, value: Value) -> Option<Value> {
        self.0.set_index(name, value)
    }

    fn get_index<'s>(&'s self, name: &str) -> Option<ValueCow<'s>> {
        self.0.get_index(name)
    }

    fn registers(&self) -> &Registers {
        self.0.registers()
    }
}

/// Templates cannot include others by name: what is published is one whole.
struct NoPartials;

impl fmt::Debug for NoPartials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoPartials")
    }
}

impl PartialStore for NoPartials {
    fn contains(&self, _name: &str) -> bool {
        false
    }

    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    fn try_get(&self, _name: &str) -> Option<Arc<dyn Renderable>> {
        None
    }

    fn get(&self, name: &str) -> liquid_core::Result<Arc<dyn Renderable>> {
        Err(Error::with_msg(format!("there is no partial `{name}`")))
    }
}
