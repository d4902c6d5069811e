//! The other side: a server of SMTP or HTTP that behaves as it is told, and what it saw.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does with a message that it has as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Takes it.
    Take,
    /// Refuses it for good.
    Refuse,
    /// Wants it later.
    Later,
    /// Closes the connection without an answer.
    Break,
    /// Keeps still until the mood is another.
    Hold,
}

/// How it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// SMTP.
    Smtp,
    /// HTTP, with this body behind what is taken.
    Http(&'static str),
}

/// The server. Ends with the runtime of its test.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) port: u16,
    mood: watch::Sender<Mood>,
    seen: Arc<Mutex<Vec<String>>>,
    changed: watch::Receiver<usize>,
}

struct Session {
    speech: Speech,
    mood: watch::Receiver<Mood>,
    seen: Arc<Mutex<Vec<String>>>,
    changes: Arc<watch::Sender<usize>>,
}

impl Other {
    pub(super) async fn start(speech: Speech) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (mood, told) = watch::channel(Mood::Take);
        let (changes, changed) = watch::channel(0);
        let (seen, changes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(changes));
        let all = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mood, seen, changes) = (told.clone(), all.clone(), changes.clone());
                let mut session = Session { speech, mood, seen, changes };
                // How a connection ends is no news: what matters was noted before.
                tokio::spawn(async move { session.run(stream).await.ok() });
            }
        });
        Self { port, mood, seen, changed }
    }

    pub(super) fn becomes(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How many whole messages had this text in them.
    pub(super) fn saw(&self, text: &str) -> usize {
        let seen = self.seen.lock().expect("no panic");
        seen.iter().filter(|message| message.contains(text)).count()
    }

    /// Waits until it has seen so many whole messages.
    pub(super) async fn has_seen(&self, count: usize) {
        let mut changed = self.changed.clone();
        changed.wait_for(|seen| *seen >= count).await.expect("the server runs");
    }

    /// How many whole messages it has seen.
    pub(super) fn total(&self) -> usize {
        self.seen.lock().expect("no panic").len()
    }
}

impl Session {
    async fn run(&mut self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        match self.speech {
            Speech::Smtp => self.smtp(&mut stream).await,
            Speech::Http(body) => self.http(&mut stream, body).await,
        }
    }

    /// Notes a message, and what is to be done with it: anything but to hold it.
    async fn decide(&mut self, message: String) -> Mood {
        let count = {
            let mut seen = self.seen.lock().expect("no panic");
            seen.push(message);
            seen.len()
        };
        self.changes.send_modify(|known| *known = (*known).max(count));
        let mood = self.mood.wait_for(|mood| *mood != Mood::Hold).await;
        mood.map_or(Mood::Break, |mood| *mood)
    }

    async fn smtp(&mut self, stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
        stream.write_all(b"220 test\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let reply: &[u8] = match line.get(..4).unwrap_or_default() {
                "DATA" => {
                    stream.write_all(b"354 go\r\n").await?;
                    let mut message = String::new();
                    while !message.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut message).await? == 0 {
                            return Ok(());
                        }
                    }
                    match self.decide(message).await {
                        Mood::Take | Mood::Hold => b"250 2.0.0 taken\r\n",
                        Mood::Refuse => b"554 5.6.0 refused\r\n",
                        Mood::Later => b"451 4.3.0 later\r\n",
                        Mood::Break => return Ok(()),
                    }
                }
                _ => b"250 ok\r\n",
            };
            stream.write_all(reply).await?;
        }
    }

    async fn http(
        &mut self,
        stream: &mut BufReader<TcpStream>,
        taken: &str,
    ) -> std::io::Result<()> {
        loop {
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let from = head.len();
                if stream.read_line(&mut head).await? == 0 {
                    return Ok(());
                }
                let line = head[from..].to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            let message = head + &String::from_utf8(body).expect("UTF-8");
            let (status, body) = match self.decide(message).await {
                Mood::Take | Mood::Hold => ("201 Created", taken),
                Mood::Refuse => ("400 Bad Request", ""),
                Mood::Later => ("429 Too Many Requests", ""),
                Mood::Break => return Ok(()),
            };
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}
