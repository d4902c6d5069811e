//! A scripted SMTP server over any stream, and what it saw: the truth that outcomes are held to.

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::email::smtp::{Dial, Io};

/// A place of the session where the script may interfere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Point {
    Connect,
    Banner,
    Hello,
    Mail,
    Recipient,
    Data,
    Body,
    Answer,
}

/// What happens there in place of the proper reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// These bytes, as they are.
    Say(Vec<u8>),
    /// These bytes, then the end of the connection.
    SayAndClose(Vec<u8>),
    /// The end of the connection.
    Close,
    /// Nothing, for ever.
    Hang,
    /// The proper reply, but only once the client has sent its next line.
    Late,
}

pub(super) fn say(text: &str) -> Fault {
    Fault::Say(format!("{text}\r\n").into_bytes())
}

/// A message of which the server saw the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The code that was answered properly; `None` where a fault took the answer's place.
    pub(super) code: Option<u16>,
}

type Plan = dyn FnMut(Point) -> Option<Fault> + Send;

/// The server, shared by its connections.
pub(super) struct Server {
    pub(super) pipelining: bool,
    /// Asked at every point, in the order in which they come.
    plan: Mutex<Box<Plan>>,
    /// By Message-ID.
    pub(super) seen: Mutex<HashMap<String, Vec<Seen>>>,
    pub(super) connections: Mutex<usize>,
    /// Rung whenever the end of a message was seen.
    pub(super) end_seen: Notify,
}

impl Server {
    pub(super) fn new(
        pipelining: bool,
        plan: impl FnMut(Point) -> Option<Fault> + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            pipelining,
            plan: Mutex::new(Box::new(plan)),
            seen: Mutex::default(),
            connections: Mutex::default(),
            end_seen: Notify::new(),
        })
    }

    /// One that does this once at that point, and is a good server otherwise.
    pub(super) fn with_fault(pipelining: bool, point: Point, fault: Fault) -> Arc<Self> {
        let mut fault = Some(fault);
        Self::new(pipelining, move |at| if at == point { fault.take() } else { None })
    }

    fn fault(&self, point: Point) -> Option<Fault> {
        (self.plan.lock().unwrap())(point)
    }

    pub(super) async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        *self.connections.lock().unwrap() += 1;
        // How a connection ends is no news: what matters was noted before.
        let _ = Conversation::new(&self, stream).run().await;
    }
}

struct Conversation<'a, S> {
    server: &'a Server,
    stream: BufReader<S>,
    late: Vec<u8>,
    mail: bool,
    recipient: bool,
}

/// The reason to stop a conversation.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    fn new(server: &'a Server, stream: S) -> Self {
        Self { server, stream: BufReader::new(stream), late: vec![], mail: false, recipient: false }
    }

    async fn run(mut self) -> Result<(), Over> {
        self.answer(Point::Banner, "220 fake.example ESMTP").await?;
        loop {
            let line = self.line().await?;
            let late = std::mem::take(&mut self.late);
            self.stream.write_all(&late).await?;
            let verb: String = line.chars().take(4).collect::<String>().to_uppercase();
            match verb.as_str() {
                "EHLO" => self.hello().await?,
                "MAIL" if self.mail => self.say("503 nested MAIL").await?,
                "MAIL" => self.mail = self.answer(Point::Mail, "250 2.1.0 sender ok").await?,
                "RCPT" if !self.mail => self.say("503 no MAIL").await?,
                "RCPT" => {
                    self.recipient =
                        self.answer(Point::Recipient, "250 2.1.5 recipient ok").await?;
                }
                "DATA" if !self.recipient => self.say("503 no RCPT").await?,
                "DATA" => {
                    if self.answer(Point::Data, "354 go").await? {
                        self.content().await?;
                    }
                }
                "RSET" => {
                    (self.mail, self.recipient) = (false, false);
                    self.say("250 2.0.0 reset").await?;
                }
                "NOOP" => self.say("250 2.0.0 noop").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("500 5.5.2 what?").await?,
            }
        }
    }

    async fn line(&mut self) -> Result<String, Over> {
        let mut line = Vec::new();
        match self.stream.read_until(b'\n', &mut line).await? {
            0 => Err(Over),
            _ => Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
        }
    }

    async fn hello(&mut self) -> Result<(), Over> {
        let pipelining = if self.server.pipelining { "250-PIPELINING\r\n" } else { "" };
        let reply = format!("250-fake.example\r\n{pipelining}250-SIZE 99999999\r\n250 8BITMIME");
        self.answer(Point::Hello, &reply).await?;
        Ok(())
    }

    async fn say(&mut self, text: &str) -> Result<(), Over> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        Ok(())
    }

    /// The proper reply, or what the script has in its place; whether it was the proper one.
    async fn answer(&mut self, point: Point, reply: &str) -> Result<bool, Over> {
        match self.server.fault(point) {
            None => {
                self.say(reply).await?;
                return Ok(true);
            }
            Some(Fault::Say(bytes)) => self.stream.write_all(&bytes).await?,
            Some(Fault::SayAndClose(bytes)) => {
                self.stream.write_all(&bytes).await?;
                return Err(Over);
            }
            Some(Fault::Close) => return Err(Over),
            Some(Fault::Hang) => pending().await,
            Some(Fault::Late) => {
                self.late = format!("{reply}\r\n").into_bytes();
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn content(&mut self) -> Result<(), Over> {
        match self.server.fault(Point::Body) {
            None => {}
            Some(Fault::Hang) => pending().await,
            Some(_) => return Err(Over),
        }
        let mut id = String::new();
        loop {
            let line = self.line().await?;
            if let Some(found) = line.strip_prefix("Message-ID: ") {
                found.trim_matches(['<', '>']).clone_into(&mut id);
            }
            if line == "." {
                break;
            }
        }
        (self.mail, self.recipient) = (false, false);
        let fault_comes = self.note(&id);
        self.server.end_seen.notify_one();
        let proper = self.answer(Point::Answer, &format!("250 2.0.0 queued as {id}")).await;
        let mut seen = self.server.seen.lock().unwrap();
        let last = seen.get_mut(&id).and_then(|all| all.get_mut(fault_comes)).unwrap();
        last.code = matches!(proper, Ok(true)).then_some(250);
        proper.map(|_| ())
    }

    fn note(&self, id: &str) -> usize {
        let mut seen = self.server.seen.lock().unwrap();
        let all = seen.entry(id.to_owned()).or_default();
        all.push(Seen { code: None });
        all.len() - 1
    }
}

/// Connects to the server over pipes; ends its conversations when dropped.
pub(super) struct Pipes {
    pub(super) server: Arc<Server>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Room in a pipe, each way.
pub(super) const PIPE_BYTES: usize = 16 * 1024;

impl Pipes {
    pub(super) fn to(server: &Arc<Server>) -> Box<Self> {
        Box::new(Self { server: Arc::clone(server), tasks: Mutex::default() })
    }
}

impl fmt::Debug for Pipes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipes")
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        for task in self.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}

impl Dial for Pipes {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        async move {
            match self.server.fault(Point::Connect) {
                None => {}
                Some(Fault::Hang) => pending().await,
                Some(_) => return Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
            let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
            let task = tokio::spawn(Arc::clone(&self.server).serve(theirs));
            self.tasks.lock().unwrap().push(task);
            Ok(Box::new(ours) as Box<dyn Io>)
        }
        .boxed()
    }
}
