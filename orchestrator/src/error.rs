//! Public errors: one table of stable codes, and the problem document that carries one.
//!
//! Used by `web`, `cli` and `config` wherever something is told to a person or a client. Expected
//! outcomes of a decision (capped, held, bounced) are values of `domain`, never an error here. A
//! code is never reused and never changes its meaning; its page is `docs/errors/<CODE>.md`.

mod code;
mod problem;
mod spanish;
mod table;

pub use code::ErrorCode;
pub use problem::{PROBLEM_CONTENT_TYPE, PROBLEM_ERRORS_MAX, Problem, ProblemItem};
pub use spanish::spanish;
pub use table::{Exit, Row, TABLE, find, page_path};
