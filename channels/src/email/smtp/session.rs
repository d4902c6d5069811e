//! From a stream to a connection that takes mail: greeting, EHLO, TLS, AUTH.

use lettre::transport::smtp::authentication::{self, Mechanism};
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};

use super::connection::Connection;
use super::dial::Dial;
use super::failure::{Trouble, within};
use super::settings::{Credentials, Security, Settings, SettingsError, Timeouts};
use super::tls::Tls;
use super::transaction::Progress;
use crate::channel::Phase;

/// Most challenges of one AUTH: LOGIN has two.
const CHALLENGES_MAX: usize = 4;

/// How sessions with one relay are opened.
#[derive(Debug)]
pub(super) struct Session {
    dial: Box<dyn Dial>,
    hello: ClientId,
    security: Security,
    tls: Tls,
    credentials: Option<Credentials>,
    timeouts: Timeouts,
}

impl Session {
    pub(super) fn new(settings: Settings, dial: Box<dyn Dial>) -> Result<Self, SettingsError> {
        Ok(Self {
            tls: Tls::new(&settings)?,
            dial,
            hello: ClientId::Domain(settings.hello),
            security: settings.security,
            credentials: settings.credentials,
            timeouts: settings.timeouts,
        })
    }

    pub(super) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Opens a connection that takes mail.
    pub(super) async fn open(&self, progress: &mut Progress) -> Result<Connection, Trouble> {
        let times = &self.timeouts;
        progress.enter(Phase::Connect);
        let dial = async { self.dial.dial().await.map_err(Trouble::Io) };
        let mut stream = within(times.connect, dial).await?;
        if self.security == Security::Implicit {
            progress.enter(Phase::Tls);
            stream = within(times.tls, self.tls.secure(stream)).await?;
        }
        let mut connection = Connection::new(stream);
        progress.enter(Phase::Banner);
        let greeting = within(times.banner, connection.reply()).await?;
        if greeting.code != 220 {
            return Err(Trouble::Refused(greeting));
        }
        self.hello(&mut connection, progress).await?;
        if matches!(self.security, Security::Opportunistic | Security::Required) {
            connection = self.start_tls(connection, progress).await?;
        }
        if let Some(credentials) = &self.credentials {
            progress.enter(Phase::Auth);
            within(times.auth, authenticate(&mut connection, credentials)).await?;
        }
        Ok(connection)
    }

    async fn hello(
        &self,
        connection: &mut Connection,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        progress.enter(Phase::Hello);
        let command = Ehlo::new(self.hello.clone()).to_string();
        let (response, reply) = within(self.timeouts.hello, connection.command(&command)).await?;
        if reply.code != 250 {
            return Err(Trouble::Refused(reply));
        }
        let server = ServerInfo::from_response(&response)
            .map_err(|_| Trouble::Garbage("its reply to EHLO names no host"))?;
        // The library knows no name for it.
        connection.pipelining =
            response.message().any(|line| line.trim().eq_ignore_ascii_case("PIPELINING"));
        connection.server = Some(server);
        Ok(())
    }

    async fn start_tls(
        &self,
        mut connection: Connection,
        progress: &mut Progress,
    ) -> Result<Connection, Trouble> {
        progress.enter(Phase::Tls);
        if !offers(&connection, Extension::StartTls) {
            return match self.security {
                Security::Opportunistic => Ok(connection),
                _ => Err(Trouble::Unsupported("STARTTLS")),
            };
        }
        let command = Starttls.to_string();
        let (_, reply) = within(self.timeouts.tls, connection.command(&command)).await?;
        if reply.code != 220 {
            return match self.security {
                Security::Opportunistic if !reply.closes() => Ok(connection),
                _ => Err(Trouble::Refused(reply)),
            };
        }
        let stream = connection.into_stream()?;
        let stream = within(self.timeouts.tls, self.tls.secure(stream)).await?;
        let mut connection = Connection::new(stream);
        // What the server offered in the clear may have been anyone's words.
        self.hello(&mut connection, progress).await?;
        Ok(connection)
    }
}

/// What a server says of itself, for people.
pub(super) fn described(connection: &Connection) -> String {
    let server = connection.server.as_ref().map_or("a server", |server| server.name());
    let pipelining = if connection.pipelining { ", takes commands in a row" } else { "" };
    let utf8 = if offers(connection, Extension::SmtpUtfEight) { ", takes UTF-8" } else { "" };
    format!("{server} takes mail{pipelining}{utf8}")
}

pub(super) fn offers(connection: &Connection, extension: Extension) -> bool {
    connection.server.as_ref().is_some_and(|server| server.supports_feature(extension))
}

async fn authenticate(
    connection: &mut Connection,
    credentials: &Credentials,
) -> Result<(), Trouble> {
    let mechanism = connection
        .server
        .as_ref()
        .and_then(|server| server.get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login]))
        .ok_or(Trouble::Unsupported("AUTH PLAIN or LOGIN"))?;
    let credentials =
        authentication::Credentials::new(credentials.user.clone(), credentials.password.clone());
    let garbage = |_| Trouble::Garbage("its challenge is none");
    let mut command = Auth::new(mechanism, credentials.clone(), None).map_err(garbage)?.to_string();
    for _ in 0..CHALLENGES_MAX {
        let (response, reply) = connection.command(&command).await?;
        match reply.code {
            235 => return Ok(()),
            334 => {
                command = Auth::new_from_response(mechanism, credentials.clone(), &response)
                    .map_err(garbage)?
                    .to_string();
            }
            _ => return Err(Trouble::Refused(reply)),
        }
    }
    Err(Trouble::Garbage("it challenges without end"))
}
