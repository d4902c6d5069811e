//! Rendering: a Liquid template and what is known of a customer, to text that is safe in its place.
//!
//! Owns the template language: which tags and filters there are, how a missing field reads, how
//! output is escaped, and the limits. Called by `validate` (compile, variables) and by the channel
//! actors (render). It must never read a clock, a file or the environment: what a template can see
//! is in its [`Context`].

mod arithmetic;
mod bounded;
mod capture;
mod context;
mod date;
mod escape;
mod filter;
mod html;
mod index;
mod json;
mod language;
mod rewrite;
mod scan;
mod scope;
mod template;
#[cfg(test)]
mod tests;
mod turn;
mod variables;

pub use context::{Context, ROOTS};
pub use json::fields;
pub use template::{Place, RenderError, Template, TemplateProblem};
pub use variables::Variable;

/// Longest source of a template: a mail beyond this is cut off by mailbox providers anyway.
/// A longer one does not compile.
pub const TEMPLATE_BYTES_MAX: usize = 256 * 1024;

/// Longest result of one rendering. Beyond it the rendering fails.
pub const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// Longest text, and largest list, that a filter or `capture` may make on the way. It keeps a
/// template that doubles a value in a loop from filling the memory.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// How many turns all the loops of one rendering may take together: far above what a mail can
/// show, and about a millisecond of work. Beyond it the rendering fails.
pub const LOOP_TURNS_MAX: usize = 10_000;

/// Deepest nesting of blocks: compiling and rendering recurse.
pub const BLOCK_DEPTH_MAX: usize = 32;
