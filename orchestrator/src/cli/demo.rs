//! `cadencia demo`

use std::io::{IsTerminal as _, stdout};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::web;
use channels::http::Egress;
use channels::unsubscribe::Keys;
use domain::time::Instant;
use runtime::Clock;

use super::{Failure, apply, one_time_link};
use crate::access::one_time::ONE_TIME_MINUTES;
use crate::access::principal::Principal;
use crate::admin::{Admin, Proposal, Workshop};
use crate::app::{self, AppSettings, DRAIN_LIMIT_MS};
use crate::demo::panel::Figures;
use crate::demo::{Fed, Feed, Life, Panel, START_MS, Scratch, ScratchError, shop};
use crate::error::Exit;
use crate::secret;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::setup::{LogFormat, log_to_stderr};
use crate::web::console::{captured, counts};
use crate::web::{ControlServer, Server, Site};

/// Virtual seconds per real second, if it is not given: a day in four seconds.
const SPEED_DEFAULT: f64 = 21_600.0;
/// Fastest: a day in about a tenth of a second. Beyond it no machine keeps up.
const SPEED_MAX: f64 = 1_000_000.0;
/// Partitions of the demo's store.
const PARTITIONS: u16 = 16;
/// Active customers kept in memory at most.
const ACTIVE_MAX: usize = 20_000;
/// Real milliseconds between two summaries.
const SUMMARY_MS: u64 = 1_000;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Port of the page; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Synthetic customers.
    #[arg(long, default_value_t = 3_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    customers: u32,
    /// How much faster than real time the shop lives; the default shows a day in four seconds.
    #[arg(long, default_value_t = SPEED_DEFAULT, value_parser = speed)]
    speed: f64,
    /// Keep the campaign and the store in this new directory; else nothing is left behind.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// End by itself after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u32>,
    /// Another seed lets other customers do other things.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What to log, as in `info,cadencia=debug`.
    #[arg(long, default_value = "error")]
    log: String,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=SPEED_MAX).contains(&speed) => Ok(speed),
        _ => Err(format!("not a number from 1 to {SPEED_MAX}")),
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    log_to_stderr(LogFormat::Text, &args.log)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    runtime::arbiters::abort_on_panic();
    let scratch = match &args.keep {
        Some(directory) => Scratch::kept(directory),
        None => Scratch::temporary(),
    };
    let scratch = scratch.map_err(|error| match error {
        ScratchError::NotEmpty(_) => Failure::new(Exit::Usage, error.to_string()),
        ScratchError::Io { .. } => unavailable(error),
    })?;
    let result = actix_rt::System::new().block_on(demo(args, &scratch));
    if result.is_ok() && args.keep.is_some() {
        println!("campaign and store are in {}", scratch.path().display());
    }
    result
}

fn unavailable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, error.to_string())
}

async fn demo(args: &Args, scratch: &Scratch) -> Result<(), Failure> {
    // Listens from here on: an end that is asked for during the start leaves nothing behind.
    let mut ended = std::pin::pin!(until_asked(args.seconds).map_err(unavailable)?);
    let factor = args.speed.round() as u32;
    let clock = Clock::accelerated(START_MS, factor);
    let admin = Arc::new(start(scratch, &clock)?);
    let applied = admin.apply(campaign(scratch)?, &Principal::server()).await;
    applied.map_err(|problem| Failure::new(Exit::Internal, problem.to_string()))?;
    let site = web::Data::new(Site::new(&admin));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let server = match Server::start(site.clone(), address, 1) {
        Ok(server) => server,
        Err(error) => {
            admin.app.stop(DRAIN_LIMIT_MS).await;
            return Err(unavailable(error));
        }
    };
    let control = match ControlServer::start(site.clone(), scratch.path()) {
        Ok(control) => control,
        Err(error) => {
            server.stop().await;
            admin.app.stop(DRAIN_LIMIT_MS).await;
            return Err(unavailable(error));
        }
    };
    let link = one_time_link(&admin, server.address);
    println!("a shop with {} customers: {link}", args.customers);
    println!("(open it within {ONE_TIME_MINUTES} minutes, it is good once; ctrl-c ends the shop)");
    println!("other commands look at it too: cadencia events tail --data {}\n", {
        scratch.path().display()
    });
    let fed = Arc::new(Fed::default());
    let life = Life::new(args.seed, args.customers, Instant(START_MS));
    let (inside, captures) = (site.clone().into_inner(), admin.captures());
    let feed = Feed { life, site: inside, clock, factor, captures, fed: fed.clone() };
    let feed = actix_rt::spawn(feed.run());
    let mut watch = Watch::new(site.clone(), fed.clone());
    loop {
        tokio::select! {
            () = &mut ended => break,
            () = watch.real.sleep(SUMMARY_MS) => watch.show().await,
        }
    }
    fed.stop();
    drop(feed.await);
    watch.finish().await;
    site.begin_stop();
    server.stop().await;
    control.stop().await;
    admin.app.stop(DRAIN_LIMIT_MS).await;
    Ok(())
}

