//! The program as a child: the server that is measured.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use store::bench::procfs::Process;

use super::{Bench, BenchError, cannot};
use crate::config::settings::environment;

/// What the server says when it is ready, before its address.
const READY: &str = "listens on http://";

/// How often a server is looked at to see whether it is at rest, in milliseconds.
const LOOK_MS: u64 = 200;
/// It is at rest if it used less of a core than this, in per cent, at so many looks in a row.
const QUIET_PERCENT: u64 = 5;
/// See [`QUIET_PERCENT`].
const QUIET_LOOKS: usize = 10;
/// Longest time that it may take, in seconds.
const SETTLING_S_MAX: f64 = 1_200.0;

/// A running server. Killed when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// From the start of the process until it took events.
    pub(super) ready_s: f64,
}

impl Server {
    /// Starts a server over a store, and waits until it takes events.
    pub(super) fn start(
        bench: &Bench,
        data: &Path,
        campaign: &Path,
        more: &[&str],
    ) -> Result<Self, BenchError> {
        let began = bench.now_s();
        let mut command = Command::new(bench.program());
        command.arg("serve").arg("--data").arg(data).arg("--campaign").arg(campaign);
        command.args(["--listen", "127.0.0.1:0", "--log", "error"]).args(more);
        // What is measured must not depend on settings that somebody has set for another server.
        let set = |name: &String| name.starts_with("CADENCIA_") || name.starts_with("OTEL_");
        for name in environment().into_keys().filter(set) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(cannot("start the server"))?;
        let output = child.stdout.take();
        let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
        let said = lines.map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once(READY)?;
            address.trim().parse().ok()
        });
        let Some(address) = said else {
            drop(child.kill());
            drop(child.wait());
            return Err(BenchError::new("start the server", "it ended before it was ready"));
        };
        Ok(Self { child, address, ready_s: bench.now_s() - began })
    }

    /// What it has used so far.
    pub(super) fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    /// Waits until it has nothing to do any more. How long that took, in seconds.
    pub(super) async fn settled(&self, bench: &Bench) -> Result<f64, BenchError> {
        let began = bench.now_s();
        let (mut quiet, mut used) = (0, self.process().cpu_us);
        while quiet < QUIET_LOOKS {
            if bench.now_s() - began > SETTLING_S_MAX {
                return Err(BenchError::new("wait for the server", "it does not come to rest"));
            }
            bench.clock.sleep(LOOK_MS).await;
            let now = self.process().cpu_us;
            let busy = now - used > LOOK_MS * 1_000 * QUIET_PERCENT / 100;
            (quiet, used) = (if busy { 0 } else { quiet + 1 }, now);
        }
        Ok(bench.now_s() - began)
    }

    /// Ends it at once, as a crash does.
    pub(super) fn kill(mut self) -> Result<(), BenchError> {
        self.child.kill().map_err(cannot("kill the server"))?;
        self.child.wait().map_err(cannot("kill the server"))?;
        Ok(())
    }

    /// Asks it to end, and waits for it.
    pub(super) fn stop(mut self) -> Result<(), BenchError> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        asked.map_err(cannot("stop the server"))?;
        self.child.wait().map_err(cannot("stop the server"))?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
