//! The way into the console and out of it: by a password, by the one-time link, by an identity
//! provider.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout;
use super::parts::{self, Csrf};
use super::reader::{Look, Reader};
use super::text;
use crate::access::login::{Attempt, NotIn};
use crate::access::oidc::{Callback, LOGIN_MINUTES};
use crate::access::principal::{Principal, Who};
use crate::access::secret::SecretHash;
use crate::access::session::Holder;
use crate::error::{ErrorCode, Problem};
use crate::web::{Site, guard, presented};

/// Longest address that a login leads back to, in bytes.
const NEXT_BYTES_MAX: usize = 1_024;

/// The login page that leads back to an address.
pub(in crate::web) fn login_link(next: &str) -> String {
    if next == "/" || !is_local(next) {
        return "/login".to_owned();
    }
    format!("/login?next={}", layout::escaped(next))
}

/// Whether an address is one of this server, and nothing that a browser takes for another one.
pub(super) fn is_local(next: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= NEXT_BYTES_MAX
        && next.chars().all(plain)
}

#[derive(Debug, Deserialize)]
struct Query {
    #[serde(default)]
    next: String,
}

#[get("/login")]
pub(super) async fn login_page(
    site: web::Data<Site>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> HttpResponse {
    match guard::known(&site, &request) {
        Ok(_) if is_local(&query.next) => layout::see_other(&query.next),
        Ok(_) => layout::see_other("/"),
        Err(_) => {
            let page = form(&site, &Look::of(&request), &query.next, None);
            layout::answer(HttpResponse::Ok(), page)
        }
    }
}

#[derive(Deserialize)]
struct Sent {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[post("/login")]
pub(super) async fn log_in(
    site: web::Data<Site>,
    request: HttpRequest,
    by: web::ReqData<Principal>,
    sent: web::Form<Sent>,
) -> HttpResponse {
    let Sent { name, password, next } = sent.into_inner();
    let (look, before) = (Look::of(&request), before(&site, &request));
    let attempt = Attempt { name, password, from: by.from, before };
    match site.admin.access.log_in(attempt, site.sessions).await {
        Ok(cookie) => let_in(&site, cookie, &next),
        Err(NotIn::TooMany { retry_after_ms }) => too_many(&look, retry_after_ms),
        Err(NotIn::Refused(problem)) => layout::problem(&look, None, &problem),
        Err(NotIn::Wrong) => {
            let problem = Problem::new(ErrorCode::LoginRefused, "");
            let page = form(&site, &look, &next, Some(&problem));
            layout::answer(HttpResponse::Unauthorized(), page)
        }
    }
}

#[post("/logout")]
pub(super) async fn log_out(
    site: web::Data<Site>,
    reader: Reader,
    sent: web::Form<Csrf>,
) -> HttpResponse {
    if let Some(refused) = parts::forged(&reader, &sent.csrf) {
        return refused;
    }
    if let Some(session) = &reader.by.session
        && let Err(problem) = site.admin.access.end_session(session.key, &reader.by).await
    {
        return reader.problem(&problem);
    }
    let mut response = layout::see_other("/login");
    drop(response.add_cookie(&presented::no_session(&site)));
    response
}

/// The one-time link: good once, and not for a browser that only looks ahead.
#[get("/login/once/{secret}")]
pub(super) async fn open_link(
    site: web::Data<Site>,
    request: HttpRequest,
    by: web::ReqData<Principal>,
    secret: web::Path<String>,
) -> HttpResponse {
    let (look, access) = (Look::of(&request), &site.admin.access);
    if let Err(retry_after_ms) = access.try_from(by.from) {
        return too_many(&look, retry_after_ms);
    }
    let ahead = |name| request.headers().get(name).is_some();
    if ahead("sec-purpose") || ahead("purpose") || !access.one_time.redeem(&secret, access.now()) {
        let detail = "it was used already, or is too old; a restart of a server without users, or \
                      of the demo, prints a new one";
        return layout::problem(&look, None, &Problem::new(ErrorCode::BadLinkToken, detail));
    }
    let before = before(&site, &request);
    let by = Principal { who: Who::Link, ..Principal::nobody(by.from) };
    match access.begin_session(Holder::Link, 0, before, site.sessions, &by).await {
        Ok(cookie) => let_in(&site, cookie, "/"),
        Err(problem) => layout::problem(&look, None, &problem),
    }
}

#[get("/login/sso")]
pub(super) async fn begin_sso(
    site: web::Data<Site>,
    request: HttpRequest,
    by: web::ReqData<Principal>,
) -> HttpResponse {
    let look = Look::of(&request);
    let Some(oidc) = &site.oidc else {
        return layout::problem(&look, None, &Problem::new(ErrorCode::NotFound, ""));
    };
    if let Err(retry_after_ms) = site.admin.access.try_from(by.from) {
        return too_many(&look, retry_after_ms);
    }
    match oidc.begin().await {
        Ok((url, seed)) => {
            let mut response = layout::see_other(&url);
            drop(response.add_cookie(&presented::login_cookie(&site, seed, LOGIN_MINUTES)));
            response
        }
        Err(error) => {
            tracing::warn!(%error, "a login by the identity provider could not begin");
            layout::problem(&look, None, &error.problem())
        }
    }
}

#[get("/login/sso/callback")]
pub(super) async fn end_sso(
    site: web::Data<Site>,
    request: HttpRequest,
    by: web::ReqData<Principal>,
    callback: web::Query<Callback>,
) -> HttpResponse {
    let look = Look::of(&request);
    let Some(oidc) = &site.oidc else {
        return layout::problem(&look, None, &Problem::new(ErrorCode::NotFound, ""));
    };
    // Without the cookie there is nothing that the state could fit.
    let seed = presented::login(&request).unwrap_or_else(crate::access::secret::fresh);
    let before = before(&site, &request);
    let entered = match oidc.end(&seed, callback.into_inner()).await {
        Ok(identity) => {
            let access = &site.admin.access;
            access.log_in_identity(identity, before, site.sessions, &by).await
        }
        Err(error) => {
            tracing::warn!(%error, "a login by the identity provider was refused");
            Err(Box::new(error.problem()))
        }
    };
    let mut response = match entered {
        Ok(cookie) => let_in(&site, cookie, "/"),
        Err(problem) => layout::problem(&look, None, &problem),
    };
    drop(response.add_cookie(&presented::login_cookie(&site, String::new(), 0)));
    response
}

/// The session that a browser has already, whoever put it there.
fn before(site: &Site, request: &HttpRequest) -> Option<SecretHash> {
    presented::session(site, request).map(|cookie| SecretHash::of(&cookie))
}

fn let_in(site: &Site, cookie: String, next: &str) -> HttpResponse {
    let mut response = layout::see_other(if is_local(next) { next } else { "/" });
    drop(response.add_cookie(&presented::session_cookie(site, cookie)));
    response
}

pub(super) fn too_many(look: &Look, retry_after_ms: u64) -> HttpResponse {
    let seconds = retry_after_ms.div_ceil(1_000).max(1);
    let detail = format!("the next one is possible in {seconds} s");
    let mut response = layout::problem(look, None, &Problem::new(ErrorCode::TooManyLogins, detail));
    response.headers_mut().insert(actix_web::http::header::RETRY_AFTER, seconds.into());
    response
}

fn form(site: &Site, look: &Look, next: &str, problem: Option<&Problem>) -> Markup {
    let content = html! {
        @if problem.is_some() { p.alert role="alert" { (look.t(text::LOGIN_REFUSED)) } }
        form.stacked action="/login" method="post" {
            @if is_local(next) { input type="hidden" name="next" value=(next); }
            p {
                label for="name" { (look.t(text::NAME)) }
                input #name name="name" required autocomplete="username" spellcheck="false"
                    autocapitalize="none";
            }
            p {
                label for="password" { (look.t(text::PASSWORD)) }
                input #password name="password" type="password" required
                    autocomplete="current-password";
            }
            button.first type="submit" { (look.t(text::LOG_IN)) }
        }
        @if site.oidc.is_some() {
            p { a href="/login/sso" { (look.t(text::LOG_IN_BY_PROVIDER)) } }
        }
    };
    layout::bare(look, look.t(text::LOG_IN), &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_this_server_only() {
        for next in ["/", "/customers/a%2Fb?x=1"] {
            assert!(is_local(next), "{next}");
        }
        for next in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "x", "/é"]
        {
            assert!(!is_local(next), "{next}");
        }
        assert_eq!(login_link("/customers/a?b=c"), "/login?next=%2Fcustomers%2Fa%3Fb%3Dc");
        assert_eq!(login_link("//evil.example"), "/login");
    }
}
