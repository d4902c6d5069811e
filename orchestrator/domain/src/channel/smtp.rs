//! E-mail through a mail server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SLOTS_DEFAULT, SLOTS_MAX, alone, host, is_local};
use crate::check::Check;
use crate::problem::{Path, Problem};

/// Port of message submission, if a channel does not say.
pub const PORT_DEFAULT: u16 = 587;
/// Port of mail over TLS from the first byte, if a channel does not say.
pub const PORT_IMPLICIT_DEFAULT: u16 = 465;

/// A mail server and how we present ourselves to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// User name and the file with the password.
    pub login: Option<(String, String)>,
    /// Sender.
    pub from: String,
    /// Right side of Message-IDs.
    pub message_id_domain: String,
    /// Signature.
    pub dkim: Option<Dkim>,
    /// Connections at the same time.
    pub slots: u16,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// `STARTTLS` before anything is said (port 587).
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Implicit,
    /// In the clear: only for a server on the same machine.
    None,
}

/// How messages are signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The signing domain.
    pub domain: String,
    /// The selector of the public key in DNS.
    pub selector: String,
    /// File with the private key, PEM.
    pub key_file: String,
}

/// A mail server.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawSmtp {
    /// Host name or address.
    pub host: String,
    /// TCP port. Default: 587, or 465 with `tls: implicit`.
    #[garde(range(min = 1))]
    pub port: Option<u16>,
    /// How the connection is protected. Default: `starttls`.
    pub tls: Option<Tls>,
    /// User name, with `password_file`.
    pub username: Option<String>,
    /// File with the password.
    pub password_file: Option<String>,
    /// Sender (`Shop <hello@shop.example>`).
    pub from: String,
    /// Right side of Message-IDs. Default: the domain of `from`.
    pub message_id_domain: Option<String>,
    /// Signs messages.
    pub dkim: Option<Dkim>,
    /// Connections at the same time. Default: 8.
    #[garde(range(min = 1, max = SLOTS_MAX))]
    pub slots: Option<u16>,
}

pub(super) fn smtp(raw: &RawSmtp, path: &Path, check: &mut Check<'_>) -> Option<Smtp> {
    check.limits(raw, path);
    host(&raw.host, &path.key("host"), check);
    let domain = check_address(&raw.from, &path.key("from"), check);
    if let Some(domain) = &raw.message_id_domain {
        host(domain, &path.key("message_id_domain"), check);
    }
    if let Some(dkim) = &raw.dkim {
        let path = path.key("dkim");
        host(&dkim.domain, &path.key("domain"), check);
        host(&dkim.selector, &path.key("selector"), check);
    }
    let login = match (&raw.username, &raw.password_file) {
        (Some(user), Some(file)) => Some((user.clone(), file.clone())),
        (None, None) => None,
        (Some(_), None) => return alone("username", "password_file", path, check),
        (None, Some(_)) => return alone("password_file", "username", path, check),
    };
    let tls = raw.tls.unwrap_or_default();
    if tls == Tls::None && login.is_some() && !is_local(&raw.host) {
        let message = "a password would cross the network in the clear";
        let problem = Problem::new(path.key("tls"), message);
        check.problem(problem.suggest("use `tls: starttls` or `tls: implicit`"));
    }
    let port_default = if tls == Tls::Implicit { PORT_IMPLICIT_DEFAULT } else { PORT_DEFAULT };
    Some(Smtp {
        host: raw.host.clone(),
        port: raw.port.unwrap_or(port_default),
        tls,
        login,
        from: raw.from.clone(),
        message_id_domain: match &raw.message_id_domain {
            Some(domain) => domain.clone(),
            None => domain?,
        },
        dkim: raw.dkim.clone(),
        slots: raw.slots.unwrap_or(SLOTS_DEFAULT),
    })
}

/// Checks a mail address (`a@b.example` or `Name <a@b.example>`) and answers with its domain.
pub(crate) fn check_address(text: &str, path: &Path, check: &mut Check<'_>) -> Option<String> {
    let address = match text.trim().strip_suffix('>') {
        Some(named) => named.rsplit_once('<').map(|(_, address)| address),
        None => Some(text.trim()),
    };
    let parts = address.and_then(|address| address.rsplit_once('@'));
    let fits = |(local, domain): &(&str, &str)| {
        let odd = |char: char| char.is_whitespace() || char.is_control() || "<>@,;".contains(char);
        !local.is_empty() && !domain.is_empty() && !local.contains(odd) && !domain.contains(odd)
    };
    match parts.filter(fits) {
        Some((_, domain)) if !text.contains(['\r', '\n']) => Some(domain.to_owned()),
        _ => {
            let problem = Problem::new(path.clone(), format!("`{text}` is not a mail address"));
            check.problem(problem.suggest("write it like `Shop <hello@shop.example>`"));
            None
        }
    }
}
