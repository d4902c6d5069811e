//! `cadencia audit`

use std::fmt::Write as _;

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format};
use crate::web::api::access::AuditLine;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Changes to show at most, the newest ones.
    #[arg(long, default_value_t = 100)]
    rows: usize,
    /// Only changes before the one of this number.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    #[command(flatten)]
    server: ServerArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let client = Client::new(&args.server.data)?;
    let mut path = "/audit".to_owned();
    if let Some(before) = args.before {
        let _ = write!(path, "?before={before}");
    }
    let rows: Vec<AuditLine> = block_on(client.list_some(&path, args.rows))?;
    args.output.print(&rows, |rows| table(rows))
}

fn table(rows: &[AuditLine]) -> String {
    let mut out = String::new();
    for row in rows {
        let from = row.from.as_deref().map(|from| format!(" from {from}")).unwrap_or_default();
        let _ = writeln!(out, "{:>6}  {}  {}{from}", row.number, row.at, row.who);
        let _ = writeln!(out, "        {} {}", row.what, row.target);
        for (sign, side) in [('-', &row.before), ('+', &row.after)] {
            if let Some(side) = side {
                let _ = writeln!(out, "        {sign} {side}");
            }
        }
    }
    out
}
