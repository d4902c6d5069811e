//! The settings of the server, in layers: defaults, a YAML file, `CADENCIA_*` variables, flags.
//!
//! ```yaml
//! data_dir: /var/lib/cadencia
//! listen: 0.0.0.0:8080
//! public_url: https://events.shop.example
//! write_keys: [k-123]
//! secret_key_file: /etc/cadencia/secret
//! proxies: [10.0.0.0/8]
//! login: {idle_minutes: 480}
//! oidc: {issuer: "https://id.shop.example", client_id: cadencia, roles: {admin: [admins]}}
//! log: {filter: info, format: json}
//! egress: {allow: ["hooks.internal:8443"]}
//! audit: {keep_days: 730}
//! limits: {body_bytes: 4194304}
//! telemetry: {endpoint: "http://collector:4317"}
//! ```
//!
//! A later layer wins, key by key. A variable names a key in capitals, its parts joined by two
//! underscores: `CADENCIA_LISTEN`, `CADENCIA_LOG__FORMAT`. Lists are separated by commas. An
//! unknown key is an error in every layer. The only place that reads the environment.

mod telemetry;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment};
use garde::Validate;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::telemetry::STANDARD_VARIABLES;
pub use self::telemetry::{Protocol, Telemetry};
use super::canonical;
use super::catalog::diagnostic;
use super::files::read_text;
use super::report::Report;
use super::source::Source;
use super::structure::fit;
use super::yaml::read;
use crate::access::audit::{KEEP_DAYS_DEFAULT, KEEP_DAYS_MAX, KEEP_DAYS_MIN};
use crate::telemetry::setup::LOG_FILTER_DEFAULT;

/// What the variables start with.
pub const PREFIX: &str = "CADENCIA";
/// Keys that hold lists.
const LISTS: [&str; 11] = [
    "write_keys",
    "cors_origins",
    "proxies",
    "egress.allow",
    "oidc.scopes",
    "oidc.roles.viewer",
    "oidc.roles.marketer",
    "oidc.roles.operator",
    "oidc.roles.admin",
    "telemetry.headers",
    "telemetry.resource",
];
/// Most partitions: their number stands in two bytes of every key.
const PARTITIONS_MAX: u16 = 4_096;
/// Most threads for actors.
const ARBITERS_MAX: u16 = 512;
/// Longest session: a month. Who stays away longer logs in again.
const SESSION_MINUTES_MAX: u32 = 31 * 24 * 60;
/// Most scopes, and most values that give one role: each login looks at all of them.
const OIDC_LIST_MAX: usize = 100;
/// Largest body that can be allowed, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The settings of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Settings {
    /// Where the store is, or is to be.
    pub data_dir: PathBuf,
    /// Address and port on which HTTP is served.
    pub listen: SocketAddr,
    /// Partitions, fixed when the store is created.
    #[garde(range(min = 1, max = PARTITIONS_MAX))]
    pub partitions: u16,
    /// Threads for actors; 0 is one for each core.
    #[garde(range(max = ARBITERS_MAX))]
    pub arbiters: u16,
    /// Scheme and host under which customers reach this server, for links in messages.
    pub public_url: Option<String>,
    /// Keys that senders of events must present. Empty: every sender is accepted.
    pub write_keys: Vec<String>,
    /// Origins whose pages may send events (`https://shop.example`); `*` is any.
    pub cors_origins: Vec<String>,
    /// File with the secret that signs links. Without it one is made and kept with the store.
    pub secret_key_file: Option<PathBuf>,
    /// Requests to addresses that definitions name.
    pub egress: Egress,
    /// Networks of proxies whose `X-Forwarded-For` is believed. Empty: it is not read.
    #[schemars(with = "Vec<String>")]
    pub proxies: Vec<IpNet>,
    /// Logins to the console.
    #[garde(dive)]
    pub login: Login,
    /// Login by an identity provider (OpenID Connect).
    #[garde(dive)]
    pub oidc: Oidc,
    /// Who changed what.
    #[garde(dive)]
    pub audit: Audit,
    /// Log.
    pub log: Log,
    /// Limits.
    #[garde(dive)]
    pub limits: Limits,
    /// Traces, logs and metrics.
    #[garde(dive)]
    pub telemetry: Telemetry,
}

/// Requests to addresses that definitions name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    /// Hosts that may be asked whatever their address, with a port (`hooks.internal:8443`) or at
    /// any. All others must have a public address, and port 80 or 443.
    pub allow: Vec<String>,
}

