//! The control socket: the same HTTP, on a Unix socket in the data directory. Whoever may open it
//! owns the data already, so it asks for no token.

use std::any::Any;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{App as HttpApp, Error, HttpMessage as _, HttpServer, web};
use tokio::net::UnixStream;

use super::api::{admin, backup, health};
use super::server::{Site, not_found};
use super::{respond, whole};
use crate::access::principal::Principal;
use crate::error::{ErrorCode, Problem};

/// Name of the socket in the data directory.
const SOCKET: &str = "control.sock";
/// Longest path of a socket that every system takes: the address has 104 to 108 bytes.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// The system's superuser: she reads every file anyway.
const ROOT: u32 = 0;

/// Where the control socket of a data directory is.
pub fn control_socket(data: &Path) -> PathBuf {
    let path = data.join(SOCKET);
    if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return path;
    }
    // A deep data directory: a name for it where temporary files are, the same for everybody who
    // means the same directory, in a folder that only its owner may open.
    let whole = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let name = domain::hash::text(&whole.to_string_lossy());
    let owner = owner_of(data).unwrap_or_else(own_uid);
    std::env::temp_dir().join(format!("cadencia-{owner}")).join(format!("{name:016x}.sock"))
}

/// Whether the server of a data directory can be the one behind its socket: the folder of temporary
/// files is everybody's, and whoever comes first has the name.
pub fn is_of_its_owner(data: &Path, socket: &Path) -> bool {
    let folder = socket.parent().filter(|folder| *folder != data);
    let Some(folder) = folder else { return true };
    let found = folder.symlink_metadata();
    found.is_ok_and(|found| {
        let by = found.uid();
        found.is_dir() && (by == ROOT || by == own_uid() || owner_of(data) == Some(by))
    })
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn owner_of(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|found| found.uid())
}

/// Makes the folder of a socket that is not in its data directory, for its owner alone.
fn make_folder(data: &Path, socket: &Path) -> io::Result<()> {
    let Some(folder) = socket.parent().filter(|folder| *folder != data) else { return Ok(()) };
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let found = folder.symlink_metadata()?;
    if found.is_dir() && found.uid() == own_uid() && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    let name = folder.display();
    Err(io::Error::other(format!("`{name}` is there and not a folder that is ours alone")))
}

/// Number of the system's user at the other end of a connection.
#[derive(Clone, Copy, Debug)]
struct Peer(u32);

/// Remembers who opened a connection.
fn remember(connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<UnixStream>();
    if let Some(Ok(peer)) = stream.map(UnixStream::peer_cred) {
        data.insert(Peer(peer.uid()));
    }
}

/// Whoever owns the data may do everything; the system lets nobody else open the socket, and nobody
/// else is believed.
async fn owner(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let peer = request.conn_data::<Peer>().map(|peer| peer.0);
    if peer.is_none_or(|peer| peer != ROOT && peer != own_uid()) {
        let detail = "the control socket is for the owner of the server";
        let refusal = respond::problem(&Problem::new(ErrorCode::Forbidden, detail));
        return Ok(request.into_response(refusal));
    }
    request.extensions_mut().insert(Principal::owner(peer));
    let writes = request.method() != Method::GET;
    let rest = next.call(request);
    let done = if writes { whole::to_its_end(rest).await } else { rest.await };
    Ok(done?.map_into_boxed_body())
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
        make_folder(data, &path).map_err(fail)?;
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
                .app_data(folder.clone())
                .wrap(from_fn(owner))
                .service(health::metrics)
                .service(backup::take)
                .configure(admin::configure)
                .default_service(web::to(not_found))
        })
        .on_connect(remember)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of a test, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            std::fs::create_dir(&path).expect("a folder");
            Self(path)
        }

        fn deep(&self) -> PathBuf {
            let data = self.0.join("d".repeat(SOCKET_PATH_BYTES_MAX));
            std::fs::create_dir(&data).expect("a folder");
            data
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_socket_of_a_deep_directory_is_in_a_folder_of_its_owner_alone() {
        let folder = Folder::new("cadencia-deep");
        let data = folder.deep();
        let socket = control_socket(&data);
        assert!(socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX, "{}", socket.display());
        make_folder(&data, &socket).expect("it is made, or ours already");
        let made = socket.parent().expect("a folder").symlink_metadata().expect("it is there");
        assert_eq!((made.mode() & 0o777, made.uid()), (0o700, own_uid()));
        assert!(is_of_its_owner(&data, &socket));
    }

    #[test]
    fn a_folder_that_others_may_open_or_have_made_is_not_used() {
        let folder = Folder::new("cadencia-taken");
        let (data, taken) = (folder.deep(), folder.0.join("taken"));
        let socket = taken.join("x.sock");
        std::fs::create_dir(&taken).expect("a folder");
        std::fs::set_permissions(&taken, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        assert!(make_folder(&data, &socket).is_err(), "others may look into it");
        std::fs::remove_dir(&taken).expect("it is empty");
        std::os::unix::fs::symlink(&folder.0, &taken).expect("a link");
        assert!(make_folder(&data, &socket).is_err(), "it is a link");
        assert!(!is_of_its_owner(&data, &socket), "nor does a client follow it");
    }
}
