//! Time, without a clock: instants, durations as people mean them, local times, zones.

mod instant;

pub use instant::Instant;
