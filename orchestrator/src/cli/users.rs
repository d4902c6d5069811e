//! `cadencia users`

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Failure;
use super::client::{Client, Common, block_on};
use crate::access::scope::Role;
use crate::access::{NewUser, ShownPassword, UserState};
use crate::error::Exit;

/// What the command takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a user; without a password file the server chooses a password, shown this once.
    Create(Create),
    /// Show the users.
    List(Common),
    /// Give a user another role; ends her sessions.
    SetRole(SetRole),
    /// Give a user another password; ends her sessions.
    SetPassword(SetPassword),
    /// Let a user log in no more; ends her sessions.
    Disable(One),
    /// Let a user log in again.
    Enable(One),
    /// Forget a user; ends her sessions. Whom an identity provider vouches for comes back by her
    /// next login: disable her instead.
    Delete(One),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// The name that she logs in with.
    name: String,
    /// Her role.
    #[arg(long, value_enum)]
    role: Role,
    /// File with her password; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct SetRole {
    /// The user.
    name: String,
    /// Her new role.
    #[arg(value_enum)]
    role: Role,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct SetPassword {
    /// The user.
    name: String,
    /// File with her password; `-` is standard input. Without it the server chooses one.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The user.
    name: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::List(common) => {
            let client = Client::new(&common.server.data)?;
            let users: Vec<UserState> = block_on(client.list("/users"))?;
            common.output.print(&users, |users| table(users))
        }
        Action::Create(Create { name, role, password_file, common }) => {
            let password = password(password_file.as_deref())?;
            let wanted = NewUser { name: name.clone(), role: *role, password };
            show(common, "/users", &wanted)
        }
        Action::SetPassword(SetPassword { name, password_file, common }) => {
            let body = serde_json::json!({"password": password(password_file.as_deref())?});
            show(common, &path(name, "password"), &body)
        }
        Action::SetRole(SetRole { name, role, common }) => {
            change(common, &path(name, "role"), &serde_json::json!({"role": role}))
        }
        Action::Delete(One { name, common }) => turn(common, &path(name, "delete")),
        Action::Disable(One { name, common }) => turn(common, &path(name, "disable")),
        Action::Enable(One { name, common }) => turn(common, &path(name, "enable")),
    }
}

fn path(name: &str, action: &str) -> String {
    format!("/users/{}/{action}", super::explain::encoded(name))
}

/// The first line of a file, if one is named.
fn password(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(file) = file else { return Ok(None) };
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text).map(|_| text),
        false => std::fs::read_to_string(file),
    };
    let text = read
        .map_err(|error| Failure::new(Exit::Unavailable, format!("{}: {error}", file.display())))?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

fn turn(common: &Common, path: &str) -> Result<(), Failure> {
    let client = Client::new(&common.server.data)?;
    let user: UserState = block_on(client.act(path))?;
    common.output.print(&user, |user| table(std::slice::from_ref(user)))
}

fn change(common: &Common, path: &str, body: &impl serde::Serialize) -> Result<(), Failure> {
    let client = Client::new(&common.server.data)?;
    let user: UserState = block_on(client.post(path, body))?;
    common.output.print(&user, |user| table(std::slice::from_ref(user)))
}

fn show(common: &Common, path: &str, body: &impl serde::Serialize) -> Result<(), Failure> {
    let client = Client::new(&common.server.data)?;
    let shown: ShownPassword = block_on(client.post(path, body))?;
    common.output.print(&shown, |shown| {
        let mut out = table(std::slice::from_ref(&shown.user));
        if let Some(password) = &shown.password {
            let _ =
                write!(out, "\npassword: {password}\nThis is the only time that it is shown.\n");
        }
        out
    })
}

fn table(users: &[UserState]) -> String {
    let width = users.iter().map(|user| user.name.len()).max().unwrap_or(0).max(4);
    let mut out = format!("{:<width$}  {:<8}  {:<17}  standing\n", "name", "role", "logs in by");
    for user in users {
        let standing = if user.disabled { "disabled" } else { "good" };
        let label = user.label.as_deref().map(|label| format!("  ({label})")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:<width$}  {:<8}  {:<17}  {standing}{label}",
            user.name,
            user.role.word(),
            user.logs_in_by
        );
    }
    out
}
