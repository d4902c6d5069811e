//! `cadencia serve`

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web;
use channels::http::{AllowedHost, Egress};
use channels::unsubscribe::Keys;
use domain::time::Instant;
use runtime::{Clock, SimulatedClock};

use super::{Failure, apply, one_time_link};
use crate::access::one_time::ONE_TIME_MINUTES;
use crate::access::principal::Principal;
use crate::admin::{Admin, Workshop};
use crate::app::{self, AppSettings};
use crate::config::settings::{self, Flag, LogFormat as LogShape, Settings};
use crate::error::Exit;
use crate::secret;
use crate::telemetry::export::{Export, Outlet};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::set_key;
use crate::telemetry::setup::{LogFormat, log_to_stderr_and};
use crate::web::{ControlServer, Server, Site, exposition};

/// Threads that answer HTTP requests; the work is done by the actors.
const HTTP_WORKERS: usize = 2;

/// What the command takes. Flags win over `CADENCIA_*` variables, those over the file.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the store is, or is to be.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A campaign directory to apply at start; else what was applied last goes on.
    #[arg(long, value_name = "DIR")]
    campaign: Option<PathBuf>,
    /// Folder of the files that channels name (passwords, keys); by default the campaign's.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Partitions, fixed when the store is created.
    #[arg(long)]
    partitions: Option<u16>,
    /// Threads for actors; 0 is one for each core.
    #[arg(long)]
    arbiters: Option<u16>,
    /// What to log, as in `info,cadencia=debug`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Let `import --trigger replay` drive the clock, from this instant (RFC 3339) on.
    #[arg(long, value_name = "INSTANT")]
    replay: Option<String>,
}

impl Args {
    fn flags(&self) -> Vec<Flag> {
        let path = |path: &PathBuf| path.display().to_string();
        [
            ("data_dir", self.data.as_ref().map(path)),
            ("listen", self.listen.map(|address| address.to_string())),
            ("partitions", self.partitions.map(|count| count.to_string())),
            ("arbiters", self.arbiters.map(|count| count.to_string())),
            ("log.filter", self.log.clone()),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, error.to_string());
    let settings = Settings::load(args.config.as_deref(), settings::environment(), &args.flags())
        .map_err(|error| usage(&error))?;
    let shape = match settings.log.format {
        LogShape::Text => LogFormat::Text,
        LogShape::Json => LogFormat::Json,
    };
    let metrics = Arc::new(Metrics::new());
    let (outlet, layer) = Outlet::new(&settings.telemetry, &metrics).unzip();
    log_to_stderr_and(layer.flatten(), shape, &settings.log.filter)
        .map_err(|error| usage(&error))?;
    let replay = match &args.replay {
        None => None,
        Some(text) => Some(
            Instant::parse(text)
                .ok_or_else(|| usage(&format!("--replay: `{text}` is not an RFC 3339 time")))?,
        ),
    };
    runtime::arbiters::abort_on_panic();
    let told = Told { metrics, outlet };
    actix_rt::System::new().block_on(serve(args, &settings, replay, told))
}

/// Where the server tells of itself.
struct Told {
    metrics: Arc<Metrics>,
    outlet: Option<Outlet>,
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

fn unavailable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, error.to_string())
}

