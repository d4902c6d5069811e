//! Channels: how messages leave, and which address of a customer they use.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: Channel
//! metadata: {name: email}
//! spec:
//!   address: email                      # the trait with the address
//!   rate: {limit: 20, per: PT1S}
//!   unsubscribe: {base_url: "https://shop.example"}
//!   smtp:
//!     host: smtp.shop.example
//!     username: shop
//!     password_file: /etc/cadencia/smtp-password
//!     from: Shop <hello@shop.example>
//!     dkim: {domain: shop.example, selector: c1, key_file: /etc/cadencia/dkim.pem}
//! ```

pub mod audience;
pub mod cost;
pub mod sms;
pub mod smtp;
pub mod webhook;

use std::net::{Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Check;
use crate::ids::ChannelName;
use crate::problem::{Path, Problem};
use crate::time::Span;

pub use audience::Audience;
pub use cost::Cost;
pub use sms::{Sms, is_e164};
pub use smtp::{Dkim, Smtp, Tls};
pub use webhook::Webhook;

/// The trait with the address, if a channel does not say.
pub const ADDRESS_DEFAULT: &str = "email";
/// Connections at the same time, if a channel does not say.
pub const SLOTS_DEFAULT: u16 = 8;
/// Most connections of a channel: each may leave one message unknown after a crash (semantics 25).
pub const SLOTS_MAX: u16 = 256;
/// Messages that a capture channel keeps, if it does not say.
pub const CAPTURE_KEEP_DEFAULT: u32 = 10_000;
/// Most messages that a capture channel keeps: they are held in memory.
pub const CAPTURE_KEEP_MAX: u32 = 1_000_000;
/// Most attempts per period of a rate.
pub const RATE_LIMIT_MAX: u32 = 1_000_000;

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: ChannelName,
    /// The trait with the customer's address.
    pub address: String,
    /// At most so many attempts per period, if it is limited.
    pub rate: Option<Rate>,
    /// Where unsubscribe links lead: scheme and host, without a slash at the end.
    pub unsubscribe_base_url: Option<String>,
    /// What is behind it.
    pub provider: Provider,
    /// What a message costs, where that is said.
    pub cost: Option<Cost>,
    /// Hex content hash.
    pub hash: String,
}

/// At most `limit` attempts in `per`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Attempts.
    pub limit: u32,
    /// Period, elapsed time.
    pub per: Span,
}

/// What is behind a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Keeps messages instead of sending them, for demos and tests.
    Capture {
        /// How many it keeps; older ones are dropped.
        keep: u32,
    },
    /// A mail server.
    Smtp(Smtp),
    /// Text messages.
    Sms(Sms),
    /// Another system.
    Webhook(Webhook),
    /// A retargeting audience.
    Audience(Audience),
}

/// What an address on a channel must look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressForm {
    /// Anything: the provider knows better.
    #[default]
    Any,
    /// A telephone number in E.164.
    E164,
    /// None: what goes by the channel does not go to the customer.
    None,
}

impl Channel {
    /// What an address on it must look like.
    pub fn address_form(&self) -> AddressForm {
        match self.provider {
            Provider::Sms(_) => AddressForm::E164,
            Provider::Webhook(_) => AddressForm::None,
            Provider::Capture { .. } | Provider::Smtp(_) | Provider::Audience(_) => {
                AddressForm::Any
            }
        }
    }
}

