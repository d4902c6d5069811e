//! The HTTP server: what all handlers share, and its start and end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::{App as HttpApp, HttpServer, web};
use channels::unsubscribe::Keys;
use domain::time::Instant;
use runtime::Clock;
use store::Store;

use super::api::{health, tracking, unsubscribe};
use super::live_events::LiveEvents;
use super::{console, cors};
use crate::actors::ingest::Directory;
use crate::admin::Admin;
use crate::config::settings::Settings;
use crate::error::{ErrorCode, Problem};
use crate::telemetry::metrics::Metrics;
use crate::web::respond;

/// What every handler can reach.
#[derive(Debug)]
pub struct Site {
    /// The way in.
    pub directory: Directory,
    /// For reads.
    pub store: Store,
    /// The one clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// What operators do.
    pub admin: Arc<Admin>,
    /// What signs links.
    pub keys: Arc<Keys>,
    /// Keys that senders of events must present; empty accepts everybody.
    pub write_keys: Vec<String>,
    /// Origins whose pages may send events.
    pub cors_origins: Vec<String>,
    /// What came in just now.
    pub live_events: LiveEvents,
    body_bytes_max: usize,
    stopping: AtomicBool,
}

impl Site {
    /// Around a running process.
    pub fn new(admin: &Arc<Admin>) -> Self {
        let app = &admin.app;
        Self {
            directory: app.directory.clone(),
            store: app.store.clone(),
            clock: app.clock.clone(),
            metrics: app.metrics.clone(),
            keys: admin.keys().clone(),
            admin: admin.clone(),
            write_keys: Vec::new(),
            cors_origins: Vec::new(),
            live_events: LiveEvents::default(),
            body_bytes_max: tracking::BODY_BYTES_MAX,
            stopping: AtomicBool::new(false),
        }
    }

    /// With what the operator has set.
    #[must_use]
    pub fn with_settings(self, settings: &Settings) -> Self {
        Self {
            write_keys: settings.write_keys.clone(),
            cors_origins: settings.cors_origins.clone(),
            body_bytes_max: settings.limits.body_bytes,
            ..self
        }
    }

    /// Now.
    pub fn now(&self) -> Instant {
        Instant(self.clock.now_ms())
    }

    /// Whether the process is about to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// From now on `/readyz` says that the process is about to end.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct ServerError {
    /// Where it was to listen.
    pub address: SocketAddr,
    /// Why not.
    pub error: std::io::Error,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Listens and serves. Port 0 takes a free one. Must be called inside an actix system.
    pub fn start(
        site: web::Data<Site>,
        address: SocketAddr,
        workers: usize,
    ) -> Result<Self, ServerError> {
        let fail = |error| ServerError { address, error };
        let listener = TcpListener::bind(address).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        let body_bytes_max = site.body_bytes_max;
        let server = HttpServer::new(move || {
            HttpApp::new()
                .app_data(site.clone())
                .app_data(web::PayloadConfig::new(body_bytes_max))
                .service(health::livez)
                .service(health::readyz)
                .service(health::metrics)
                .service(unsubscribe::ask)
                .service(unsubscribe::withdraw)
                .service(
                    web::scope("/v1")
                        .wrap(cors::events(&site.cors_origins))
                        .configure(tracking::configure),
                )
                .configure(console::configure)
                .default_service(web::to(not_found))
        })
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(10)
        .listen(listener)
        .map_err(fail)?
        .run();
        let handle = server.handle();
        let ended = actix_rt::spawn(server);
        Ok(Self { address, handle, ended })
    }

    /// Takes nothing more in and waits for the requests under way.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        drop(self.ended.await);
    }
}

pub(super) async fn not_found() -> actix_web::HttpResponse {
    respond::problem(&Problem::new(ErrorCode::NotFound, ""))
}
