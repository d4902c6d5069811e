//! What a request presents: its address, its cookies, its `Authorization`. Headers that a proxy
//! sets are read only from proxies that the settings name; the host that a request names is never
//! read.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{self, HeaderMap};
use base64::Engine as _;

use super::Site;

/// Name of the session's cookie. With `__Host-` a browser takes it only over https, for this host
/// and no other, so that a neighbour cannot plant one.
const SESSION: &str = "cadencia_session";
const SESSION_SECURE: &str = "__Host-cadencia_session";
/// Name of the cookie that a login by an identity provider needs until it is over.
const LOGIN: &str = "cadencia_login";
/// Where that cookie is sent.
const LOGIN_PATH: &str = "/login/sso";

/// The address of whoever sent a request: the peer, or what proxies that are believed say of it.
pub(super) fn address(site: &Site, request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let is_proxy = |address: IpAddr| site.proxies.iter().any(|net| net.contains(&address));
    if !is_proxy(peer) {
        return Some(peer);
    }
    let headers = request.headers().get_all("x-forwarded-for");
    let said: Vec<&str> = headers.filter_map(|value| value.to_str().ok()).collect();
    // Each proxy adds at the end whom it heard: the last one that is no proxy of ours is whom our
    // outermost proxy saw. What stands before it anybody can have written.
    let mut last = peer;
    for part in said.join(",").rsplit(',') {
        let Ok(address) = part.trim().parse::<IpAddr>() else { break };
        last = address.to_canonical();
        if !is_proxy(last) {
            break;
        }
    }
    Some(last)
}

fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (said, rest) = value.split_once(' ')?;
    said.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// Whether there is any `Authorization`.
pub(super) fn has_authorization(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// The token of `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    authorization(headers, "bearer")
}

/// The write key: the user name of basic authorisation, as Segment's libraries send it, or a token.
pub(super) fn write_key(headers: &HeaderMap) -> Option<String> {
    if let Some(token) = bearer(headers) {
        return Some(token.to_owned());
    }
    let encoded = authorization(headers, "basic")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    Some(decoded.split(':').next().unwrap_or_default().to_owned())
}

fn session_name(site: &Site) -> &'static str {
    if site.secure { SESSION_SECURE } else { SESSION }
}

/// What the session's cookie holds.
pub(super) fn session(site: &Site, request: &HttpRequest) -> Option<String> {
    request.cookie(session_name(site)).map(|cookie| cookie.value().to_owned())
}

/// The cookie of a session that begins.
pub(super) fn session_cookie(site: &Site, value: String) -> Cookie<'static> {
    Cookie::build(session_name(site), value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.secure)
        .finish()
}

/// The cookie of a session that has ended.
pub(super) fn no_session(site: &Site) -> Cookie<'static> {
    let mut cookie = session_cookie(site, String::new());
    cookie.make_removal();
    cookie
}

/// What a browser keeps of how pages are to be shown.
pub(super) fn preference(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned())
}

/// The cookie that keeps it for a year.
pub(super) fn preference_cookie(site: &Site, name: &'static str, value: &str) -> Cookie<'static> {
    Cookie::build(name, value.to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.secure)
        .max_age(Duration::days(365))
        .finish()
}

/// What a login by an identity provider left in the browser.
pub(super) fn login(request: &HttpRequest) -> Option<String> {
    request.cookie(LOGIN).map(|cookie| cookie.value().to_owned())
}

/// The cookie that such a login leaves; an empty value takes it away.
pub(super) fn login_cookie(site: &Site, value: String, minutes: i64) -> Cookie<'static> {
    let gone = value.is_empty();
    let mut cookie = Cookie::build(LOGIN, value)
        .path(LOGIN_PATH)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.secure)
        .max_age(Duration::minutes(minutes))
        .finish();
    if gone {
        cookie.make_removal();
    }
    cookie
}
