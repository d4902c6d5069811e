//! The store's contract: one suite over every backend, faults, files, and kills.
//!
//! Cases speak to the store only through its public interface. Waiting is always for a message
//! of another thread or process, never for time to pass.

pub mod kill;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod disk_full;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod model;
#[cfg(test)]
mod subject;
