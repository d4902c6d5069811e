//! `cadencia customers`

use super::Failure;
use super::client::{Client, Common, block_on};
use super::explain::encoded;
use crate::customers::CustomerDetail;
use crate::web::api::customers::UnsuppressOrder;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lift the stops on a customer's addresses of a channel: messages may go there again.
    Unsuppress(Unsuppress),
}

#[derive(Debug, clap::Args)]
struct Unsuppress {
    /// The customer's id (`anon:` in front of an anonymous one).
    customer: String,
    /// The channel.
    #[arg(long)]
    channel: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let Action::Unsuppress(Unsuppress { customer, channel, common }) = &args.action;
    let client = Client::new(&common.server.data)?;
    let path = format!("/customers/{}/unsuppress", encoded(customer));
    let order = UnsuppressOrder { channel: channel.clone() };
    let detail: CustomerDetail = block_on(client.post(&path, &order))?;
    common.output.print(&detail, |detail| {
        format!("messages may go to {} on {channel} again\n", detail.customer)
    })
}
