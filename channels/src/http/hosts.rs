//! Hosts that the operator allows although the guard would refuse them.

use std::str::FromStr;

/// A host, or a host with its port: `hooks.internal`, `127.0.0.1:8080`, `[::1]:8080`.
///
/// An allowed host may have any address and any port, or the one that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    host: String,
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: write a name or an address, and a port where only one is allowed")]
pub struct HostError(String);

impl AllowedHost {
    pub(super) fn fits(&self, host: &str, port: u16) -> bool {
        self.is(host) && self.port.is_none_or(|only| only == port)
    }

    /// Whether it is this host, whatever the port.
    pub(super) fn is(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }
}

impl FromStr for AllowedHost {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let wrong = || HostError(text.to_owned());
        // The library that reads addresses says how a host is written.
        let url = url::Url::parse(&format!("http://{text}")).map_err(|_| wrong())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        if !bare || text.ends_with('/') || !url.username().is_empty() {
            return Err(wrong());
        }
        // The port of the scheme is left out when the address is read.
        let port = url.port().or_else(|| text.ends_with(":80").then_some(80));
        Ok(Self { host: host.to_owned(), port })
    }
}
