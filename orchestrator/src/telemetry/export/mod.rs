//! The way of traces, logs and metrics to an OTLP collector: a thread of its own, behind bounded
//! queues.
//!
//! Whoever tells something never waits: what finds a queue full is dropped and counted. A collector
//! that is down or hangs costs records, and nothing else. Logs of the transport itself are not
//! exported, so that exporting makes nothing to export.

mod logs;
mod metrics;
mod probe;
mod resource;
mod spans;
mod text;
mod transport;
mod worker;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use runtime::Clock;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::logs::LogLayer;
use self::logs::LogLine;
pub use self::probe::{NotTaken, probe};
use self::transport::Transport;
pub use self::transport::TransportError;
use super::customer_hash;
use super::metrics::Metrics;
use super::trace::{Keyed, Sampling, Tracer};
use crate::config::settings::Telemetry as Settings;

/// Records of traces that may wait: a few seconds of a busy server. Beyond it they are dropped.
const TRACES_WAITING_MAX: usize = 16_384;
/// Log records that may wait; a server that is well writes a few an hour.
const LOGS_WAITING_MAX: usize = 4_096;
/// Longest time that stopping waits for what is still queued.
const FLUSH_LIMIT_MS: u64 = 5_000;

/// Gives the metrics as OpenMetrics text, with what has to be asked for taken over.
pub type Exposition =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync + 'static>;

/// Telemetry cannot be exported as it is set.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The endpoint, a header or a certificate.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The thread does not start.
    #[error("the thread of telemetry: {0}")]
    Thread(std::io::Error),
}

/// The queues, before anything is exported: logs are taken from the first line on.
#[derive(Debug)]
pub struct Outlet {
    settings: Settings,
    clock: Clock,
    metrics: Arc<Metrics>,
    logs: mpsc::Receiver<LogLine>,
}

/// The running export.
#[derive(Debug)]
pub struct Export {
    /// For those who tell of turns; none where traces are not exported.
    pub tracer: Option<Tracer>,
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
    exposition: watch::Sender<Option<Handed>>,
}

/// An exposition that can be looked at.
#[derive(Clone)]
struct Handed(Exposition);

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handed")
    }
}

impl Outlet {
    /// As it is set: nothing where there is no endpoint. The layer takes log lines.
    pub fn new(settings: &Settings, metrics: &Arc<Metrics>) -> Option<(Self, Option<LogLayer>)> {
        settings.endpoint.as_ref()?;
        let clock = Clock::system();
        let (sender, logs) = mpsc::channel(LOGS_WAITING_MAX);
        let layer = settings.logs.then(|| LogLayer::new(sender, clock.clone(), metrics.clone()));
        let outlet = Self { settings: settings.clone(), clock, metrics: metrics.clone(), logs };
        Some((outlet, layer))
    }

    /// Starts to export.
    ///
    /// # Errors
    /// Where the endpoint, a header or a file cannot be used. A collector that does not answer is
    /// no error.
    pub fn start(self) -> Result<Export, ExportError> {
        let Self { settings, clock, metrics, logs } = self;
        let plan = transport::Plan::new(&settings)?;
        let keyed = Keyed(customer_hash::key());
        let (sender, traces) = mpsc::channel(TRACES_WAITING_MAX);
        let tracer = settings.traces.then(|| {
            let slow_us = settings.slow_ms.saturating_mul(1_000);
            let ratio = settings.sample_ratio;
            let event_ratio = settings.event_sample_ratio.unwrap_or(ratio);
            let sampling = Sampling { ratio, event_ratio, slow_us };
            Tracer::new(keyed, sampling, clock.clone(), sender, metrics.clone())
        });
        let (stop, stopping) = watch::channel(false);
        let (exposition, handed) = watch::channel(None);
        let (done, ended) = oneshot::channel();
        let resource = resource::of(&settings);
        let worker = worker::Worker { settings, clock, metrics, resource, keyed, stopping };
        std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(async {
                        match Transport::connect(&plan) {
                            Ok(transport) => worker.run(transport, traces, logs, handed).await,
                            Err(error) => tracing::error!(%error, "telemetry is not exported"),
                        }
                    }),
                    Err(error) => tracing::error!(%error, "telemetry is not exported"),
                }
                let _ = done.send(());
            })
            .map_err(ExportError::Thread)?;
        Ok(Export { tracer, stop, ended, exposition })
    }
}

impl Export {
    /// From now on metrics are exported too.
    pub fn export_metrics(&self, exposition: Exposition) {
        self.exposition.send_replace(Some(Handed(exposition)));
    }

    /// Exports what is queued, for a few seconds at most, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // Real time: the limit is meant so, however fast the process's own clock runs.
        if Clock::system().timeout(FLUSH_LIMIT_MS, self.ended).await.is_err() {
            tracing::warn!("the collector did not take the last of the telemetry in time");
        }
    }
}
