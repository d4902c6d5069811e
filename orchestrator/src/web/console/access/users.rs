//! Users: who may log in, with which role.

use actix_web::{HttpResponse, get, post, web};
use domain::time::Instant;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::layout::{self, Frame, Section, escaped};
use super::super::parts::{self, Column, Csrf};
use super::super::reader::Reader;
use super::super::text;
use crate::access::scope::Role;
use crate::access::{NewUser, ShownPassword, UserState};
use crate::admin::Refusal;
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

#[get("/access/users")]
pub(in crate::web::console) async fn users_page(
    site: web::Data<Site>,
    reader: Reader,
) -> HttpResponse {
    let (users, now) = (site.admin.access.users(), site.admin.access.now());
    let content = html! {
        @if users.is_empty() {
            (parts::empty(reader.t(text::NO_USERS), reader.t(text::NO_USERS_ADVICE)))
        } @else { (listed(&reader, &users, now)) }
        h2 { (reader.t(text::NEW_USER)) }
        (form(&reader))
    };
    let title = reader.t(text::USERS);
    layout::page(&reader, Frame { title, here: Section::Users, live: false }, &content)
}

fn listed(reader: &Reader, users: &[UserState], now: Instant) -> Markup {
    let columns = [
        Column::Text(text::NAME),
        Column::Text(text::ROLE),
        Column::Text(text::LOGS_IN_BY),
        Column::Text(text::STATE),
        Column::Text(text::CREATED),
        Column::Text(text::ACTIONS),
    ];
    let rows = html! {
        @for user in users {
            tr {
                th.left scope="row" {
                    (user.name)
                    @if let Some(label) = &user.label { " " span.soft { (label) } }
                }
                td.left { (reader.word(user.role.word())) }
                td.left { (reader.word(&user.logs_in_by)) }
                td.left { (reader.badge(if user.disabled { "disabled" } else { "enabled" })) }
                td.left {
                    @if let Some(at) = Instant::parse(&user.created) { (reader.at_from(at, now)) }
                }
                td.left { @if reader.by.session.is_some() { (actions(reader, user)) } }
            }
        }
    };
    parts::table(reader, reader.t(text::USERS), &columns, &rows)
}

fn actions(reader: &Reader, user: &UserState) -> Markup {
    let path = format!("/access/users/{}", escaped(&user.name));
    let label = reader.fill(text::ROLE_OF, &[&user.name]);
    html! {
        div.actions {
            form.inline action={ (path) "/role" } method="post" {
                (reader.csrf())
                select name="role" aria-label=(label) { (roles(reader, Some(user.role))) }
                button type="submit" { (reader.t(text::CHANGE_ROLE)) }
            }
            @if user.logs_in_by == "password" {
                (super::confirmed(
                    reader,
                    &format!("{path}/password"),
                    text::NEW_PASSWORD,
                    text::NEW_PASSWORD_MEANS,
                ))
            }
            @if user.disabled {
                form action={ (path) "/enable" } method="post" {
                    (reader.csrf())
                    button type="submit" { (reader.t(text::ENABLE)) }
                }
            } @else {
                (super::confirmed(
                    reader,
                    &format!("{path}/disable"),
                    text::DISABLE,
                    text::DISABLE_MEANS,
                ))
            }
        }
    }
}

fn roles(reader: &Reader, chosen: Option<Role>) -> Markup {
    html! {
        @for role in Role::ALL {
            option value=(role.word()) selected[Some(role) == chosen] {
                (reader.word(role.word()))
            }
        }
    }
}

fn form(reader: &Reader) -> Markup {
    html! {
        form.stacked action="/access/users" method="post" {
            (reader.csrf())
            p {
                label for="name" { (reader.t(text::NAME)) }
                input #name name="name" required maxlength="64" pattern="[a-z0-9._@\\-]+"
                    autocomplete="off" autocapitalize="none";
            }
            p {
                label for="role" { (reader.t(text::ROLE)) }
                select #role name="role" { (roles(reader, Some(Role::Viewer))) }
            }
            p.soft { (reader.t(text::PASSWORD_IS_CHOSEN)) }
            button type="submit" { (reader.t(text::MAKE_USER)) }
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    csrf: String,
    name: String,
    role: Role,
}

#[post("/access/users")]
pub(in crate::web::console) async fn create(
    site: web::Data<Site>,
    reader: Reader,
    sent: web::Form<Wanted>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    let wanted = NewUser { name: sent.name.trim().to_owned(), role: sent.role, password: None };
    shown(&reader, site.admin.access.create_user(wanted, &reader.by).await)
}

/// The password that the server chose.
fn shown(reader: &Reader, made: Result<ShownPassword, Refusal>) -> HttpResponse {
    match made {
        Ok(made) => {
            let password = made.password.unwrap_or_default();
            super::secret(reader, Section::Users, text::USERS, &made.user.name, &password)
        }
        Err(problem) => reader.problem(&problem),
    }
}

#[derive(Deserialize)]
struct NewRole {
    #[serde(default)]
    csrf: String,
    role: Role,
}

#[post("/access/users/{name}/role")]
pub(in crate::web::console) async fn set_role(
    site: web::Data<Site>,
    reader: Reader,
    name: web::Path<String>,
    sent: web::Form<NewRole>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    done(&reader, site.admin.access.set_role(&name, sent.role, &reader.by).await)
}

#[post("/access/users/{name}/password")]
pub(in crate::web::console) async fn set_password(
    site: web::Data<Site>,
    reader: Reader,
    name: web::Path<String>,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    shown(&reader, site.admin.access.set_password(&name, None, &reader.by).await)
}

#[post("/access/users/{name}/{action:disable|enable}")]
pub(in crate::web::console) async fn set_standing(
    site: web::Data<Site>,
    reader: Reader,
    path: web::Path<(String, String)>,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    let (name, action) = path.into_inner();
    let disabled = match action.as_str() {
        "disable" => true,
        "enable" => false,
        _ => return reader.problem(&Problem::new(ErrorCode::NotFound, "")),
    };
    done(&reader, site.admin.access.set_disabled(&name, disabled, &reader.by).await)
}

fn done(reader: &Reader, changed: Result<UserState, Refusal>) -> HttpResponse {
    match changed {
        Ok(_) => layout::see_other("/access/users"),
        Err(problem) => reader.problem(&problem),
    }
}