/// Starts a process on a store of its own.
fn start(scratch: &Scratch, clock: &Clock) -> Result<Admin, Failure> {
    let settings = AppSettings {
        data_dir: scratch.path().join(app::STORE),
        partitions: PARTITIONS,
        arbiters: NonZeroUsize::new(2).expect("2 is not zero"),
        active_max: ACTIVE_MAX,
    };
    let opened = app::open(&settings, clock, &Arc::new(Metrics::new())).map_err(unavailable)?;
    let secret = secret::links(scratch.path()).map_err(unavailable)?;
    let keys = Arc::new(Keys::new([(1, secret.as_slice())]).map_err(unavailable)?);
    let folder = scratch.path().to_owned();
    let exports = folder.join(app::EXPORTS);
    let egress = Egress::new([]).map_err(unavailable)?;
    let workshop = Workshop { keys, folder, exports, public_url: None, egress };
    Admin::start(opened, workshop, None).map_err(unavailable)
}

/// The shop's campaign, written beside the store.
fn campaign(scratch: &Scratch) -> Result<Proposal, Failure> {
    let directory = scratch.path().join("campaign");
    shop::write(&directory).map_err(unavailable)?;
    apply::proposal(&directory)
}

/// Listens for the signals that end a process at once; the future ends with one of them, or when
/// the time is over.
fn until_asked(seconds: Option<u32>) -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let over = async move {
        match seconds {
            Some(seconds) => Clock::system().sleep(u64::from(seconds) * 1_000).await,
            None => std::future::pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            () = over => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Looks at the running demo once a second.
struct Watch {
    real: Clock,
    site: web::Data<Site>,
    fed: Arc<Fed>,
    panel: Panel,
    last: (u64, u64),
}

impl Watch {
    fn new(site: web::Data<Site>, fed: Arc<Fed>) -> Self {
        let panel = Panel::new(stdout().is_terminal());
        Self { real: Clock::system(), site, fed, panel, last: (0, 0) }
    }

    async fn figures(&mut self) -> Option<Figures> {
        // A partition that is too busy to answer now does so the next time.
        let overview = counts::overview(&self.site.directory).await.ok()?;
        let (at_ms, events) = (self.real.monotonic_ms(), self.fed.events.load(Ordering::Relaxed));
        let (before_ms, before) = std::mem::replace(&mut self.last, (at_ms, events));
        Some(Figures {
            now: self.site.now(),
            events,
            events_per_s: (events - before) * 1_000 / (at_ms - before_ms).max(1),
            customers: self.fed.customers.load(Ordering::Relaxed),
            captured: captured::total(&self.site.admin.captures()),
            overview,
        })
    }

    async fn show(&mut self) {
        if let Some(figures) = self.figures().await {
            self.panel.show(&figures);
        }
    }

    async fn finish(&mut self) {
        if let Some(figures) = self.figures().await {
            self.panel.finish(&figures);
        }
    }
}