/// How long somebody who logged in stays in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// Longest time without a request, in minutes.
    #[garde(range(min = 1, max = SESSION_MINUTES_MAX))]
    pub idle_minutes: u32,
    /// Longest time in all, in minutes.
    #[garde(range(min = 1, max = SESSION_MINUTES_MAX))]
    pub session_minutes: u32,
}

/// The log of who changed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Days for which rows are kept.
    #[garde(range(min = KEEP_DAYS_MIN, max = KEEP_DAYS_MAX))]
    pub keep_days: u32,
}

/// An identity provider, and what its words mean here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Oidc {
    /// The provider's issuer, as it calls itself. Without one there is no such login.
    pub issuer: Option<String>,
    /// What the provider calls this server.
    pub client_id: Option<String>,
    /// File with the secret that the provider gave to this server; none for a public client.
    pub client_secret_file: Option<PathBuf>,
    /// The scopes that are asked for.
    #[garde(length(max = OIDC_LIST_MAX))]
    pub scopes: Vec<String>,
    /// The claim of the identity token whose values give roles: a text or a list of texts.
    pub role_claim: String,
    /// Values of that claim, by the role that they give; the highest one counts.
    #[garde(dive)]
    pub roles: OidcRoles,
}

/// Values of a claim, by the role that they give.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OidcRoles {
    /// These give the role `viewer`.
    #[garde(length(max = OIDC_LIST_MAX))]
    pub viewer: Vec<String>,
    /// These give the role `marketer`.
    #[garde(length(max = OIDC_LIST_MAX))]
    pub marketer: Vec<String>,
    /// These give the role `operator`.
    #[garde(length(max = OIDC_LIST_MAX))]
    pub operator: Vec<String>,
    /// These give the role `admin`.
    #[garde(length(max = OIDC_LIST_MAX))]
    pub admin: Vec<String>,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Levels, also by module (`info,cadencia::web=debug`).
    pub filter: String,
    /// Shape of a line.
    pub format: LogFormat,
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Limits that installations differ in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[garde(allow_unvalidated)]
pub struct Limits {
    /// Largest request body, in bytes; larger ones are refused.
    #[garde(range(min = 32 * 1024, max = BODY_BYTES_MAX))]
    pub body_bytes: usize,
    /// Customers whose actors are kept in memory, over all partitions.
    #[garde(range(min = 1_000))]
    pub active_customers: usize,
    /// Longest time that stopping waits for what is under way, in seconds.
    #[garde(range(min = 1, max = 600))]
    pub drain_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("cadencia-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            partitions: 64,
            arbiters: 0,
            public_url: None,
            write_keys: Vec::new(),
            cors_origins: vec!["*".to_owned()],
            secret_key_file: None,
            egress: Egress::default(),
            proxies: Vec::new(),
            login: Login::default(),
            oidc: Oidc::default(),
            audit: Audit::default(),
            log: Log::default(),
            limits: Limits::default(),
            telemetry: Telemetry::default(),
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        // A working day, and a week at most.
        Self { idle_minutes: 8 * 60, session_minutes: 7 * 24 * 60 }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: KEEP_DAYS_DEFAULT }
    }
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret_file: None,
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            role_claim: "groups".to_owned(),
            roles: OidcRoles::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: LOG_FILTER_DEFAULT.to_owned(), format: LogFormat::Text }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 4 * 1024 * 1024, active_customers: 200_000, drain_seconds: 20 }
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file has problems, each at its place.
    #[error("{}", .0.render(false))]
    File(Report),
    /// The file cannot be read.
    #[error("{}: {message}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// A variable or a flag is wrong.
    #[error("settings: {0}")]
    Layer(#[from] ConfigError),
    /// A value is out of range.
    #[error("settings: {0}")]
    Range(garde::Report),
}

