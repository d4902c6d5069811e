//! The thread of telemetry: gathers what was told, converts it, hands it over.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use runtime::Clock;
use tokio::sync::{mpsc, watch};

use super::Handed;
use super::logs::{self, LogLine};
use super::resource::scope;
use super::transport::{Taken, Transport};
use super::{metrics, spans};
use crate::config::settings::Telemetry as Settings;
use crate::telemetry::metrics::{Metrics, Signal};
use crate::telemetry::trace::{Keyed, Record};

/// Most records of one request: some hundred kilobytes, far below the 4 MB that collectors take.
const BATCH_MAX: usize = 512;
/// Longest time that a record waits for others to go with it.
const GATHER_MS: u64 = 1_000;
/// How often a batch is offered to a collector that does not take it.
const TRIES: u32 = 3;
/// Pause before it is offered again.
const RETRY_PAUSE_MS: u64 = 1_000;

/// What all three signals share.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) resource: Resource,
    pub(super) keyed: Keyed,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Worker {
    /// Exports until it is told to stop, and then what is left.
    pub(super) async fn run(
        self,
        transport: Transport,
        traces: mpsc::Receiver<Record>,
        logs: mpsc::Receiver<LogLine>,
        handed: watch::Receiver<Option<Handed>>,
    ) {
        let (first, second, third) = (self.clone(), self.clone(), self);
        let (over_traces, over_logs) = (transport.clone(), transport.clone());
        tokio::join!(
            async move { first.traces(&over_traces, traces).await },
            async move { second.logs(&over_logs, logs).await },
            async move { third.metrics(&transport, handed).await },
        );
    }

    async fn traces(mut self, transport: &Transport, mut queue: mpsc::Receiver<Record>) {
        while let Some(batch) = self.gather(&mut queue).await {
            let converter = spans::Converter::new(self.keyed, self.offset_ns());
            let spans: Vec<_> = batch.iter().flat_map(|one| converter.spans(one)).collect();
            let count = spans.len() as u64;
            let scope_spans = ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() };
            let request = ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans {
                    resource: Some(self.resource.clone()),
                    scope_spans: vec![scope_spans],
                    ..ResourceSpans::default()
                }],
            };
            self.hand_over(Signal::Traces, count, || transport.traces(request.clone())).await;
        }
    }

    async fn logs(mut self, transport: &Transport, mut queue: mpsc::Receiver<LogLine>) {
        while let Some(batch) = self.gather(&mut queue).await {
            let count = batch.len() as u64;
            let log_records = batch.into_iter().map(logs::record).collect();
            let scope_logs =
                ScopeLogs { scope: Some(scope()), log_records, ..ScopeLogs::default() };
            let request = ExportLogsServiceRequest {
                resource_logs: vec![ResourceLogs {
                    resource: Some(self.resource.clone()),
                    scope_logs: vec![scope_logs],
                    ..ResourceLogs::default()
                }],
            };
            self.hand_over(Signal::Logs, count, || transport.logs(request.clone())).await;
        }
    }

    async fn metrics(mut self, transport: &Transport, mut handed: watch::Receiver<Option<Handed>>) {
        if !self.settings.metrics {
            return;
        }
        let begun_ns = self.now_ns();
        let mut stopping = self.stopping.clone();
        let first = tokio::select! {
            first = handed.wait_for(Option::is_some) => first.ok().and_then(|first| first.clone()),
            _ = stopping.wait_for(|stop| *stop) => None,
        };
        let Some(Handed(exposition)) = first else { return };
        let before = metrics::Before::of(&exposition().await);
        while !*self.stopping.borrow() {
            let period = self.clock.sleep(self.settings.metrics_seconds * 1_000);
            tokio::select! {
                () = period => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
            // Also once at the end: what was counted last would be lost.
            let found = metrics::convert(&exposition().await, &before, begun_ns, self.now_ns());
            let count = found.len() as u64;
            let scope_metrics =
                ScopeMetrics { scope: Some(scope()), metrics: found, ..ScopeMetrics::default() };
            let request = ExportMetricsServiceRequest {
                resource_metrics: vec![ResourceMetrics {
                    resource: Some(self.resource.clone()),
                    scope_metrics: vec![scope_metrics],
                    ..ResourceMetrics::default()
                }],
            };
            self.hand_over(Signal::Metrics, count, || transport.metrics(request.clone())).await;
        }
    }

    /// The next batch; none once it is told to stop and nothing is left.
    async fn gather<T>(&mut self, queue: &mut mpsc::Receiver<T>) -> Option<Vec<T>> {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            first = queue.recv() => batch.push(first?),
            _ = self.stopping.wait_for(|stop| *stop) => {}
        }
        let deadline = self.clock.sleep(GATHER_MS);
        tokio::pin!(deadline);
        while batch.len() < BATCH_MAX {
            if *self.stopping.borrow() {
                match queue.try_recv() {
                    Ok(next) => batch.push(next),
                    Err(_) => break,
                }
                continue;
            }
            tokio::select! {
                biased;
                next = queue.recv() => match next {
                    Some(next) => batch.push(next),
                    None => break,
                },
                _ = self.stopping.changed() => {}
                () = &mut deadline => break,
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Offers a batch until it is taken, a few times; then it is dropped and counted.
    async fn hand_over<F: Future<Output = Taken>>(
        &mut self,
        signal: Signal,
        count: u64,
        mut offer: impl FnMut() -> F,
    ) {
        if count == 0 {
            return;
        }
        let mut tries = 0;
        loop {
            match offer().await {
                Ok(0) => return,
                Ok(rejected) => return self.metrics.telemetry_dropped(signal, rejected),
                Err(error) => {
                    tries += 1;
                    let last = tries >= TRIES || *self.stopping.borrow();
                    // Not exported: a collector that is down would be told of itself.
                    tracing::debug!(signal = signal.as_str(), error, last, "telemetry not taken");
                    if last {
                        return self.metrics.telemetry_dropped(signal, count);
                    }
                }
            }
            let pause = self.clock.sleep(RETRY_PAUSE_MS);
            tokio::select! {
                () = pause => {}
                _ = self.stopping.changed() => {}
            }
        }
    }

    /// Nanoseconds since the epoch.
    fn now_ns(&self) -> u64 {
        u64::try_from(self.clock.now_ms()).unwrap_or(0).saturating_mul(1_000_000)
    }

    /// What has to be added to the tracer's clock to have nanoseconds since the epoch.
    fn offset_ns(&self) -> u64 {
        self.now_ns().saturating_sub(self.clock.monotonic_us().saturating_mul(1_000))
    }
}
