//! Users: who may log in, with which role.

use actix_web::{HttpResponse, get, post, web};
use domain::time::Instant;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::layout::{Section, escaped};
use super::super::parts::{self, Column, Csrf};
use super::super::reader::Reader;
use super::super::text;
use super::{Shelf, at, button, confirmed};
use crate::access::scope::Role;
use crate::access::{NewUser, ShownPassword, UserState};
use crate::admin::Refusal;
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

const SHELF: Shelf = Shelf {
    title: text::USERS,
    here: Section::Users,
    path: "/access/users",
    nothing: (text::NO_USERS, text::NO_USERS_ADVICE),
    more: text::NEW_USER,
};

#[get("/access/users")]
pub(in crate::web::console) async fn users_page(
    site: web::Data<Site>,
    reader: Reader,
) -> HttpResponse {
    let (users, now) = (site.admin.access.users(), site.admin.access.now());
    let listed = (!users.is_empty()).then(|| listed(&reader, &users, now));
    SHELF.page(&reader, listed, &form(&reader))
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
                td.left { (at(reader, &user.created, now)) }
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
                (confirmed(
                    reader,
                    &format!("{path}/password"),
                    text::NEW_PASSWORD,
                    text::NEW_PASSWORD_MEANS,
                ))
            }
            @if user.disabled {
                (button(reader, &format!("{path}/enable"), text::ENABLE))
            } @else {
                (confirmed(
                    reader,
                    &format!("{path}/disable"),
                    text::DISABLE,
                    text::DISABLE_MEANS,
                ))
            }
            (confirmed(reader, &format!("{path}/delete"), text::DELETE, text::DELETE_MEANS))
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
    let named = |it: ShownPassword| (it.user.name, it.password.unwrap_or_default());
    SHELF.secret(reader, made.map(named))
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
    SHELF.changed(&reader, site.admin.access.set_role(&name, sent.role, &reader.by).await)
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

#[post("/access/users/{name}/{action:disable|enable|delete}")]
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
    let access = &site.admin.access;
    let changed = match action.as_str() {
        "disable" => access.set_disabled(&name, true, &reader.by).await,
        "enable" => access.set_disabled(&name, false, &reader.by).await,
        "delete" => access.delete_user(&name, &reader.by).await,
        _ => return reader.problem(&Problem::new(ErrorCode::NotFound, "")),
    };
    SHELF.changed(&reader, changed)
}
