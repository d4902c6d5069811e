//! The store in memory: for tests, `simulate` and the crash simulation. Nothing survives the
//! process; what survives a simulated crash is a [`Disk`].

mod backend;
mod stepped;

pub use backend::MemoryBackend;
pub use stepped::{Disk, SteppedStore};

use crate::{
    backend::Backend,
    error::OpenError,
    open::Settings,
    recovery::{self, Recovered},
    sink::DurableSink,
    store::Store,
};
use std::sync::Arc;

/// Opens an empty store in memory, with its committer thread.
pub fn open(
    settings: &Settings,
    sink: Arc<dyn DurableSink>,
) -> Result<(Store, Recovered), OpenError> {
    let tables = settings.checked()?.len();
    open_on(Arc::new(MemoryBackend::new(tables)), settings, sink)
}

/// Opens a new store over any empty backend: for tests that wrap a backend with faults.
pub fn open_on(
    backend: Arc<dyn Backend>,
    settings: &Settings,
    sink: Arc<dyn DurableSink>,
) -> Result<(Store, Recovered), OpenError> {
    let tables = settings.checked()?.len();
    let recovered = recovery::create(&*backend, tables, settings.partitions)?;
    let store = Store::start(backend, settings, &recovered, sink)?;
    Ok((store, recovered))
}
