//! The `cadencia` binary.
fn main() {}
