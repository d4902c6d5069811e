//! Every parser against inputs that are nearly right: one function `fn(&[u8])` per parser, a seeded
//! driver that mutates valid inputs, and what must hold of every answer: no panic, and errors that
//! say where.
//!
//! A run tries a fixed number of inputs of each target, so that it is the same every time;
//! `CADENCIA_FUZZ_SECONDS=N` goes on with new ones for that long. A failure prints the input and
//! the command that shows it again. (A stack that overflows ends the process instead: then the
//! name of the thread is the target.)

mod corpus;
mod driver;
mod rows;
mod texts;
mod wire;
