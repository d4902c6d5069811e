//! What every channel must hold, whatever is behind it: one suite, run for each of them.
//!
//! The other side is a server of the test that can be told how to behave, and says what it saw. A
//! channel that has no other side (`capture`) is asked for what it can do by itself.

mod cases;
mod other;
mod subjects;
