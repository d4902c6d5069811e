//! The HTTP server: what all handlers share, and its start and end.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App as HttpApp, HttpServer, web};
use channels::unsubscribe::Keys;
use domain::time::Instant;
use ipnet::IpNet;
use runtime::Clock;
use store::Store;

use super::api::{admin as api, errors, health, hooks, tracking, unsubscribe};
use super::live_events::LiveEvents;
use super::{console, cors, guard, openapi};
use crate::access::Sender;
use crate::access::oidc::{self, Oidc};
use crate::access::session::Limits;
use crate::actors::ingest::Directory;
use crate::admin::Admin;
use crate::config::settings::{Login, Settings};
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
    /// Keys of the settings that senders of events may present.
    pub(super) senders: Sender,
    /// How long sessions live.
    pub(super) sessions: Limits,
    /// Whether browsers reach this server by https.
    pub(super) secure: bool,
    /// Networks of proxies that are believed.
    pub(super) proxies: Vec<IpNet>,
    /// The identity provider.
    pub(super) oidc: Option<Oidc>,
    /// Origins of this server's own pages: the address that is set, and where it listens.
    public_origin: Option<String>,
    local_origins: OnceLock<Vec<String>>,
    /// Origins whose pages may send events.
    pub cors_origins: Vec<String>,
    /// What came in just now.
    pub live_events: LiveEvents,
    body_bytes_max: usize,
    /// The settings as they are shown: secrets are left out.
    shown_settings: Option<String>,
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
            senders: Sender::default(),
            sessions: limits(&Login::default()),
            secure: false,
            proxies: Vec::new(),
            oidc: None,
            public_origin: None,
            local_origins: OnceLock::new(),
            cors_origins: Vec::new(),
            live_events: LiveEvents::default(),
            body_bytes_max: tracking::BODY_BYTES_MAX,
            shown_settings: None,
            stopping: AtomicBool::new(false),
        }
    }

    /// With what the operator has set.
    ///
    /// # Errors
    /// Where they cannot be used as they are set.
    pub fn with_settings(self, settings: &Settings) -> Result<Self, oidc::SettingsError> {
        let public_url = settings.public_url.as_deref();
        self.admin.access.keep_audit(settings.audit.keep_days);
        let parsed = |url| reqwest::Url::parse(url).map_err(|_| oidc::SettingsError::PublicUrl);
        let origin = public_url.map(parsed).transpose()?;
        let origin = origin.map(|url| url.origin().ascii_serialization());
        Ok(Self {
            senders: Sender::new(&settings.write_keys),
            sessions: limits(&settings.login),
            secure: origin.as_ref().is_some_and(|origin| origin.starts_with("https://")),
            proxies: settings.proxies.clone(),
            cors_origins: settings.cors_origins.clone(),
            oidc: Oidc::new(&settings.oidc, public_url)?,
            public_origin: origin,
            body_bytes_max: settings.limits.body_bytes,
            shown_settings: settings.shown(),
            ..self
        })
    }

    /// Whether pages of this server have this origin. What a request calls its host says nothing.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        let local =
            || self.local_origins.get().is_some_and(|all| all.iter().any(|it| it == origin));
        self.public_origin.as_deref() == Some(origin) || local()
    }

    /// The settings without secrets, as YAML; none where the process was started without any.
    pub(super) fn shown_settings(&self) -> Option<&str> {
        self.shown_settings.as_deref()
    }

    /// Whether people log in by an identity provider.
    pub fn has_provider(&self) -> bool {
        self.oidc.is_some()
    }

    /// It listens there: browsers on this machine may name it so.
    fn listens(&self, address: SocketAddr) {
        if address.ip().is_loopback() {
            let names = [address.to_string(), format!("localhost:{}", address.port())];
            let _ = self.local_origins.set(names.map(|name| format!("http://{name}")).to_vec());
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

fn limits(login: &Login) -> Limits {
    let ms = |minutes: u32| i64::from(minutes) * 60_000;
    Limits { idle_ms: ms(login.idle_minutes), absolute_ms: ms(login.session_minutes) }
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
    /// Takes samples of what is measured.
    following: tokio::task::JoinHandle<()>,
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
        site.listens(address);
        if !address.ip().is_loopback() && site.admin.access.is_open(&site.senders) {
            tracing::warn!(%address, "events are taken from everybody: there is no write key");
        }
        let body_bytes_max = site.body_bytes_max;
        let admin = site.admin.clone();
        let following = actix_rt::spawn(async move { admin.recent.follow().await });
        let server = HttpServer::new(move || {
            HttpApp::new()
                .app_data(site.clone())
                .app_data(web::PayloadConfig::new(body_bytes_max))
                .app_data(api::queries())
                .app_data(api::paths())
                .wrap(from_fn(guard::guard))
                .service(health::livez)
                .service(health::readyz)
                .service(health::metrics)
                .service(openapi::serve)
                .service(errors::error_page)
                .service(unsubscribe::ask)
                .service(unsubscribe::withdraw)
                .service(hooks::report)
                .service(
                    web::scope("/v1")
                        .wrap(cors::events(&site.cors_origins))
                        .configure(tracking::configure),
                )
                .configure(api::configure)
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
        Ok(Self { address, handle, ended, following })
    }

    /// Takes nothing more in and waits for the requests under way.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        drop(self.ended.await);
        self.following.abort();
    }
}

pub(super) async fn not_found() -> actix_web::HttpResponse {
    respond::problem(&Problem::new(ErrorCode::NotFound, ""))
}