/// One flag of the command line: a key, its parts joined by dots, and its value.
pub type Flag = (&'static str, String);

/// The environment of this process.
#[expect(clippy::disallowed_methods, reason = "the one door through which settings come")]
pub fn environment() -> HashMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Settings {
    /// From all layers. `environment` is usually [`environment`]; flags win over everything.
    pub fn load(
        file: Option<&Path>,
        environment: HashMap<String, String>,
        flags: &[Flag],
    ) -> Result<Self, SettingsError> {
        let mut builder = Config::builder().add_source(Config::try_from(&Self::default())?);
        builder = builder.add_source(standard_variables(&environment)?);
        if let Some(path) = file {
            let message = |message| SettingsError::Unreadable { path: path.to_owned(), message };
            let text = read_text(path).map_err(message)?;
            builder = builder.add_source(Config::try_from(&file_layer(path, &text)?)?);
        }
        let mut environment: config::Map<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX) && !is_service_link(name))
            .collect();
        // A list of one variable is split here: the crate would split every text at commas.
        let variable = |key: &str| format!("{PREFIX}_{}", key.to_uppercase().replace('.', "__"));
        let lists = LISTS.map(|key| environment.remove(&variable(key)));
        let variables = Environment::with_prefix(PREFIX)
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(environment));
        builder = builder.add_source(variables);
        for (key, list) in LISTS.into_iter().zip(lists) {
            let Some(list) = list else { continue };
            builder = builder.set_override(key, split(&list))?;
        }
        for (key, value) in flags {
            builder = builder.set_override(*key, value.as_str())?;
        }
        let settings: Self = builder.build()?.try_deserialize()?;
        settings.validate().map_err(SettingsError::Range)?;
        Ok(settings)
    }
}

/// The parts of a list in one variable.
fn split(list: &str) -> Vec<String> {
    let items = list.split(',').map(|item| item.trim().to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

/// What variables of other specifications set.
fn standard_variables(environment: &HashMap<String, String>) -> Result<Config, ConfigError> {
    let mut builder = Config::builder();
    for (name, key) in STANDARD_VARIABLES {
        match environment.get(name).filter(|value| !value.is_empty()) {
            Some(value) if LISTS.contains(&key) => {
                // The values of these lists are percent-encoded, as in the header `baggage`.
                let items = split(value).into_iter();
                let plain =
                    items.map(|it| percent_decode_str(&it).decode_utf8_lossy().into_owned());
                builder = builder.set_override(key, plain.collect::<Vec<_>>())?;
            }
            Some(value) => builder = builder.set_override(key, value.as_str())?,
            None => {}
        }
    }
    builder.build()
}

/// Parts of names of settings whose values are secret, or may be. Names of files are none.
const SECRET_NAMES: [&str; 5] = ["key", "secret", "password", "token", "header"];

impl Settings {
    /// The settings as YAML for people who look on, without what may be secret.
    pub fn shown(&self) -> Option<String> {
        let mut shown = serde_json::to_value(self).ok()?;
        hide_secrets(&mut shown, false);
        serde_saphyr::to_string(&shown).ok()
    }
}

fn hide_secrets(value: &mut serde_json::Value, secret: bool) {
    use serde_json::Value as Json;
    match value {
        Json::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let is_file = name.ends_with("_file");
                let named = SECRET_NAMES.iter().any(|part| name.contains(part));
                hide_secrets(value, secret || named && !is_file);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| hide_secrets(item, secret)),
        Json::Null => {}
        other if secret => *other = "***".into(),
        _ => {}
    }
}

/// The keys that a file sets, checked with their places.
fn file_layer(path: &Path, text: &str) -> Result<serde_json::Value, SettingsError> {
    let source = Source::new(path, text);
    let reading = read::read(text);
    let mut flaws = reading.flaws;
    let mut layer = serde_json::json!({});
    for (at, mut root) in reading.documents.into_iter().enumerate() {
        if at > 0 {
            flaws.push(read::Flaw {
                span: root.span.clone(),
                message: "settings are one document".to_owned(),
                suggestion: Some("remove this one".to_owned()),
            });
            break;
        }
        layer = canonical::to_json(&root);
        let _fits: Option<Settings> = fit(&mut root, &domain::problem::Path::root(), &mut flaws);
    }
    if flaws.is_empty() {
        return Ok(layer);
    }
    let mut report = Report::default();
    report.extend(flaws.into_iter().map(|flaw| diagnostic(&source, flaw)));
    report.sort();
    Err(SettingsError::File(report))
}

/// Variables that Kubernetes sets for a Service called `cadencia`: they are not ours.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("CADENCIA_") else { return true };
    rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let write_keys = vec!["wk-canary".to_owned()];
        let secret_key_file = Some(PathBuf::from("/etc/cadencia/secret"));
        let settings = Settings { write_keys, secret_key_file, ..Settings::default() };
        let shown = settings.shown().expect("YAML");
        assert!(!shown.contains("canary") && shown.contains("***"), "{shown}");
        assert!(shown.contains("/etc/cadencia/secret"), "{shown}");
        let mut other = serde_json::json!({
            "otlp": {"headers": {"authorization": "canary"}}, "password": "canary", "port": 1,
        });
        hide_secrets(&mut other, false);
        assert_eq!(
            other,
            serde_json::json!({
                "otlp": {"headers": {"authorization": "***"}}, "password": "***", "port": 1,
            })
        );
    }
}
