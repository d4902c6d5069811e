//! Settings of an SMTP channel, and the check that they can work.

use std::fmt;
use std::time::Duration;

/// Most connections that one channel may use at once: receivers block those who open more.
pub(super) const SLOTS_MAX: usize = 1_000;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// STARTTLS where the server offers it, with any certificate: as good as plain text against
    /// an attacker in the middle, better against one who only listens.
    Opportunistic,
    /// STARTTLS with a valid certificate, or no mail.
    #[default]
    Required,
    /// TLS from the first byte (port 465), with a valid certificate.
    Implicit,
}

/// User name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// How long each phase may take. Defaults follow RFC 5321 4.5.3.2, cut where it only protects
/// slow mail servers, except for the last: a short wait there makes duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening the TCP connection, the name's resolution included.
    pub connect: Duration,
    /// Waiting for the greeting.
    pub banner: Duration,
    /// EHLO.
    pub hello: Duration,
    /// STARTTLS and the handshake.
    pub tls: Duration,
    /// AUTH, all its steps.
    pub auth: Duration,
    /// MAIL, and RSET in front of it.
    pub mail: Duration,
    /// RCPT.
    pub recipient: Duration,
    /// DATA.
    pub data: Duration,
    /// Writing the content.
    pub body: Duration,
    /// Waiting for the answer to the whole message (RFC 5321 4.5.3.2.6: 10 minutes).
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(30),
            banner: seconds(60),
            hello: seconds(60),
            tls: seconds(30),
            auth: seconds(60),
            mail: seconds(60),
            recipient: seconds(60),
            data: seconds(120),
            body: seconds(180),
            answer: seconds(600),
        }
    }
}

/// Settings of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The name by which we say hello: a domain name of ours.
    pub hello: String,
    /// How the connection is protected.
    pub security: Security,
    /// Certificates (PEM) to trust in place of the public authorities.
    pub authorities_pem: Option<String>,
    /// Credentials, where the relay wants some.
    pub credentials: Option<Credentials>,
    /// Present the credentials over an unprotected connection, too.
    pub credentials_in_the_clear: bool,
    /// Connections that may be in use at once.
    pub slots: usize,
    /// Messages after which a connection is closed: relays spread load by it.
    pub messages_per_connection_max: u32,
    /// How long, in milliseconds, an idle connection is still taken for open.
    pub idle_ms_max: i64,
    /// Time-outs.
    pub timeouts: Timeouts,
}

impl Settings {
    /// Settings for a relay, everything else at its default.
    pub fn new(host: impl Into<String>, port: u16, hello: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            hello: hello.into(),
            security: Security::default(),
            authorities_pem: None,
            credentials: None,
            credentials_in_the_clear: false,
            slots: 10,
            messages_per_connection_max: 1_000,
            idle_ms_max: 30_000,
            timeouts: Timeouts::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 253
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !plain(&self.host) {
            return Err(SettingsError::Host);
        }
        if !plain(&self.hello) {
            return Err(SettingsError::Hello);
        }
        if !(1..=SLOTS_MAX).contains(&self.slots) {
            return Err(SettingsError::Slots);
        }
        let protected = matches!(self.security, Security::Required | Security::Implicit);
        if self.credentials.is_some() && !protected && !self.credentials_in_the_clear {
            return Err(SettingsError::CredentialsInTheClear);
        }
        let lines = |text: &str| text.contains(['\r', '\n', '\0']);
        if self.credentials.as_ref().is_some_and(|it| lines(&it.user) || lines(&it.password)) {
            return Err(SettingsError::Credentials);
        }
        Ok(())
    }
}

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No host.
    #[error("host: want the name or address of the relay")]
    Host,
    /// No name to say hello with.
    #[error("hello: want a domain name of ours")]
    Hello,
    /// Slots out of range.
    #[error("slots: want 1 to {SLOTS_MAX}")]
    Slots,
    /// The password would be readable on the network.
    #[error("credentials need `required` or `implicit` TLS")]
    CredentialsInTheClear,
    /// Line ends in the credentials.
    #[error("credentials: contain a line end or NUL")]
    Credentials,
    /// The trusted certificates cannot be read.
    #[error("authorities: {0}")]
    Authorities(String),
}
