//! The binary over the folder of a process, for what only its log says.

use std::process::{Child, Stdio};

use crate::environment;

/// A server that is not left behind, whatever the verdict is.
pub(super) struct Served {
    pub(super) child: Child,
    log: std::path::PathBuf,
}

impl Served {
    /// Starts it over what a process left; it says only errors.
    pub(super) fn start(folder: &tempfile::TempDir, arguments: &[&str]) -> Self {
        let log = folder.path().join("log");
        let file = std::fs::File::create(&log).expect("a file");
        let child = environment::cadencia()
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--partitions", "2"])
            .arg("--data")
            .arg(folder.path())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("the binary runs");
        Self { child, log }
    }

    /// What it has said so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("text")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
