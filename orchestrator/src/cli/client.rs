//! The command line's way to a running server: HTTP over the control socket in its data directory.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Failure, Format};
use crate::error::{Exit, TABLE};
use crate::web::api::page::Page;
use crate::web::{control_socket, is_of_its_owner};

/// Which server a command talks to.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArgs {
    /// Data directory of the running server.
    #[arg(long, value_name = "DIR", env = "CADENCIA_DATA_DIR", default_value = "cadencia-data")]
    pub(super) data: PathBuf,
}

/// Which server a command talks to, and how it prints what that says.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Format,
}

/// A connection to the server that runs on a data directory.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    data: PathBuf,
}

/// Items asked for at a time.
const PAGE_ITEMS: usize = 500;

/// What a server says when it refuses.
#[derive(Debug, serde::Deserialize)]
struct Refused {
    title: String,
    #[serde(default)]
    detail: String,
    code: String,
    #[serde(default)]
    advice: String,
    #[serde(default)]
    errors: Vec<RefusedItem>,
}

#[derive(Debug, serde::Deserialize)]
struct RefusedItem {
    detail: String,
}

/// Runs a command's future.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the system gives a thread its event queue").block_on(future)
}

impl Client {
    /// To the server of a data directory.
    pub(super) fn new(data: &Path) -> Result<Self, Failure> {
        let socket = control_socket(data);
        if !socket.exists() {
            return Err(no_server(data));
        }
        if !is_of_its_owner(data, &socket) {
            let text = format!("somebody else has made `{}`: it is not used", socket.display());
            return Err(Failure::new(Exit::Unavailable, text));
        }
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .build()
            .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
        Ok(Self { http, data: data.to_owned() })
    }

    /// Whether a server seems to run there.
    pub(super) fn is_running(data: &Path) -> bool {
        std::os::unix::net::UnixStream::connect(control_socket(data)).is_ok()
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(self.http.get(address(path))).await
    }

    /// All items of a list.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Failure> {
        self.list_some(path, usize::MAX).await
    }

    /// The first items of a list, page by page.
    pub(super) async fn list_some<T: DeserializeOwned>(
        &self,
        path: &str,
        most: usize,
    ) -> Result<Vec<T>, Failure> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let limit = (most - items.len()).clamp(1, PAGE_ITEMS);
            let page: Page<T> = self.get(&format!("{path}{sign}limit={limit}{cursor}")).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) if items.len() < most => cursor = format!("&cursor={next}"),
                _ => {
                    items.truncate(most);
                    return Ok(items);
                }
            }
        }
    }

    /// A POST that says nothing more.
    pub(super) async fn act<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(self.http.post(address(path))).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(self.http.post(address(path)).json(body)).await
    }

    pub(super) async fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, Failure> {
        self.send(self.http.post(address(path)).body(body)).await
    }

    /// An answer that is text. `path` is from the root.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let answer = self.http.get(format!("http://cadencia{path}")).send().await;
        let answer = answer.map_err(|error| lost(&error))?;
        answer.text().await.map_err(|error| lost(&error))
    }

    /// Writes an answer to a file as it comes.
    pub(super) async fn download(&self, path: &str, file: &mut File) -> Result<(), Failure> {
        let mut response = self.http.get(address(path)).send().await.map_err(|e| lost(&e))?;
        if !response.status().is_success() {
            let text = format!("the server answered {}", response.status());
            return Err(Failure::new(Exit::Internal, text));
        }
        let failed = |error: std::io::Error| Failure::new(Exit::Unavailable, error.to_string());
        while let Some(piece) = response.chunk().await.map_err(|error| lost(&error))? {
            file.write_all(&piece).map_err(failed)?;
        }
        Ok(())
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Failure> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Err(no_server(&self.data)),
            Err(error) => return Err(lost(&error)),
        };
        let ok = response.status().is_success();
        let body = response.bytes().await.map_err(|error| lost(&error))?;
        let unreadable = |error: serde_json::Error| {
            let text = format!("the server's answer cannot be read: {error}");
            Failure::new(Exit::Internal, text)
        };
        if ok {
            return serde_json::from_slice(&body).map_err(unreadable);
        }
        let refused: Refused = serde_json::from_slice(&body).map_err(unreadable)?;
        let exit = TABLE.iter().find(|row| row.code == refused.code).map(|row| row.exit);
        Err(Failure::new(exit.unwrap_or(Exit::Problems), refused.to_string()))
    }
}

/// The host is never asked for: the connection is the socket.
fn address(path: &str) -> String {
    format!("http://cadencia/api/v1{path}")
}

fn no_server(data: &Path) -> Failure {
    let text = format!("no server runs on {}: start one with `cadencia serve`", data.display());
    Failure::new(Exit::Unavailable, text)
}

fn lost(error: &reqwest::Error) -> Failure {
    Failure::new(Exit::Unavailable, format!("the server did not answer: {error}"))
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        write!(f, " ({})", self.code)?;
        for item in &self.errors {
            write!(f, "\n{}", item.detail)?;
        }
        if !self.advice.is_empty() {
            write!(f, "\nadvice: {}", self.advice)?;
        }
        Ok(())
    }
}