async fn serve(
    args: &Args,
    settings: &Settings,
    replay: Option<Instant>,
    told: Told,
) -> Result<(), Failure> {
    let mut ended = std::pin::pin!(until_asked().map_err(unavailable)?);
    let (admin, export) = start(args, settings, replay, told)?;
    let admin = Arc::new(admin);
    if let Some(directory) = &args.campaign {
        let proposal = apply::proposal(directory)?;
        let applied = admin.apply(proposal, &Principal::server()).await;
        let applied =
            applied.map_err(|problem| Failure::new(Exit::Problems, problem.to_string()))?;
        let changes = applied.plan.changes.len();
        tracing::info!(revision = applied.revision, changes, "the campaign is in force");
    }
    let recovered = admin.app.recovered;
    tracing::info!(timers = recovered.timers, in_flight = recovered.in_flight, "ready");
    let site = web::Data::new(Site::new(&admin).with_settings(settings).map_err(usage)?);
    if let Some(export) = &export {
        export.export_metrics(exposition(site.clone().into_inner()));
    }
    let control = ControlServer::start(site.clone(), &settings.data_dir).map_err(unavailable)?;
    let server = Server::start(site.clone(), settings.listen, HTTP_WORKERS).map_err(unavailable)?;
    announce(&site, server.address);
    ended.as_mut().await;
    site.begin_stop();
    server.stop().await;
    control.stop().await;
    admin.app.stop(settings.limits.drain_seconds * 1_000).await;
    if let Some(export) = export {
        export.stop().await;
    }
    Ok(())
}

/// Says where the server listens, and how the first person gets in. All in one piece: who waits for
/// the first line may not read a second one.
fn announce(site: &Site, address: SocketAddr) {
    let mut text = format!("cadencia listens on http://{address}\n");
    if !site.admin.access.has_users() && !site.has_provider() {
        let link = one_time_link(&site.admin, address);
        text.push_str(&format!(
            "nobody can log in yet: {link} is good once, for {ONE_TIME_MINUTES} minutes\n"
        ));
    }
    print!("{text}");
}

/// Opens the store and starts what is published in it, and the export of telemetry.
fn start(
    args: &Args,
    settings: &Settings,
    replay: Option<Instant>,
    told: Told,
) -> Result<(Admin, Option<Export>), Failure> {
    let time = replay.map(|from| SimulatedClock::new(from.0));
    let clock = time.as_ref().map_or_else(Clock::system, SimulatedClock::clock);
    let app_settings = AppSettings {
        data_dir: settings.data_dir.join(app::STORE),
        partitions: settings.partitions,
        arbiters: threads(settings.arbiters),
        active_max: settings.limits.active_customers,
    };
    let Told { metrics, outlet } = told;
    app::make_data_directory(&settings.data_dir)
        .map_err(|error| unavailable(format!("{}: {error}", settings.data_dir.display())))?;
    let opened = app::open(&app_settings, &clock, &metrics).map_err(unavailable)?;
    if let Some(time) = &time {
        time.advance_to(opened.latest.0);
    }
    let secret = link_secret(settings)?;
    set_key(&secret);
    let export = outlet.map(Outlet::start).transpose().map_err(usage)?;
    let tracer = export.as_ref().and_then(|export| export.tracer.clone());
    let keys = Arc::new(Keys::new([(1, secret.as_slice())]).map_err(unavailable)?);
    let folder = args.files.clone().or_else(|| args.campaign.clone());
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    let public_url = settings.public_url.clone();
    let exports = settings.data_dir.join(app::EXPORTS);
    let workshop = Workshop { keys, folder, exports, public_url, egress: egress(settings)? };
    let admin = Admin::start(opened.with_tracer(tracer), workshop, time).map_err(unavailable)?;
    Ok((admin, export))
}

/// Who may be asked by definitions.
pub(super) fn egress(settings: &Settings) -> Result<Egress, Failure> {
    let allowed = settings.egress.allow.iter().map(|host| host.parse::<AllowedHost>());
    let allowed = allowed
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::new(Exit::Usage, format!("egress.allow: {error}")))?;
    Egress::new(allowed).map_err(unavailable)
}

/// The secret that signs links, from which the key of telemetry is derived too.
pub(super) fn link_secret(settings: &Settings) -> Result<Vec<u8>, Failure> {
    let secret = match &settings.secret_key_file {
        Some(path) => secret::read(path),
        None => secret::links(&settings.data_dir),
    };
    secret.map_err(unavailable)
}

fn threads(count: u16) -> NonZeroUsize {
    NonZeroUsize::new(usize::from(count))
        .or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

/// Listens for the signals that end a process at once; the future ends with one of them.
fn until_asked() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
