//! A client for HTTP/1.1 that does only what the load needs: one kept-alive connection, one request
//! at a time, bodies of known length. It must cost little, for it runs on the same cores.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes asked for at a time.
const READ_BYTES: usize = 16 * 1024;

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    head_bytes: usize,
    body_bytes: usize,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, sent: Vec::new(), received: Vec::with_capacity(READ_BYTES) })
    }

    /// Posts a body of JSON and reads the answer to its end.
    pub(super) async fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.sent.clear();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        self.sent.extend_from_slice(head.as_bytes());
        self.sent.extend_from_slice(body);
        self.stream.write_all(&self.sent).await?;
        self.answer().await
    }

    /// Gets a text.
    pub(super) async fn get(&mut self, path: &str) -> io::Result<String> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        let answer = self.answer().await?;
        let body = &self.received[answer.head_bytes..answer.head_bytes + answer.body_bytes];
        Ok(String::from_utf8_lossy(body).into_owned())
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        self.received.clear();
        loop {
            if let Some(answer) = parse(&self.received)?
                && self.received.len() >= answer.head_bytes + answer.body_bytes
            {
                return Ok(answer);
            }
            self.received.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The head of an answer, once all of it is there.
fn parse(received: &[u8]) -> io::Result<Option<Answer>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let head = std::str::from_utf8(&received[..end]).map_err(|_| bad())?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or_else(bad)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok(Some(Answer { status, head_bytes: end + 4, body_bytes: length.ok_or_else(bad)? }))
}

/// The value of a metric: the sum over all attributes whose text contains `with`.
pub(super) fn metric(text: &str, name: &str, with: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(with));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_to_its_end() {
        let text = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}";
        let answer = parse(text).unwrap().unwrap();
        assert_eq!((answer.status, answer.head_bytes, answer.body_bytes), (429, 53, 2));
        assert_eq!(parse(&text[..40]).unwrap(), None);
    }

    #[test]
    fn a_metric_is_summed_over_its_attributes() {
        let text = "# TYPE a counter\na_total{x=\"1\",y=\"b\"} 2\na_total{x=\"2\",y=\"b\"} 3\n";
        assert_eq!(metric(text, "a_total", "y=\"b\""), 5.0);
        assert_eq!(metric(text, "a_total", "x=\"2\""), 3.0);
    }
}
