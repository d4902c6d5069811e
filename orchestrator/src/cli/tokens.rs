//! `cadencia tokens`

use std::fmt::Write as _;

use super::Failure;
use super::client::{Client, Common, block_on};
use crate::access::scope::Scope;
use crate::access::token::Kind;
use crate::access::{NewToken, Rotation, Shown, TokenState};
use crate::error::Exit;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a token and show it, this once.
    Create(Create),
    /// Show the tokens and how they stand.
    List(Common),
    /// Give a token a new secret and show it, this once; the old one stays good for a while.
    Rotate(Rotate),
    /// End a token at once.
    Revoke(One),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// What people call it.
    name: String,
    /// What it is for.
    #[arg(long, value_enum, default_value = "api")]
    kind: Kind,
    /// What an API token may do: `read`, `personal`, `define`, `operate`, `manage`, `ingest`; by
    /// default `read`.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// Where the events of a write key come from; by default its name.
    #[arg(long)]
    source: Option<String>,
    /// For how long it is good (`30d`, `P30D`); by default 90 days, a write key for ever.
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    expires: Option<i64>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Rotate {
    /// The token's id.
    id: String,
    /// For how long the old secret stays good (`1h`, `PT1H`, `0s`); by default a day.
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    overlap: Option<i64>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The token's id.
    id: String,
    #[command(flatten)]
    common: Common,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::of(text).ok_or_else(|| format!("`{text}` is no scope"))
}

/// A duration in seconds; a day has 24 hours here.
fn seconds(text: &str) -> Result<i64, String> {
    let span: jiff::Span = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    duration.map(|duration| duration.as_secs()).map_err(|error| error.to_string())
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::List(common) => {
            let client = Client::new(&common.server.data)?;
            let tokens: Vec<TokenState> = block_on(client.list("/tokens"))?;
            common.output.print(&tokens, |tokens| table(tokens))
        }
        Action::Create(create) => {
            let Create { name, kind, scopes, source, expires, common } = create;
            let wanted = NewToken {
                kind: *kind,
                name: name.clone(),
                source: source.clone(),
                scopes: (!scopes.is_empty()).then(|| scopes.clone()),
                expires_in_seconds: *expires,
            };
            show(common, "/tokens", &wanted)
        }
        Action::Rotate(Rotate { id, overlap, common }) => {
            let rotation = Rotation { overlap_seconds: *overlap };
            show(common, &format!("/tokens/{}/rotate", checked(id)?), &rotation)
        }
        Action::Revoke(One { id, common }) => {
            let client = Client::new(&common.server.data)?;
            let path = format!("/tokens/{}/revoke", checked(id)?);
            let token: TokenState = block_on(client.act(&path))?;
            common.output.print(&token, |token| table(std::slice::from_ref(token)))
        }
    }
}

/// Asks for a secret and shows it.
fn show(common: &Common, path: &str, body: &impl serde::Serialize) -> Result<(), Failure> {
    let client = Client::new(&common.server.data)?;
    let shown: Shown = block_on(client.post(path, body))?;
    common.output.print(&shown, |shown| {
        let table = table(std::slice::from_ref(&shown.token));
        format!("{table}\n{}\n\nThis is the only time that it is shown.\n", shown.secret)
    })
}

/// An id, as it stands in a path.
fn checked(id: &str) -> Result<&str, Failure> {
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(id),
        false => Err(Failure::new(Exit::Usage, format!("`{id}` is no id of a token"))),
    }
}

fn table(tokens: &[TokenState]) -> String {
    let width = tokens.iter().map(|token| token.name.len()).max().unwrap_or(0).max(4);
    let mut out = format!(
        "{:<16}  {:<9}  {:<width$}  {:<7}  {:<24}  scopes\n",
        "id", "kind", "name", "state", "expires"
    );
    for token in tokens {
        let kind = match token.kind {
            Kind::Api => "api",
            Kind::WriteKey => "write-key",
        };
        let _ = writeln!(
            out,
            "{:<16}  {kind:<9}  {:<width$}  {:<7}  {:<24}  {}",
            token.id,
            token.name,
            token.state,
            token.expires.as_deref().unwrap_or("never"),
            token.scopes
        );
    }
    out
}
