//! One connection: bytes out, replies in. Knows lines and replies, nothing of mail.

use std::fmt;

use domain::time::Instant;
use futures_util::FutureExt;
use lettre::transport::smtp::extension::ServerInfo;
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::Io;
use super::failure::Trouble;
use crate::email::classify::Reply;

/// Longest line of a reply. RFC 5321 says 512; servers that write prose go beyond.
pub(super) const REPLY_LINE_BYTES_MAX: usize = 4_096;

/// Most lines of a reply. EHLO has about twenty.
pub(super) const REPLY_LINES_MAX: usize = 128;

/// How much is read at once: most replies of a pipelined exchange fit.
const READ_BYTES: usize = 1_024;

/// A connection to a server.
pub(super) struct Connection {
    io: Box<dyn Io>,
    input: Vec<u8>,
    /// How much of `input` was consumed.
    read: usize,
    /// What the server offers, from its last EHLO.
    pub(super) server: Option<ServerInfo>,
    /// Whether it takes several commands in one write (RFC 2920).
    pub(super) pipelining: bool,
    /// Messages answered on it.
    pub(super) messages: u32,
    /// A transaction was begun and refused: the next one starts with RSET.
    pub(super) needs_reset: bool,
    /// Set while an exchange is under way: a connection on which one was left behind, by an error
    /// or by a dropped future, is never used again.
    pub(super) mid_exchange: bool,
    /// Since when it is idle.
    pub(super) idle_since: Instant,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("messages", &self.messages).finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(io: Box<dyn Io>) -> Self {
        Self {
            io,
            input: Vec::new(),
            read: 0,
            server: None,
            pipelining: false,
            messages: 0,
            needs_reset: false,
            mid_exchange: false,
            idle_since: Instant::MIN,
        }
    }

    /// Whether nothing is left over from an exchange.
    pub(super) fn is_clean(&self) -> bool {
        !self.mid_exchange && self.read == self.input.len()
    }

    /// Whether an idle connection still looks open: nothing to read, not even its end. Costs one
    /// system call at most, no round trip.
    pub(super) fn looks_open(&mut self) -> bool {
        if !self.is_clean() {
            return false;
        }
        let mut byte = [0; 1];
        // Data here is a farewell (421) or worse; the end of the stream reads as 0 bytes.
        self.io.read(&mut byte).now_or_never().is_none()
    }

    /// Gives the stream away for TLS.
    ///
    /// # Errors
    /// Where the server has already sent more than it was asked for: taken for part of the secure
    /// session, it would be an injection.
    pub(super) fn into_stream(self) -> Result<Box<dyn Io>, Trouble> {
        if self.read != self.input.len() {
            return Err(Trouble::Garbage("it wrote on after agreeing to TLS"));
        }
        Ok(self.io)
    }

    /// Writes and flushes; `written` counts what the stream took, however this ends.
    pub(super) async fn write(&mut self, bytes: &[u8], written: &mut usize) -> Result<(), Trouble> {
        *written = 0;
        while *written < bytes.len() {
            match self.io.write(&bytes[*written..]).await? {
                0 => return Err(Trouble::Closed),
                count => *written += count,
            }
        }
        Ok(self.io.flush().await?)
    }

    /// Nothing may have come that nobody asked for: it would be taken for the next reply.
    pub(super) fn expect_silence(&self) -> Result<(), Trouble> {
        if self.read == self.input.len() {
            Ok(())
        } else {
            Err(Trouble::Garbage("it says more than it was asked"))
        }
    }

    /// Writes a command and reads its reply.
    pub(super) async fn command(&mut self, command: &str) -> Result<(Response, Reply), Trouble> {
        self.expect_silence()?;
        self.mid_exchange = true;
        self.write(command.as_bytes(), &mut 0).await?;
        let reply = self.reply_with_lines().await?;
        self.mid_exchange = false;
        Ok(reply)
    }

    /// The next reply.
    pub(super) async fn reply(&mut self) -> Result<Reply, Trouble> {
        self.reply_with_lines().await.map(|(_, reply)| reply)
    }

    /// The next reply, also as the library's type, which knows EHLO and AUTH.
    pub(super) async fn reply_with_lines(&mut self) -> Result<(Response, Reply), Trouble> {
        let mut text = String::new();
        for _ in 0..REPLY_LINES_MAX {
            let is_last = self.line(&mut text).await?;
            if is_last {
                let response: Response =
                    text.parse().map_err(|_| Trouble::Garbage("its reply is none"))?;
                let reply = Reply::new(response.code().into(), response.message());
                return Ok((response, reply));
            }
        }
        Err(Trouble::Garbage("its reply has too many lines"))
    }

    /// Appends the next line to a reply, in the form that the parser wants; whether it is the last.
    async fn line(&mut self, text: &mut String) -> Result<bool, Trouble> {
        let end = loop {
            let unread = &self.input[self.read..];
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                break self.read + end;
            }
            if unread.len() > REPLY_LINE_BYTES_MAX {
                return Err(Trouble::Garbage("a line of its reply is too long"));
            }
            self.fill().await?;
        };
        let line = &self.input[self.read..end];
        if line.len() > REPLY_LINE_BYTES_MAX {
            return Err(Trouble::Garbage("a line of its reply is too long"));
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Replies are ASCII by the book; prose in other encodings must not hide the code.
        text.extend(line.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            b'\t' => ' ',
            _ => '?',
        }));
        if line.len() == 3 {
            text.push(' ');
        }
        text.push_str("\r\n");
        let is_last = line.get(3) != Some(&b'-');
        self.read = end + 1;
        Ok(is_last)
    }

    async fn fill(&mut self) -> Result<(), Trouble> {
        if self.read == self.input.len() {
            self.input.clear();
        } else {
            self.input.drain(..self.read);
        }
        self.read = 0;
        self.input.reserve(READ_BYTES);
        match self.io.read_buf(&mut self.input).await? {
            0 => Err(Trouble::Closed),
            _ => Ok(()),
        }
    }

    /// Says good-bye without waiting for anything.
    pub(super) fn quit(mut self) {
        let _ = self.io.write(b"QUIT\r\n").now_or_never();
    }
}
