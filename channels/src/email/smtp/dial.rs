//! Ways to connect: TCP in production, pipes in tests.

use std::fmt;
use std::io;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connected stream of bytes.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens connections to one relay.
pub trait Dial: Send + Sync + fmt::Debug {
    /// Opens one. The caller limits how long it may take.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>>;
}

/// TCP, without Nagle's delay: held together with delayed acknowledgements it costs 40 ms a mail.
#[derive(Clone, Debug)]
pub struct TcpDial {
    host: String,
    port: u16,
}

impl TcpDial {
    /// To a host, by name or address.
    pub fn new(host: String, port: u16) -> Self {
        Self { host, port }
    }
}

impl Dial for TcpDial {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        async move {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Io>)
        }
        .boxed()
    }
}
