//! Starts the counterparts and stops them.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::environment::python;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/channels").join(name)
}

/// A process that ends with its owner.
pub(crate) struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An independent server, in Python: it says its port, then what it sees.
pub(crate) struct Independent {
    _peer: Peer,
    pub(crate) port: u16,
    lines: BufReader<ChildStdout>,
}

impl Independent {
    fn start(script_name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(python())
            .arg(script(script_name))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python of the tests runs");
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut server = Self { _peer: Peer(child), port: 0, lines };
        let port = server.next()["port"].as_u64().expect("a port");
        server.port = u16::try_from(port).expect("a port");
        server
    }

    /// A mail server.
    pub(crate) fn mail(arguments: &[&str]) -> Self {
        Self::start("mail_peer.py", &[&["serve"], arguments].concat())
    }

    /// A server of HTTP.
    pub(crate) fn http(arguments: &[&str]) -> Self {
        Self::start("http_peer.py", arguments)
    }

    /// The next line that it says: its port, then what it saw.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the server speaks UTF-8");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

/// What a command of the HTTP peer answers to a JSON value.
pub(crate) fn ask_http_peer(arguments: &[&str], given: &Value) -> Value {
    ask("http_peer.py", arguments, given)
}

fn ask(script_name: &str, arguments: &[&str], given: &Value) -> Value {
    let mut child = Command::new(python())
        .arg(script(script_name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of the tests runs");
    let mut input = child.stdin.take().expect("stdin is piped");
    input.write_all(given.to_string().as_bytes()).expect("the peer reads");
    drop(input);
    let output = child.wait_with_output().expect("the peer ends");
    assert!(output.status.success(), "{script_name} {arguments:?} failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Whether an independent verifier accepts the signature.
pub(crate) fn dkim_verifies(message: &str, record_name: &str, record: &str) -> bool {
    let given = serde_json::json!({
        "message": message, "record_name": record_name, "record": record,
    });
    ask("mail_peer.py", &["verify"], &given).as_bool().expect("true or false")
}

/// Postfix's `smtp-sink`, each message in a file of its own.
pub(crate) struct Sink {
    _peer: Peer,
    pub(crate) port: u16,
    directory: TempDir,
}

impl Sink {
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let mut command = Command::new("smtp-sink");
        command.args(arguments).args(["-d", "%M."]).current_dir(directory.path());
        // It refuses to run as root without being told whom to become.
        if std::fs::metadata("/proc/self").is_ok_and(|it| is_root(&it)) {
            command.args(["-u", "root"]);
        }
        let child = command.args([&format!("127.0.0.1:{port}"), "100"]).spawn();
        let peer = Peer(child.expect("smtp-sink is installed (tests/run.sh installs it)"));
        let sink = Self { _peer: peer, port, directory };
        sink.listens().await;
        sink
    }

    async fn listens(&self) {
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            // Not a guess at how long it takes: the next try is what decides.
            let _ = timeout(Duration::from_millis(10), std::future::pending::<()>()).await;
        }
        panic!("smtp-sink does not listen on port {}", self.port);
    }

    /// The messages so far, as the sink wrote them.
    pub(crate) fn messages(&self) -> Vec<String> {
        std::fs::read_dir(self.directory.path())
            .expect("the directory can be read")
            .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a message"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }
}

fn is_root(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == 0
}

/// Runs `openssl`, which wants to be there, and returns what it printed.
pub(crate) fn openssl(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .stderr(Stdio::null())
        .output()
        .expect("openssl is installed");
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}
