//! A real OTLP collector, rotel, that prints what it is given; and that read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::environment::python;
use crate::served::process::eventually;

/// No span is longer, in nanoseconds: the waits between them are days.
const SPAN_NS_MAX: u64 = 60_000_000_000;

/// The collector; it ends with its owner.
pub(super) struct Collector {
    child: Child,
    folder: TempDir,
    /// Where it speaks gRPC.
    pub(super) grpc: u16,
    /// Where it speaks HTTP.
    pub(super) http: u16,
}

/// A span as it was printed.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) parent: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) attributes: BTreeMap<String, String>,
    /// Trace and span of each link.
    pub(super) links: Vec<(String, String)>,
}

/// A log record as it was printed: its lines.
pub(super) type Record = String;

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").port()
}

/// The program, in the Python package.
fn program() -> PathBuf {
    let find = "import rotel, os; print(os.path.dirname(rotel.__file__))";
    let output = Command::new(python()).args(["-c", find]).output().expect("Python runs");
    let folder = String::from_utf8(output.stdout).expect("text");
    PathBuf::from(folder.trim()).join("rotel-agent")
}

impl Collector {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (grpc, http) = (free_port(), free_port());
        let printed = File::create(folder.path().join("printed")).expect("a file");
        let child = Command::new(program())
            .args(["start", "--exporter", "blackhole", "--disable-batching"])
            .args(["--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs"])
            .args(["--debug-log-verbosity", "detailed", "--pid-file", "pid"])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stderr(printed.try_clone().expect("the file"))
            .stdout(printed)
            .spawn()
            .expect("rotel runs");
        let collector = Self { child, folder, grpc, http };
        for port in [grpc, http] {
            eventually("the collector listens", async || {
                TcpStream::connect(("127.0.0.1", port)).await.is_ok()
            })
            .await;
        }
        collector
    }

    /// All that it printed.
    pub(super) fn printed(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("printed")).expect("the file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The spans so far.
    pub(super) fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for line in self.printed().lines() {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            if key.starts_with("Span #") {
                spans.push(Span::default());
                continue;
            }
            let Some(span) = spans.last_mut() else { continue };
            match key {
                "Trace ID" => span.trace = value.to_owned(),
                "Parent ID" => span.parent = value.to_owned(),
                "ID" => span.id = value.to_owned(),
                "Name" => span.name = value.to_owned(),
                "Kind" => span.kind = value.to_owned(),
                "Start time" => span.start_ns = value.parse().expect("a time"),
                "End time" => span.end_ns = value.parse().expect("a time"),
                "-> Trace ID" => span.links.push((value.to_owned(), String::new())),
                "-> ID" => span.links.last_mut().expect("a link").1 = value.to_owned(),
                _ => {
                    if let Some((name, value)) = attribute(line) {
                        span.attributes.insert(name, value);
                    }
                }
            }
            if key.starts_with("Resource") && line.contains('#') {
                // What follows is about the next batch.
                spans.push(Span::default());
            }
        }
        spans.retain(|span| !span.name.is_empty() && !span.trace.is_empty());
        spans
    }

    /// The log records so far.
    pub(super) fn logs(&self) -> Vec<Record> {
        let printed = self.printed();
        let mut parts = printed.split("LogRecord #");
        parts.next();
        let end = |part: &str| part.split("\nResource").next().unwrap_or_default().to_owned();
        parts.map(end).collect()
    }
}

/// `     -> name: Str(value)`
fn attribute(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().strip_prefix("-> ")?.split_once(": ")?;
    let (_, value) = value.split_once('(')?;
    Some((name.to_owned(), value.strip_suffix(')')?.to_owned()))
}

impl Span {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// The spans of one name, oldest first.
pub(super) fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    let mut found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    found.sort_by_key(|span| span.attribute("turn.at").to_owned());
    found
}

pub(super) fn link(span: &Span) -> (String, String) {
    (span.trace.clone(), span.id.clone())
}

/// Every trace has one root, and the parents of all others.
pub(super) fn whole(spans: &[Span]) {
    let mut traces: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        traces.entry(&span.trace).or_default().push(span);
        assert!(span.end_ns >= span.start_ns, "{span:?}");
        assert!(span.end_ns - span.start_ns < SPAN_NS_MAX, "a span over a wait: {span:?}");
    }
    for (trace, spans) in traces {
        let ids: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
        assert_eq!(ids.len(), spans.len(), "an id twice in {trace}");
        let roots = spans.iter().filter(|span| span.parent.is_empty()).count();
        assert_eq!(roots, 1, "roots of {trace}");
        for span in spans.iter().filter(|span| !span.parent.is_empty()) {
            assert!(ids.contains(span.parent.as_str()), "no parent: {span:?}");
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