/// A channel: how messages leave. Exactly one of `capture`, `smtp`, `sms`, `webhook` and
/// `audience`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["capture"]},
    {"required": ["smtp"]},
    {"required": ["sms"]},
    {"required": ["webhook"], "not": {"anyOf": [
        {"required": ["address"]}, {"required": ["unsubscribe"]},
    ]}},
    {"required": ["audience"], "not": {"anyOf": [
        {"required": ["address"]}, {"required": ["unsubscribe"]}, {"required": ["rate"]},
    ]}},
]))]
pub struct RawChannel {
    /// The trait with the customer's address. Default: `email`, or `phone` with `sms`.
    pub address: Option<String>,
    /// At most so many attempts per period, to protect the provider.
    pub rate: Option<RawRate>,
    /// What a message costs: spend is counted, by journey, channel and campaign.
    pub cost: Option<cost::RawCost>,
    /// Unsubscribe links and the List-Unsubscribe headers.
    pub unsubscribe: Option<RawUnsubscribe>,
    /// Keeps messages instead of sending them, for demos and tests.
    pub capture: Option<RawCapture>,
    /// Sends through a mail server.
    pub smtp: Option<smtp::RawSmtp>,
    /// Sends text messages.
    pub sms: Option<sms::RawSms>,
    /// Tells another system, for the step `webhook`.
    pub webhook: Option<webhook::RawWebhook>,
    /// Mirrors members to advertising platforms, for the step `audience`.
    pub audience: Option<audience::RawAudience>,
}

/// At most `limit` attempts in `per`.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawRate {
    /// Attempts.
    #[garde(range(min = 1, max = RATE_LIMIT_MAX))]
    pub limit: u32,
    /// Period (`PT1S`).
    pub per: String,
}

/// Where unsubscribe links lead.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawUnsubscribe {
    /// Scheme and host under which this server is reached (`https://shop.example`).
    pub base_url: String,
}

/// Keeps messages instead of sending them.
#[derive(Clone, Debug, Deserialize, JsonSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RawCapture {
    /// How many it keeps; older ones are dropped. Default: 10000.
    #[garde(range(min = 1, max = CAPTURE_KEEP_MAX))]
    pub keep: Option<u32>,
}

/// Validates a channel whose `spec` stands at `path`.
pub fn channel(
    raw: &RawChannel,
    name: ChannelName,
    hash: String,
    path: &Path,
    check: &mut Check<'_>,
) -> Option<Channel> {
    let address_default = if raw.sms.is_some() { sms::PHONE_DEFAULT } else { ADDRESS_DEFAULT };
    let address = raw.address.as_deref().unwrap_or(address_default).to_owned();
    if address.is_empty() {
        check.wrong(&path.key("address"), "the name of the trait is empty");
    }
    let rate = raw.rate.as_ref().map(|raw| rate(raw, &path.key("rate"), check));
    let unsubscribe = raw
        .unsubscribe
        .as_ref()
        .map(|raw| base_url(&raw.base_url, &path.key("unsubscribe").key("base_url"), check));
    let provider = provider(raw, path, check)?;
    let cost = raw.cost.as_ref().map(|raw| cost::cost(raw, &provider, &path.key("cost"), check));
    let address = match &provider {
        Provider::Audience(audience) => audience.identifiers.first()?.1.clone(),
        _ => address,
    };
    Some(Channel {
        name,
        address,
        rate: match rate {
            Some(rate) => Some(rate?),
            None => None,
        },
        unsubscribe_base_url: match unsubscribe {
            Some(url) => Some(url?),
            None => None,
        },
        cost: match cost {
            Some(cost) => Some(cost?),
            None => None,
        },
        provider,
        hash,
    })
}

fn rate(raw: &RawRate, path: &Path, check: &mut Check<'_>) -> Option<Rate> {
    check.limits(raw, path);
    let path = path.key("per");
    let per = check.span(&raw.per, &path)?;
    if !per.is_elapsed() {
        let problem = Problem::new(path, "a rate's period must be elapsed time");
        check.problem(problem.suggest("write `PT1S` or `PT1H`, for example"));
        return None;
    }
    Some(Rate { limit: raw.limit, per })
}

