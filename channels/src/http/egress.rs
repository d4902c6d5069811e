//! The one client for addresses that users give, and its guard.
//!
//! The resolver filters what a name stands for, and the connection goes to exactly what is left:
//! there is no second look-up that could say something else. Addresses that are written as numbers
//! never get to a resolver and are judged by themselves.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

use super::address::is_public;
use super::hosts::AllowedHost;

/// How long a connection is kept for the next request. Longer saves handshakes, but a connection
/// that the other side is about to close loses a message: it is then unknown.
const IDLE_MS: u64 = 5_000;
/// How long opening a connection may take, the name's resolution and TLS included.
const CONNECT_MS: u64 = 5_000;

/// Asks what a name stands for.
pub trait Lookup: Send + Sync + fmt::Debug + 'static {
    /// The addresses of a host.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Asks the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// Sends requests to addresses that users gave.
#[derive(Clone, Debug)]
pub struct Egress {
    /// Reaches the world only.
    world: reqwest::Client,
    /// Also reaches hosts that the operator named, wherever they are.
    named: reqwest::Client,
    allowed: Arc<[AllowedHost]>,
}

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the client for web addresses: {0}")]
pub struct EgressError(String);

/// An address that was looked at and may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) url: Url,
    /// Whether the operator named its host, for its port.
    pub(crate) is_allowed: bool,
}

/// An address that is not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no address.
    #[error("not the address of a web server: {0}")]
    NoAddress(String),
    /// It carries a user name or a password.
    #[error("an address must not carry a user name or a password")]
    Credentials,
    /// It names another port.
    #[error("port {0} is not allowed: use 80 or 443, or name the host in `egress.allow`")]
    Port(u16),
    /// It leads into a network.
    #[error("{0} leads into a network, not to the world: name the host in `egress.allow`")]
    Private(String),
}

impl Egress {
    /// A client that reaches the world, and these hosts.
    ///
    /// # Errors
    /// Where the TLS library refuses its own defaults.
    pub fn new(allowed: impl IntoIterator<Item = AllowedHost>) -> Result<Self, EgressError> {
        Self::with_lookup(allowed, Arc::new(SystemLookup))
    }

    /// The same, with another way to ask what a name stands for.
    ///
    /// # Errors
    /// As [`Egress::new`].
    pub fn with_lookup(
        allowed: impl IntoIterator<Item = AllowedHost>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, EgressError> {
        let allowed: Arc<[AllowedHost]> = allowed.into_iter().collect();
        // A resolver is not told which port is meant: whoever asks says it by the client.
        let world = client(Guarded { lookup: lookup.clone(), allowed: Arc::default() })?;
        let named = client(Guarded { lookup, allowed: allowed.clone() })?;
        Ok(Self { world, named, allowed })
    }

    /// The client that may ask a target.
    pub(super) fn client(&self, target: &Target) -> &reqwest::Client {
        if target.is_allowed { &self.named } else { &self.world }
    }

    /// Looks at an address: its shape, its port, and its number where it is written as one.
    ///
    /// # Errors
    /// Where it must not be asked.
    pub fn target(&self, address: &str) -> Result<Target, Refused> {
        let url = Url::parse(address).map_err(|error| Refused::NoAddress(error.to_string()))?;
        let (true, Some(host), Some(port)) =
            (matches!(url.scheme(), "http" | "https"), url.host(), url.port_or_known_default())
        else {
            return Err(Refused::NoAddress("write it like `https://shop.example`".to_owned()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let text = url.host_str().unwrap_or_default();
        if self.allowed.iter().any(|allowed| allowed.fits(text, port)) {
            return Ok(Target { url, is_allowed: true });
        }
        if !matches!(port, 80 | 443) {
            return Err(Refused::Port(port));
        }
        let private = match host {
            Host::Ipv4(address) => !is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => !is_public(IpAddr::V6(address)),
            Host::Domain(_) => false,
        };
        if private {
            return Err(Refused::Private(text.to_owned()));
        }
        Ok(Target { url, is_allowed: false })
    }
}

/// Nothing that leads elsewhere is followed: each target is looked at before it is asked.
fn client(resolver: Guarded) -> Result<reqwest::Client, EgressError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls()?)
        .dns_resolver(Arc::new(resolver))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        .user_agent(concat!("cadencia/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_millis(CONNECT_MS))
        .pool_idle_timeout(Duration::from_millis(IDLE_MS))
        .build()
        .map_err(|error| EgressError(error.to_string()))
}

/// The public authorities, as for mail.
fn tls() -> Result<ClientConfig, EgressError> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| EgressError(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A resolver that gives only addresses that may be reached.
#[derive(Debug)]
struct Guarded {
    lookup: Arc<dyn Lookup>,
    allowed: Arc<[AllowedHost]>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let any = self.allowed.iter().any(|allowed| allowed.is(&host));
        let found = self.lookup.lookup(host.clone());
        Box::pin(async move {
            let found = found.await?;
            let reachable: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| any || is_public(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if reachable.is_empty() {
                return Err(Refused::Private(host).into());
            }
            Ok(Box::new(reachable.into_iter()) as Addrs)
        })
    }
}
