//! The store's contract: one suite over every backend, faults, files, and kills.
//!
//! Cases speak to the store only through its public interface. Waiting is always for a message
//! of another thread or process, never for time to pass.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod subject;
