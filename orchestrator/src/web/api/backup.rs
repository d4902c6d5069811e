//! A backup of the running server. Only on the control socket: it holds everything, and the secret
//! that signs links.

use std::io::{self, Write};
use std::path::PathBuf;

use actix_web::{HttpResponse, get, web};
use futures_util::stream;
use tokio::sync::mpsc;

use crate::backup;
use crate::web::Site;

/// Bytes of one piece of the answer.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that may wait for a slow reader.
const PIECES_MAX: usize = 16;

/// Where the server keeps its data.
#[derive(Debug)]
pub(crate) struct DataDirectory(pub(crate) PathBuf);

/// Writes into the answer; ends with an error when nobody reads it any more.
struct Pieces {
    sender: mpsc::Sender<io::Result<web::Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = web::Bytes::from(std::mem::take(&mut self.piece));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone");
        self.sender.blocking_send(Ok(piece)).map_err(gone)
    }
}

/// `GET /api/v1/backup`. What it holds is as of the moment of the request; an answer without the
/// end of the format was cut short.
#[get("/api/v1/backup")]
pub(crate) async fn take(site: web::Data<Site>, data: web::Data<DataDirectory>) -> HttpResponse {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let (store, partitions, now) = (site.store.clone(), site.directory.count(), site.now());
    tokio::task::spawn_blocking(move || {
        let pieces = Pieces { sender: sender.clone(), piece: Vec::with_capacity(PIECE_BYTES) };
        if let Err(error) = backup::make(&store, partitions, &data.0, now, pieces) {
            tracing::error!(%error, "a backup was cut short");
            // The connection ends without the last piece, which the reader notices.
            drop(sender.blocking_send(Err(io::Error::other(error.to_string()))));
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    HttpResponse::Ok().content_type("application/gzip").streaming(body)
}
