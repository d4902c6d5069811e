//! `cadencia send-test`

use super::client::{Client, ServerArgs, block_on};
use super::{Failure, Format};
use crate::admin::{TestMessage, Tested};
use crate::error::Exit;
use crate::web::json::JsonMap;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address that it goes to.
    to: String,
    /// The template.
    #[arg(long)]
    template: String,
    /// The channel.
    #[arg(long, default_value = "email")]
    channel: String,
    /// Take the traits of this customer. The message does not count for her.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Traits, as a JSON object; they win over those of the customer.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    traits: String,
    /// Name of the event that the template sees.
    #[arg(long)]
    event: Option<String>,
    /// Its properties, as a JSON object.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    properties: String,
    #[command(flatten)]
    server: ServerArgs,
    /// Format of the result.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let object = |flag: &str, text: &str| -> Result<JsonMap, Failure> {
        serde_json::from_str(text)
            .map_err(|error| Failure::new(Exit::Usage, format!("--{flag}: {error}")))
    };
    let test = TestMessage {
        channel: args.channel.clone(),
        template: args.template.clone(),
        to: args.to.clone(),
        customer: args.customer.clone(),
        traits: object("traits", &args.traits)?,
        event: args.event.clone(),
        properties: object("properties", &args.properties)?,
    };
    let client = Client::new(&args.server.data)?;
    let tested: Tested = block_on(client.post("/send-test", &test))?;
    args.output.print(&tested, |tested| {
        format!("{}: {} (send {})\n", tested.outcome, tested.reply, tested.send)
    })?;
    match tested.outcome.as_str() {
        "accepted" => Ok(()),
        _ => Err(Failure::new(Exit::Problems, "")),
    }
}