fn base_url(text: &str, path: &Path, check: &mut Check<'_>) -> Option<String> {
    let plain = text.strip_prefix("http://");
    if let Some(rest) = plain {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        if !is_local(host) {
            let problem = Problem::new(path.clone(), "mail programs follow `https` links only");
            check.problem(problem.suggest("write it like `https://shop.example`"));
            return None;
        }
    }
    let host = text.strip_prefix("https://").or(plain);
    let fits = |host: &str| {
        let host = host.trim_end_matches('/');
        !host.is_empty() && !host.contains(['?', '#', '@']) && !host.contains(char::is_whitespace)
    };
    if host.is_some_and(fits) {
        return Some(text.trim_end_matches('/').to_owned());
    }
    let problem = Problem::new(path.clone(), "not the address of a web server");
    check.problem(problem.suggest("write it like `https://shop.example`"));
    None
}

fn provider(raw: &RawChannel, path: &Path, check: &mut Check<'_>) -> Option<Provider> {
    let given = [
        ("capture", raw.capture.is_some()),
        ("smtp", raw.smtp.is_some()),
        ("sms", raw.sms.is_some()),
        ("webhook", raw.webhook.is_some()),
        ("audience", raw.audience.is_some()),
    ];
    let given: Vec<_> = given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect();
    if let [first, second, ..] = given[..] {
        let message = format!("`{second}` cannot stand beside `{first}`");
        let problem = Problem::new(path.key(second), message);
        check.problem(problem.on_key().suggest("declare two channels"));
        return None;
    }
    if let Some(capture) = &raw.capture {
        check.limits(capture, &path.key("capture"));
        return Some(Provider::Capture { keep: capture.keep.unwrap_or(CAPTURE_KEEP_DEFAULT) });
    }
    if let Some(raw) = &raw.smtp {
        return smtp::smtp(raw, &path.key("smtp"), check).map(Provider::Smtp);
    }
    if let Some(raw) = &raw.sms {
        return sms::sms(raw, &path.key("sms"), check).map(Provider::Sms);
    }
    if let Some(endpoint) = &raw.webhook {
        without_address(raw, "a webhook goes to no customer", path, check);
        return webhook::webhook(endpoint, &path.key("webhook"), check).map(Provider::Webhook);
    }
    if let Some(audience) = &raw.audience {
        without_address(raw, "an audience has `identifiers` and sends nothing", path, check);
        if raw.rate.is_some() {
            let problem = Problem::new(path.key("rate"), "an audience sends nothing").on_key();
            check.problem(problem.suggest("say `every` in `audience`"));
        }
        if raw.cost.is_some() {
            let problem = Problem::new(path.key("cost"), "an audience sends nothing").on_key();
            check.problem(problem.suggest("remove it"));
        }
        return audience::audience(audience, &path.key("audience"), check).map(Provider::Audience);
    }
    let message = "a channel needs one of `capture`, `smtp`, `sms`, `webhook` and `audience`";
    check.problem(Problem::new(path.clone(), message).on_key());
    None
}

/// Keys that mean nothing where no message goes to a customer.
fn without_address(raw: &RawChannel, why: &str, path: &Path, check: &mut Check<'_>) {
    let given = [("address", raw.address.is_some()), ("unsubscribe", raw.unsubscribe.is_some())];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        let problem = Problem::new(path.key(key), why);
        check.problem(problem.on_key().suggest("remove it"));
    }
}

fn alone<T>(given: &str, wanted: &str, path: &Path, check: &mut Check<'_>) -> Option<T> {
    let message = format!("`{given}` needs `{wanted}` beside it");
    check.problem(Problem::new(path.key(given), message).on_key());
    None
}

fn is_local(host: &str) -> bool {
    let loopback = |text: &str| {
        text.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || text.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
    };
    host == "localhost" || loopback(host)
}

fn host(text: &str, path: &Path, check: &mut Check<'_>) {
    let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | ':' | '_');
    if text.is_empty() || text.len() > 253 || !text.chars().all(fits) {
        check.wrong(path, format!("`{text}` is not the name of a host"));
    }
}
