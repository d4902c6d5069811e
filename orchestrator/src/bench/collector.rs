//! A collector that takes everything by OTLP over HTTP and keeps nothing: what it costs to export
//! is measured, not what somebody does with it.

use std::io;
use std::net::{SocketAddr, TcpListener as Bound};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{BenchError, cannot};

/// An empty answer of each signal has no bytes.
const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// What is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;
/// Longest head of a request, in bytes: our own exporter's is far shorter.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The running collector, on a thread of its own; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Collector {
    /// Where it listens.
    pub(super) address: SocketAddr,
    bytes: Arc<AtomicU64>,
    _stop: oneshot::Sender<()>,
}

impl Collector {
    /// Starts it.
    pub(super) fn start() -> Result<Self, BenchError> {
        let cannot = || cannot("start a collector");
        let listener = Bound::bind("127.0.0.1:0").map_err(cannot())?;
        listener.set_nonblocking(true).map_err(cannot())?;
        let address = listener.local_addr().map_err(cannot())?;
        let bytes = Arc::new(AtomicU64::new(0));
        let (counted, (stop, stopped)) = (bytes.clone(), oneshot::channel());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(cannot())?;
        let serve = move || {
            runtime.block_on(async move {
                tokio::select! {
                    _ = listen(listener, counted) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("collector".to_owned()).spawn(serve);
        thread.map_err(cannot())?;
        Ok(Self { address, bytes, _stop: stop })
    }

    /// Bytes that it has taken so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn listen(listener: Bound, bytes: Arc<AtomicU64>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let bytes = bytes.clone();
        // Who sends what is no request is left alone.
        tokio::spawn(async move { drop(serve(stream, &bytes).await) });
    }
}

/// Takes one request after the other, and counts their bodies.
async fn serve(mut stream: TcpStream, bytes: &AtomicU64) -> io::Result<()> {
    let mut received = Vec::with_capacity(READ_BYTES);
    loop {
        let Some((head, mut body)) = head(&received)? else {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        bytes.fetch_add(body as u64, Ordering::Relaxed);
        received.drain(..head);
        loop {
            let here = body.min(received.len());
            received.drain(..here);
            body -= here;
            if body == 0 {
                break;
            }
            received.reserve(READ_BYTES);
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
        stream.write_all(TAKEN).await?;
    }
}

/// Bytes of a request's head and of its body, once the head is there.
fn head(received: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return match received.len() > HEAD_BYTES_MAX {
            true => Err(io::ErrorKind::InvalidData.into()),
            false => Ok(None),
        };
    };
    let text = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok());
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Some((end + 4, length)))
}
