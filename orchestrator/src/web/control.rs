//! The control socket: the same HTTP, on a Unix socket in the data directory. Whoever may open it
//! owns the data already, so it asks for no token.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use actix_web::dev::ServerHandle;
use actix_web::error::InternalError;
use actix_web::{App as HttpApp, HttpServer, web};

use super::api::{admin, backup, health};
use super::respond;
use super::server::{Site, not_found};
use crate::error::{ErrorCode, Problem};

/// Name of the socket in the data directory.
const SOCKET: &str = "control.sock";
/// Longest path of a socket that every system takes: the address has 104 to 108 bytes.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// Where the control socket of a data directory is.
pub fn control_socket(data: &Path) -> PathBuf {
    let path = data.join(SOCKET);
    if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return path;
    }
    // A deep data directory: a name for it where temporary files are, the same for everybody who
    // means the same directory.
    let whole = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let name = domain::hash::text(&whole.to_string_lossy());
    std::env::temp_dir().join(format!("cadencia-{name:016x}.sock"))
}

/// Bodies as large as a campaign; one that cannot be read is answered as everything else is.
fn json_bodies() -> web::JsonConfig {
    web::JsonConfig::default().limit(admin::ADMIN_BODY_BYTES_MAX).error_handler(|error, _| {
        let problem = Problem::new(ErrorCode::MalformedBody, error.to_string());
        InternalError::from_response(error, respond::problem(&problem)).into()
    })
}

/// The socket cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}: {error}", path.display())]
pub struct ControlError {
    /// Where.
    pub path: PathBuf,
    /// Why not.
    pub error: std::io::Error,
}

/// The served control socket.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    handle: ServerHandle,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl ControlServer {
    /// Serves the socket of a data directory that this process has locked. Must be called inside
    /// an actix system.
    pub fn start(site: web::Data<Site>, data: &Path) -> Result<Self, ControlError> {
        let path = control_socket(data);
        let fail = |error| ControlError { path: path.clone(), error };
        // The lock on the store says that whoever made this socket is gone.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(fail)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
        let folder = web::Data::new(backup::DataDirectory(data.to_owned()));
        let server = HttpServer::new(move || {
            HttpApp::new()
                .app_data(site.clone())
                .app_data(web::PayloadConfig::new(admin::ADMIN_BODY_BYTES_MAX))
                .app_data(json_bodies())
                .app_data(folder.clone())
                .service(health::metrics)
                .service(backup::take)
                .configure(admin::configure)
                .default_service(web::to(not_found))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(10)
        .listen_uds(listener)
        .map_err(fail)?
        .run();
        let handle = server.handle();
        let ended = actix_rt::spawn(server);
        Ok(Self { path, handle, ended })
    }

    /// Takes nothing more in and waits for the requests under way.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        drop(self.ended.await);
        drop(std::fs::remove_file(&self.path));
    }
}
