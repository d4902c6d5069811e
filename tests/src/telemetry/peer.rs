//! TLS in front of the collector, by Node: what arrives there is seen.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use super::collector::Collector;
use crate::channels::peers::openssl;

/// The peer; it ends with its owner.
pub(super) struct Secure {
    child: Child,
    files: TempDir,
    seen: Arc<Mutex<Vec<Value>>>,
    pub(super) port: u16,
}

/// An authority of its own, and a certificate by it for `localhost`.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("names"), "subjectAltName=DNS:localhost\n").expect("a file");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let authority =
        ["-subj", "/CN=own authority", "-keyout", "authority.key", "-x509", "-days", "2"];
    let request = ["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"];
    let files = ["-out", "authority.pem"];
    openssl(folder.path(), &[&["req"], &key[..], &authority[..], &files[..]].concat());
    openssl(folder.path(), &[&["req"], &key[..], &request[..]].concat());
    let by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
    let made = ["-in", "request.pem", "-out", "cert.pem", "-days", "2", "-extfile", "names"];
    openssl(folder.path(), &[&["x509", "-req"], &by[..], &made[..]].concat());
    folder
}

impl Secure {
    /// In front of a collector, for whoever brings the authorization.
    pub(super) fn start(collector: &Collector, authorization: &str) -> Self {
        let files = certificates();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/telemetry/tls_peer.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .args([files.path().join("cert.pem"), files.path().join("key.pem")])
            .args([collector.grpc.to_string(), collector.http.to_string()])
            .arg(authorization)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let mut lines = lines.map(|line| serde_json::from_str(&line.expect("text")).expect("JSON"));
        let first: Value = lines.next().expect("its port");
        let port = u16::try_from(first["port"].as_u64().expect("a port")).expect("a port");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        std::thread::spawn(move || {
            lines.for_each(|line| sink.lock().expect("no panic").push(line));
        });
        Self { child, files, seen, port }
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The file with the certificate of its authority.
    pub(super) fn authority(&self) -> String {
        self.files.path().join("authority.pem").to_str().expect("a plain path").to_owned()
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Value> {
        self.seen.lock().expect("no panic").clone()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
