//! Tokens: how they stand, new ones, rotated and revoked ones.

use actix_web::{HttpResponse, get, post, web};
use domain::time::Instant;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::layout::{Section, escaped};
use super::super::parts::{self, Column, Csrf};
use super::super::reader::Reader;
use super::super::text;
use super::{Shelf, at, button, confirmed};
use crate::access::scope::Scope;
use crate::access::token::Kind;
use crate::access::{NewToken, Rotation, Shown, TokenState};
use crate::admin::Refusal;
use crate::error::{ErrorCode, Problem};
use crate::web::Site;

const SHELF: Shelf = Shelf {
    title: text::TOKENS,
    here: Section::Tokens,
    path: "/access/tokens",
    nothing: (text::NO_TOKENS, text::NO_TOKENS_ADVICE),
    more: text::NEW_TOKEN,
};
/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

#[get("/access/tokens")]
pub(in crate::web::console) async fn tokens_page(
    site: web::Data<Site>,
    reader: Reader,
) -> HttpResponse {
    let (tokens, now) = (site.admin.access.tokens(), site.admin.access.now());
    let listed = (!tokens.is_empty()).then(|| listed(&reader, &tokens, now));
    SHELF.page(&reader, listed, &form(&reader))
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Api => "api",
        Kind::WriteKey => "write_key",
    }
}

fn listed(reader: &Reader, tokens: &[TokenState], now: Instant) -> Markup {
    let columns = [
        Column::Text(text::NAME),
        Column::Text(text::KIND),
        Column::Text(text::SCOPES),
        Column::Text(text::STATE),
        Column::Text(text::EXPIRES),
        Column::Text(text::CREATED),
        Column::Text(text::ACTIONS),
    ];
    let at = |text: &str| at(reader, text, now);
    let rows = html! {
        @for token in tokens {
            @let path = format!("/access/tokens/{}", escaped(&token.id));
            tr {
                th.left scope="row" { (token.name) " " code.soft { (token.id) } }
                td.left { (reader.word(kind_word(token.kind))) }
                td.left { (token.scopes) }
                td.left { (reader.badge(&token.state)) }
                td.left {
                    @match &token.expires {
                        Some(expires) => (at(expires)),
                        None => span.soft { (reader.t(text::NEVER)) }
                    }
                }
                td.left { (at(&token.created)) " " span.soft { (token.created_by) } }
                td.left {
                    @if token.state != "revoked" && reader.by.session.is_some() {
                        div.actions {
                            (button(reader, &format!("{path}/rotate"), text::ROTATE))
                            (confirmed(
                                reader,
                                &format!("{path}/revoke"),
                                text::REVOKE,
                                text::REVOKE_MEANS,
                            ))
                        }
                    }
                }
            }
        }
    };
    parts::table(reader, reader.t(text::TOKENS), &columns, &rows)
}

fn form(reader: &Reader) -> Markup {
    html! {
        form.stacked action="/access/tokens" method="post" {
            (reader.csrf())
            p {
                label for="name" { (reader.t(text::NAME)) }
                input #name name="name" required maxlength="128" autocomplete="off";
            }
            p {
                label for="kind" { (reader.t(text::KIND)) }
                select #kind name="kind" {
                    @for kind in [Kind::Api, Kind::WriteKey] {
                        option value=(kind_word(kind)) { (reader.word(kind_word(kind))) }
                    }
                }
            }
            fieldset {
                legend { (reader.t(text::SCOPES_OF_API)) }
                @for scope in Scope::ALL.into_iter().filter(|scope| reader.may(*scope)) {
                    label.check {
                        input type="checkbox" name=(scope.word()) value="yes"
                            checked[scope == Scope::Read];
                        " " (scope.word())
                    }
                }
            }
            p {
                label for="days" { (reader.t(text::EXPIRES_IN_DAYS)) }
                input #days name="days" type="number" min="1" max="3650" value="90";
            }
            button type="submit" { (reader.t(text::MAKE_TOKEN)) }
        }
    }
}

/// A box is sent only if it is ticked.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    csrf: String,
    name: String,
    kind: Kind,
    days: Option<String>,
    read: Option<String>,
    personal: Option<String>,
    define: Option<String>,
    operate: Option<String>,
    manage: Option<String>,
    ingest: Option<String>,
}

impl Wanted {
    fn scopes(&self) -> Vec<Scope> {
        let ticked = |scope| match scope {
            Scope::Read => &self.read,
            Scope::Personal => &self.personal,
            Scope::Define => &self.define,
            Scope::Operate => &self.operate,
            Scope::Manage => &self.manage,
            Scope::Ingest => &self.ingest,
        };
        Scope::ALL.into_iter().filter(|scope| ticked(*scope).is_some()).collect()
    }
}

#[post("/access/tokens")]
pub(in crate::web::console) async fn create(
    site: web::Data<Site>,
    reader: Reader,
    sent: web::Form<Wanted>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    let days = sent.days.as_deref().map(str::trim).filter(|days| !days.is_empty());
    let days = match days.map(str::parse::<i64>) {
        None => None,
        Some(Ok(days)) if days > 0 => Some(days.saturating_mul(DAY_SECONDS)),
        Some(_) => {
            let problem = Problem::new(ErrorCode::BadParameter, "`days` is no number of days");
            return reader.problem(&problem);
        }
    };
    let wanted = NewToken {
        kind: sent.kind,
        name: sent.name.trim().to_owned(),
        source: None,
        scopes: (sent.kind == Kind::Api).then(|| sent.scopes()),
        // A write key stands in applications: it lives until it is revoked.
        expires_in_seconds: days.filter(|_| sent.kind == Kind::Api),
    };
    shown(&reader, site.admin.access.create_token(wanted, &reader.by).await)
}

fn shown(reader: &Reader, made: Result<Shown, Refusal>) -> HttpResponse {
    let named = |it: Shown| (format!("{} ({})", it.token.name, it.token.id), it.secret);
    SHELF.secret(reader, made.map(named))
}

#[post("/access/tokens/{id}/rotate")]
pub(in crate::web::console) async fn rotate(
    site: web::Data<Site>,
    reader: Reader,
    id: web::Path<String>,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    shown(&reader, site.admin.access.rotate_token(&id, Rotation::default(), &reader.by).await)
}

#[post("/access/tokens/{id}/revoke")]
pub(in crate::web::console) async fn revoke(
    site: web::Data<Site>,
    reader: Reader,
    id: web::Path<String>,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    SHELF.changed(&reader, site.admin.access.revoke_token(&id, &reader.by).await)
}
