//! `cadencia serve`

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web;
use channels::unsubscribe::Keys;
use runtime::Clock;

use super::Failure;
use crate::app::{self, App, AppSettings};
use crate::config;
use crate::error::Exit;
use crate::outgoing;
use crate::publish::Publication;
use crate::secret;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::setup::{LOG_FILTER_DEFAULT, LogFormat, log_to_stderr};
use crate::web::{Server, Site};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the store is, or is to be.
    #[arg(long, default_value = "cadencia-data")]
    data: PathBuf,
    /// A campaign directory to apply at start.
    #[arg(long)]
    campaign: Option<PathBuf>,
    /// Folder of the secret that signs links; made if it does not exist.
    #[arg(long, default_value = "cadencia-secrets")]
    secrets: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Partitions, fixed when the store is created.
    #[arg(long, default_value_t = 64)]
    partitions: u16,
    /// Threads for actors.
    #[arg(long, default_value_t = NonZeroUsize::new(2).expect("2 is not zero"))]
    arbiters: NonZeroUsize,
    /// Active customers kept in memory at most.
    #[arg(long, default_value_t = 100_000)]
    active_max: usize,
    /// What to log, as in `info,cadencia=debug`.
    #[arg(long, default_value = LOG_FILTER_DEFAULT)]
    log: String,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    log_to_stderr(LogFormat::Text, &args.log)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    runtime::arbiters::abort_on_panic();
    actix_rt::System::new().block_on(serve(args))
}

fn unavailable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, error.to_string())
}

async fn serve(args: &Args) -> Result<(), Failure> {
    let settings = AppSettings {
        data_dir: args.data.clone(),
        partitions: args.partitions,
        arbiters: args.arbiters,
        active_max: args.active_max,
    };
    let clock = Clock::system();
    let metrics = Arc::new(Metrics::new());
    let opened = app::open(&settings, &clock, &metrics).map_err(unavailable)?;
    let mut publication = opened.publication().map_err(unavailable)?;
    if let Some(directory) = &args.campaign {
        let loaded = config::load_directory(directory);
        let Some(definitions) = loaded.definitions else {
            eprint!("{}", loaded.report.render(false));
            return Err(Failure::new(Exit::Problems, ""));
        };
        publication = publication.applied(&definitions);
    }
    let built = if publication == Publication::default() {
        return Err(Failure::new(Exit::Usage, "nothing is published: give --campaign DIR"));
    } else {
        publication.build().map_err(unavailable)?
    };
    let secret = secret::links(&args.secrets).map_err(unavailable)?;
    let keys = Arc::new(Keys::new([(1, secret.as_slice())]).map_err(unavailable)?);
    let folder = args.campaign.clone().unwrap_or_else(|| PathBuf::from("."));
    let outgoing =
        outgoing::build(&built.definitions, &keys, &folder, &clock).map_err(unavailable)?;
    let app = App::start(opened, &built.catalog, &outgoing.parts).map_err(unavailable)?;
    app.publish(&publication).await.map_err(unavailable)?;
    tracing::info!(timers = app.recovered.timers, in_flight = app.recovered.in_flight, "ready");
    let site = web::Data::new(Site::new(&app, keys));
    let server = Server::start(site.clone(), args.listen, 2).map_err(unavailable)?;
    println!("cadencia listens on http://{}", server.address);
    wait_for_end().await;
    site.begin_stop();
    server.stop().await;
    app.stop().await;
    Ok(())
}

/// Until somebody asks the process to end.
async fn wait_for_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals; stop with ctrl-c");
            drop(tokio::signal::ctrl_c().await);
            return;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
