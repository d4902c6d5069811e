//! What the machine must give: room, a disk that keeps its word quickly, files, a port.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use runtime::Clock;

use super::Check;

/// Free space below which a warning is due: some millions of events.
const FREE_BYTES_MIN: u64 = 2 << 30;
/// Below this the disk is full before anybody has read the warning.
const FREE_BYTES_FEW: u64 = 200 << 20;
/// Writes that are timed.
const SYNCS: usize = 32;
/// Bytes of each: a small group commit.
const SYNC_BYTES: usize = 16 * 1024;
/// A durable write that takes longer in the middle of the row makes every acknowledgement slow.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Open files that a busy server needs: connections, and the store's tables.
const OPEN_FILES_MIN: u64 = 4_096;

/// The directory that the data are, or are to be, in.
pub fn data_directory(data: &Path, clock: &Clock) -> Vec<Check> {
    let name = "data directory";
    let shown = data.display().to_string();
    let existing = data.ancestors().find(|folder| folder.is_dir());
    let Some(place) = existing.or_else(|| data.is_relative().then(|| Path::new("."))) else {
        return vec![Check::failed(name, format!("{shown}: no part of it exists"), "create it")];
    };
    let mut checks = vec![writable(name, data, place)];
    if checks[0].verdict != super::Verdict::Failed {
        checks.push(room(place));
        checks.push(syncs(place, clock));
    }
    checks
}

fn writable(name: &str, data: &Path, place: &Path) -> Check {
    let shown = data.display();
    let advice = "let the user that runs the server write there";
    let probe = match tempfile_in(place) {
        Ok(probe) => probe,
        Err(error) => {
            return Check::failed(name, format!("{}: {error}", place.display()), advice);
        }
    };
    drop(fs::remove_file(probe));
    if place != data {
        return Check::ok(name, format!("{shown} will be created"));
    }
    let mode = fs::metadata(data).map(|about| about.permissions().mode() & 0o777);
    match mode {
        Ok(mode) if mode & 0o007 != 0 => Check::warning(
            name,
            format!("{shown} can be read by everybody ({mode:o})"),
            format!("it holds personal data: chmod 750 {shown}"),
        ),
        _ => Check::ok(name, format!("{shown} can be written")),
    }
}

/// A file that nobody else has.
fn tempfile_in(folder: &Path) -> std::io::Result<std::path::PathBuf> {
    let path = folder.join(format!(".cadencia-doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    Ok(path)
}

fn room(place: &Path) -> Check {
    let name = "room";
    let free = match rustix::fs::statvfs(place) {
        Ok(about) => about.f_bavail * about.f_frsize,
        Err(error) => {
            let found = format!("{}: {error}", place.display());
            return Check::warning(name, found, "look at the disk yourself");
        }
    };
    let found = format!("{} MiB are free", free >> 20);
    let advice = "a full disk ends the server: make room";
    match free {
        free if free < FREE_BYTES_FEW => Check::failed(name, found, advice),
        free if free < FREE_BYTES_MIN => Check::warning(name, found, advice),
        _ => Check::ok(name, found),
    }
}

/// How long it takes until a write is durable: what every acknowledgement waits for.
fn syncs(place: &Path, clock: &Clock) -> Check {
    let name = "durable writes";
    match timed(place, clock) {
        Ok(took) => {
            let found = format!("{:.1} ms each", took.as_secs_f64() * 1e3);
            match took > SYNC_SLOW {
                true => Check::warning(name, found, "use a faster disk: events wait for it"),
                false => Check::ok(name, found),
            }
        }
        Err(error) => Check::failed(name, error.to_string(), "look at the disk"),
    }
}

/// The time of the middle one.
fn timed(place: &Path, clock: &Clock) -> std::io::Result<Duration> {
    use std::io::Write as _;
    let path = tempfile_in(place)?;
    let mut file = fs::OpenOptions::new().write(true).open(&path)?;
    let mut measure = || {
        let bytes = [0x5a; SYNC_BYTES];
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let began = clock.monotonic_us();
            file.write_all(&bytes)?;
            file.sync_data()?;
            took.push(clock.monotonic_us() - began);
        }
        took.sort_unstable();
        Ok(Duration::from_micros(took[SYNCS / 2]))
    };
    let result = measure();
    fs::remove_file(&path)?;
    result
}

/// How many files the process may have open.
pub fn open_files() -> Check {
    let name = "open files";
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    match soft.map(str::parse::<u64>) {
        Some(Ok(most)) if most < OPEN_FILES_MIN => Check::warning(
            name,
            format!("at most {most}"),
            format!("raise the limit to {OPEN_FILES_MIN}: ulimit -n, LimitNOFILE="),
        ),
        Some(Ok(most)) => Check::ok(name, format!("at most {most}")),
        _ => Check::ok(name, "no limit is known"),
    }
}

/// Whether the server could listen where it is to listen.
pub fn listen(address: SocketAddr) -> Check {
    match TcpListener::bind(address) {
        Ok(_) => Check::ok("address", format!("{address} is free")),
        Err(error) => Check::failed(
            "address",
            format!("{address}: {error}"),
            "choose another one with `listen`, or stop what is there",
        ),
    }
}

/// Whether links in messages lead back to this server.
pub fn public_url(url: Option<&str>) -> Check {
    match url {
        Some(url) if url.starts_with("https://") => Check::ok("public address", url),
        Some(url) => Check::warning(
            "public address",
            format!("{url} is not https"),
            "mail programs unsubscribe with one click over https only",
        ),
        None => Check::warning(
            "public address",
            "none is set",
            "set `public_url`, or messages have no unsubscribe link unless their channel names one",
        ),
    }
}
