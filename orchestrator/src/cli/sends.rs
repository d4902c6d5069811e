//! `cadencia sends`

use std::fmt::Write as _;

use super::client::{Client, Common, block_on};
use super::explain::encoded;
use super::{Failure, Format};
use crate::sends::{SENDS_MAX, SendDetail, SendLine, State};
use crate::web::api::sends::{RedriveOrder, SendsPage};

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show sends, newest first: what went, what is held, what did not go, and by which rule.
    List(List),
    /// Show one send with every decision on it.
    Show(One),
    /// Send messages again that ended without having been accepted; the gate decides anew.
    Redrive(Redrive),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only those in one of these states.
    #[arg(long, value_enum, value_delimiter = ',')]
    state: Vec<State>,
    /// Only those that a rule of this name or kind held or refused.
    #[arg(long)]
    rule: Option<String>,
    /// Only those on this channel.
    #[arg(long)]
    channel: Option<String>,
    /// Only those of this journey.
    #[arg(long)]
    journey: Option<String>,
    /// Only those to this customer.
    #[arg(long)]
    customer: Option<String>,
    /// Only those decided at this instant (RFC 3339) or later.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// Only those decided before this instant (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    until: Option<String>,
    /// Sends to show at most.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The send's id.
    send: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Redrive {
    /// Ids of the sends.
    #[arg(required = true)]
    sends: Vec<String>,
    /// Also those of which nobody can say whether they arrived: customers may get them twice.
    #[arg(long)]
    even_if_it_may_have_arrived: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::List(list) => {
            let client = Client::new(&list.common.server.data)?;
            let lines = block_on(collect(&client, list))?;
            list.common.output.print(&lines, |lines| table(lines))
        }
        Action::Show(one) => {
            let client = Client::new(&one.common.server.data)?;
            let detail: SendDetail =
                block_on(client.get(&format!("/sends/{}", encoded(&one.send))))?;
            one.common.output.print(&detail, text)
        }
        Action::Redrive(redrive) => again(redrive),
    }
}

/// As many pages as are needed.
async fn collect(client: &Client, list: &List) -> Result<Vec<SendLine>, Failure> {
    let words: Vec<&str> = list.state.iter().map(|state| state.word()).collect();
    let states = (!words.is_empty()).then(|| words.join(","));
    let filters = [
        ("state", &states),
        ("rule", &list.rule),
        ("channel", &list.channel),
        ("journey", &list.journey),
        ("customer", &list.customer),
        ("from", &list.from),
        ("until", &list.until),
    ];
    let mut query = String::new();
    for (name, value) in filters {
        if let Some(value) = value {
            let _ = write!(query, "&{name}={}", encoded(value));
        }
    }
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let limit = (list.limit - lines.len()).clamp(1, SENDS_MAX);
        let path = format!("/sends?limit={limit}{query}{cursor}");
        let page: SendsPage = client.get(&path).await?;
        lines.extend(page.items);
        match page.next_cursor {
            Some(next) if lines.len() < list.limit => cursor = format!("&cursor={next}"),
            _ => {
                lines.truncate(list.limit);
                return Ok(lines);
            }
        }
    }
}

/// Each for itself: one that is refused does not keep back those behind it.
fn again(redrive: &Redrive) -> Result<(), Failure> {
    let client = Client::new(&redrive.common.server.data)?;
    let order = RedriveOrder { even_if_it_may_have_arrived: redrive.even_if_it_may_have_arrived };
    let mut done: Vec<SendDetail> = Vec::new();
    let mut refused: Option<Failure> = None;
    for send in &redrive.sends {
        let path = format!("/sends/{}/redrive", encoded(send));
        match block_on(client.post(&path, &order)) {
            Ok(detail) => done.push(detail),
            Err(failure) => match &mut refused {
                None => refused = Some(failure),
                Some(first) => first.message = format!("{}\n{}", first.message, failure.message),
            },
        }
    }
    let output = redrive.common.output;
    if output != Format::Table || !done.is_empty() {
        output.print(&done, |done| done.iter().map(text).collect())?;
    }
    refused.map_or(Ok(()), Err)
}

fn table(lines: &[SendLine]) -> String {
    let width = |of: fn(&SendLine) -> usize, least: usize| {
        lines.iter().map(of).max().unwrap_or(0).max(least)
    };
    let journey = width(|line| line.journey.len() + 1 + line.step.len(), 12);
    let (channel, customer) =
        (width(|line| line.channel.len(), 7), width(|line| line.customer.len(), 8));
    let mut out = format!(
        "{:<32}  {:<24}  {:<9}  {:<journey$}  {:<channel$}  {:<customer$}  why\n",
        "send", "at", "state", "journey/step", "channel", "customer"
    );
    for line in lines {
        let step = format!("{}/{}", line.journey, line.step);
        let _ = writeln!(
            out,
            "{:<32}  {:<24}  {:<9}  {step:<journey$}  {:<channel$}  {:<customer$}  {}",
            line.send,
            line.at,
            line.state.word(),
            line.channel,
            line.customer,
            why(line)
        );
    }
    out
}

fn why(line: &SendLine) -> String {
    match (&line.rule, &line.reason, &line.reply) {
        (Some(rule), Some(reason), _) => format!("{rule}: {reason}"),
        (Some(rule), None, _) => rule.clone(),
        (None, _, Some(reply)) => reply.clone(),
        (None, _, None) => String::new(),
    }
}

fn text(detail: &SendDetail) -> String {
    let line = &detail.line;
    let mut out = format!("send {}\n", line.send);
    let attempts = line.attempts.map(|attempts| attempts.to_string());
    let again = match (&detail.redrive.possible, &detail.redrive.reason) {
        (true, _) if detail.redrive.may_have_arrived => Some("yes; it may have arrived".to_owned()),
        (true, _) => Some("yes".to_owned()),
        (false, reason) => reason.as_ref().map(|reason| format!("no: {reason}")),
    };
    let why = Some(why(line)).filter(|why| !why.is_empty());
    let fields = [
        ("state", Some(line.state.word().to_owned())),
        ("decided", Some(line.at.clone())),
        ("settled", line.settled_at.clone()),
        ("held until", line.held_until.clone()),
        ("customer", Some(line.customer.clone())),
        ("journey", Some(format!("{}/{}", line.journey, line.step))),
        ("enrollment", Some(line.enrollment.clone())),
        ("channel", Some(line.channel.clone())),
        ("template", line.template.clone()),
        ("class", detail.class.clone()),
        ("topic", detail.topic.clone()),
        ("campaign", detail.campaign.clone()),
        ("attempts", attempts),
        ("costs", detail.cost.as_ref().map(ToString::to_string)),
        ("why", why),
        ("send again", again),
        ("repeats", detail.redrive.repeats.clone()),
        ("repeated by", detail.redrive.repeated_by.clone()),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            let _ = writeln!(out, "  {name:<11}  {value}");
        }
    }
    for decided in &detail.decisions {
        let _ = writeln!(out, "{}  {} on {}", decided.at, decided.decision, decided.channel);
        for rule in decided.rules.iter().filter(|rule| rule.ruling != "allow") {
            let _ = writeln!(out, "  {}: {}: {}", rule.rule, rule.ruling, rule.reason);
        }
    }
    if detail.more {
        out.push_str("older decisions exist\n");
    }
    out
}
