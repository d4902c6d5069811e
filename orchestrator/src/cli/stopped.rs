//! The store of a server that does not run: nobody else has it open.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use runtime::Clock;

use super::Failure;
use crate::app::{self, AppSettings, Opened};
use crate::error::Exit;
use crate::telemetry::metrics::Metrics;

/// Opens the store in a data directory.
pub(super) fn open(data: &Path, partitions: u16, clock: &Clock) -> Result<Opened, Failure> {
    let unavailable = |text: String| Failure::new(Exit::Unavailable, text);
    let data_dir = data.join(app::STORE);
    if !data_dir.exists() {
        return Err(unavailable(format!("there is no store at {}", data.display())));
    }
    let arbiters = NonZeroUsize::MIN;
    let settings = AppSettings { data_dir, partitions, arbiters, active_max: 0 };
    app::open(&settings, clock, &Arc::new(Metrics::new()))
        .map_err(|error| unavailable(error.to_string()))
}
