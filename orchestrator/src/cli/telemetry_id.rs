//! `cadencia telemetry-id`: how telemetry names enrollments, sends and messages.

use std::path::PathBuf;

use super::{Failure, customer_hash};
use crate::error::Exit;
use crate::telemetry::{ID_DIGITS, Seal, event_hash};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of an enrollment or a send (32 hexadecimal digits), or `enrollment.id` or `send.id`
    /// of a span (48): the other one is shown.
    id: String,
    /// It is the message id of an event: `event.hash` is shown.
    #[arg(long)]
    message: bool,
    /// File with the settings of the server.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory of the server.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let key = customer_hash::key(args.config.as_deref(), args.data.as_deref())?;
    if args.message {
        println!("{}", event_hash(&key, &args.id));
        return Ok(());
    }
    let (seal, id) = (Seal::by(&key), args.id.as_str());
    if id.len() == ID_DIGITS
        && let Ok(plain) = u128::from_str_radix(id, 16)
    {
        println!("{}", seal.wrap(plain));
    } else if let Some(plain) = seal.unwrap(id) {
        println!("{plain:032x}");
    } else {
        let message = format!(
            "`{id}` is neither an id (32 hexadecimal digits) nor what this server's telemetry made \
             of one (48): is it another server's, with another secret?"
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok(())
}
