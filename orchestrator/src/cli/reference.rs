//! `cadencia reference`: the pages of `docs/reference`, made from the code they describe.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Arg, Command, CommandFactory as _};
use serde_json::Value;

use super::{Cli, Failure};
use crate::config::settings::Settings;
use crate::error::Exit;
use crate::telemetry;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that the pages are written to.
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let fail = |error: std::io::Error| {
        Failure::new(Exit::Unavailable, format!("{}: {error}", args.folder.display()))
    };
    std::fs::create_dir_all(&args.folder).map_err(fail)?;
    for (name, text) in pages() {
        std::fs::write(args.folder.join(name), text).map_err(fail)?;
    }
    Ok(())
}

const MADE: &str = "<!-- Made by `cadencia reference`; do not edit. -->\n";

/// The pages, by file name.
pub fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("cli.md", command_line()),
        ("openapi.json", openapi()),
        ("settings.md", settings()),
        ("telemetry.md", telemetry::reference::page(&format!("# Telemetry\n\n{MADE}"))),
    ]
}

fn openapi() -> String {
    format!("{:#}\n", crate::web::openapi::document())
}

fn command_line() -> String {
    let mut page = format!("# The command line\n\n{MADE}\n");
    let mut command = Cli::command();
    command.build();
    if let Some(about) = command.get_about() {
        let _ = writeln!(page, "{about}\n");
    }
    let exits = "Results go to standard output, everything else to standard error. How a command \
                 ends: [exit codes](../cli-exit-codes.md).\n";
    page.push_str(exits);
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        describe(one, "cadencia", &mut page);
    }
    page
}

fn describe(command: &Command, parent: &str, page: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    if command.get_name() == "help" {
        return;
    }
    let _ = writeln!(page, "\n## {name}\n");
    if let Some(about) = command.get_about() {
        let _ = writeln!(page, "{about}.\n");
    }
    let nested: Vec<_> = command.get_subcommands().filter(|one| !one.is_hide_set()).collect();
    if nested.is_empty() {
        arguments(command, &name, page);
    }
    for one in nested {
        describe(one, &name, page);
    }
}

fn arguments(command: &Command, name: &str, page: &mut String) {
    let shown =
        |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help" && arg.get_id() != "version";
    let mut usage = name.to_owned();
    for arg in command.get_arguments().filter(shown) {
        let word = value_name(arg);
        let part = match (arg.is_positional(), arg.is_required_set()) {
            (true, true) => format!(" {word}"),
            (true, false) => format!(" [{word}]"),
            (false, true) => format!(" --{} {word}", arg.get_long().unwrap_or_default()),
            (false, false) => String::new(),
        };
        usage.push_str(&part);
    }
    let _ = writeln!(page, "    {usage} [OPTIONS]\n\n| | |\n|---|---|");
    for arg in command.get_arguments().filter(shown) {
        let mut sign = match arg.get_long() {
            Some(long) => format!("--{long}"),
            None => value_name(arg),
        };
        if let Some(short) = arg.get_short() {
            sign = format!("-{short}, {sign}");
        }
        if !arg.is_positional() && arg.get_action().takes_values() {
            let _ = write!(sign, " {}", value_name(arg));
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "| `{sign}` | {help}{} |", details(arg));
    }
}

fn value_name(arg: &Arg) -> String {
    let named = arg.get_value_names().and_then(|names| names.first());
    named.map_or_else(|| arg.get_id().to_string().to_uppercase(), ToString::to_string)
}

/// Values, default and variable, as far as there are any.
fn details(arg: &Arg) -> String {
    let mut details = String::new();
    if !arg.get_action().takes_values() {
        return details;
    }
    let values: Vec<_> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !values.is_empty() {
        let _ = write!(details, "; one of {}", values.join(", "));
    }
    let defaults = arg.get_default_values();
    if !defaults.is_empty() {
        let text: Vec<_> = defaults.iter().map(|value| value.to_string_lossy()).collect();
        let _ = write!(details, "; default `{}`", text.join(" "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(details, "; variable `{}`", variable.to_string_lossy());
    }
    details
}

fn settings() -> String {
    let mut page = format!(
        "# Settings of the server\n\n{MADE}\nA YAML file (`cadencia serve --config FILE`), then \
         variables, then flags; the last wins, key by key.\nAn unknown key is an error. Parts of a \
         variable are joined by two underscores; lists are\nseparated by commas.\n\n\
         | Key | Variable | Default | |\n|---|---|---|---|\n"
    );
    let schema = schemars::schema_for!(Settings).to_value();
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    rows(&schema, &schema, &defaults, "", &mut page);
    page
}

fn rows(root: &Value, schema: &Value, defaults: &Value, prefix: &str, page: &mut String) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for (name, property) in properties {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let target =
            property["$ref"].as_str().and_then(|path| root.pointer(path.trim_start_matches('#')));
        let default = &defaults[name];
        if let Some(target) = target.filter(|target| target["properties"].is_object()) {
            rows(root, target, default, &key, page);
            continue;
        }
        let variable = format!("CADENCIA_{}", key.to_uppercase().replace('.', "__"));
        let shown = match default {
            Value::Null => String::new(),
            Value::Array(list) if list.is_empty() => "none".to_owned(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let words = property["description"].as_str().or_else(|| target?["description"].as_str());
        let words = words.unwrap_or_default().replace('\n', " ");
        let _ = writeln!(page, "| `{key}` | `{variable}` | {shown} | {words} |");
    }
}
