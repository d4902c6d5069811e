//! The online-retail campaign, checked from outside: an independent computation of what must be
//! sent, the generator of the synthetic set, and the comparison with what `simulate` wrote.
//!
//! Used by the tests of this crate. The [`oracle`] with its [`clock`] and [`log`], and [`lines`],
//! must never use a crate of the project: they share nothing with what they check, not even the
//! time library.

pub mod clock;
pub mod compare;
pub mod generator;
pub mod lines;
pub mod log;
pub mod oracle;
pub mod statistics;

#[cfg(test)]
mod simulate;
#[cfg(test)]
mod tests;
