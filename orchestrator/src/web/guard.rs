//! The one place at which it is decided who may: in front of everything that is served over TCP. An
//! operation that is not in the table is refused, also if there is a route to it.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};

use super::console::layout;
use super::console::login::login_link;
use super::console::reader::Look;
use super::{Site, cors, presented, respond, whole};
use crate::access::Invalid;
use crate::access::operation::{self, CsrfToken, Need, Operation, Shown};
use crate::access::principal::{Principal, Who};
use crate::access::scope::Scope;
use crate::access::secret;
use crate::error::{ErrorCode, Problem};

/// The header with the token that writes of a session carry.
const CSRF_HEADER: &str = "x-csrf-token";

/// The answer to what is refused.
type Refused = Box<HttpResponse>;

/// Lets a request through with its [`Principal`], or answers it.
pub(super) async fn guard(
    site: web::Data<Site>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match authorise(&site, &request) {
        Ok((principal, whole)) => {
            let for_somebody = !matches!(principal.who, Who::Nobody | Who::Sender(_));
            request.extensions_mut().insert(principal);
            let rest = next.call(request);
            let response = if whole { whole::to_its_end(rest).await? } else { rest.await? };
            let mut response = response.map_into_boxed_body();
            if for_somebody && !response.headers().contains_key(header::CACHE_CONTROL) {
                let nowhere = header::HeaderValue::from_static("no-store");
                response.headers_mut().insert(header::CACHE_CONTROL, nowhere);
            }
            Ok(response)
        }
        Err(mut refusal) => {
            if pattern(&request).is_some_and(|path| operation::takes_events(&path)) {
                cors::show(&site.cors_origins, request.headers(), refusal.headers_mut());
            }
            Ok(request.into_response(*refusal))
        }
    }
}

/// The path as the router takes it apart: matched as it was sent, `%65nrollments` could be judged
/// by one row and served by the route of another.
pub(super) fn pattern(request: &ServiceRequest) -> Option<String> {
    request.resource_map().match_pattern(request.match_info().as_str())
}

/// Who it is, and whether what she asks for is to be done to its end also if she goes.
fn authorise(site: &Site, request: &ServiceRequest) -> Result<(Principal, bool), Refused> {
    let path = pattern(request).ok_or_else(|| refused(ErrorCode::NotFound, ""))?;
    let from = presented::address(site, request.request());
    if request.method() == Method::OPTIONS && operation::takes_events(&path) {
        return Ok((Principal::nobody(from), false));
    }
    let Some(operation) = operation::find(request.method().as_str(), &path) else {
        let allowed: Vec<&str> = operation::methods(&path).collect();
        return Err(not_served(&allowed));
    };
    let request = request.request();
    let principal = match operation.need {
        Need::Nothing => Ok(Principal::nobody(from)),
        Need::Sender => {
            return match sender(site, request) {
                Ok(sender) if sender.may(Scope::Ingest) => Ok((sender, false)),
                Ok(_) => Err(lacks(operation, request, Scope::Ingest)),
                // The key may stand in the body.
                Err(Invalid::Missing) => Ok((Principal::nobody(from), false)),
                Err(invalid) => Err(refused(ErrorCode::UnauthorisedWriteKey, invalid.to_string())),
            };
        }
        Need::Known | Need::Scope(_) => known(site, request),
    };
    let principal = principal.map_err(|invalid| unknown(operation, request, invalid))?;
    if let Some(problem) = forged(site, request, operation, &principal) {
        return Err(problem);
    }
    match operation.need {
        Need::Scope(scope) if !principal.may(scope) => Err(lacks(operation, request, scope)),
        _ => Ok((principal, operation.is_done_whole())),
    }
}

/// Who sends events, by what stands in the head of a request.
fn sender(site: &Site, request: &HttpRequest) -> Result<Principal, Invalid> {
    let headers = request.headers();
    let key = presented::write_key(headers);
    if key.is_none() && presented::has_authorization(headers) {
        return Err(Invalid::Unknown);
    }
    let from = presented::address(site, request);
    site.admin.access.by_write_key(&site.senders, key.as_deref(), from)
}

/// Who a request says it is, with proof.
pub(super) fn known(site: &Site, request: &HttpRequest) -> Result<Principal, Invalid> {
    let access = &site.admin.access;
    let from = presented::address(site, request);
    if presented::has_authorization(request.headers()) {
        let token = presented::bearer(request.headers()).ok_or(Invalid::Unknown)?;
        return access.by_token(token, from);
    }
    let cookie = presented::session(site, request).ok_or(Invalid::Missing)?;
    access.by_session(&cookie, site.sessions, from)
}

/// A write that somebody else's page has let a browser send.
fn forged(
    site: &Site,
    request: &HttpRequest,
    operation: &Operation,
    principal: &Principal,
) -> Option<Refused> {
    // A login needs no session to be worth forging.
    let by_browser = principal.session.is_some() || operation.shown == Shown::Page;
    if !operation.writes() || !by_browser {
        return None;
    }
    if !is_own(site, request.headers()) {
        let detail = "another site sent it, or the browser does not say";
        return Some(cross_site(operation, request, detail));
    }
    let session = principal.session.as_ref()?;
    if operation.csrf == CsrfToken::Header {
        let sent = request.headers().get(CSRF_HEADER).and_then(|value| value.to_str().ok());
        if !sent.is_some_and(|sent| secret::same(sent, &session.csrf)) {
            let detail = "the header X-CSRF-Token is missing or wrong";
            return Some(cross_site(operation, request, detail));
        }
    }
    None
}

/// Whether a page of this server sent a request, as far as the browser says.
fn is_own(site: &Site, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(relation), _) => relation == "same-origin",
        (None, Some(origin)) => site.is_origin(origin),
        (None, None) => false,
    }
}

/// Whether a form carries the token of its session.
pub(super) fn is_token_of(principal: &Principal, sent: &str) -> bool {
    principal.session.as_ref().is_none_or(|session| secret::same(sent, &session.csrf))
}

fn refused(code: ErrorCode, detail: impl Into<String>) -> Refused {
    Box::new(respond::problem(&Problem::new(code, detail)))
}

/// No operation has this method here.
fn not_served(allowed: &[&str]) -> Refused {
    if allowed.is_empty() {
        return refused(ErrorCode::NotFound, "");
    }
    let mut response = refused(ErrorCode::MethodNotAllowed, "");
    if let Ok(allowed) = header::HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

fn unknown(operation: &Operation, request: &HttpRequest, invalid: Invalid) -> Refused {
    if operation.shown == Shown::Page {
        let next = (!operation.writes()).then(|| request.uri().path_and_query()).flatten();
        let link = login_link(next.map_or("/", |next| next.as_str()));
        return Box::new(layout::see_other(&link));
    }
    let mut response = refused(ErrorCode::Unauthorised, invalid.to_string());
    let scheme = header::HeaderValue::from_static("Bearer");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    response
}

fn lacks(operation: &Operation, request: &HttpRequest, scope: Scope) -> Refused {
    let detail = format!("it needs the scope `{}`", scope.word());
    shown(operation, request, &Problem::new(ErrorCode::Forbidden, detail))
}

fn cross_site(operation: &Operation, request: &HttpRequest, detail: &str) -> Refused {
    shown(operation, request, &Problem::new(ErrorCode::CrossSite, detail))
}

fn shown(operation: &Operation, request: &HttpRequest, problem: &Problem) -> Refused {
    Box::new(match operation.shown {
        Shown::Problem => respond::problem(problem),
        Shown::Page => layout::problem(&Look::of(request), None, problem),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::dev::ResourceDef;

    use crate::access::operation::OPERATIONS;

    /// Paths that a pattern matches: its parameters filled with every word that any pattern has.
    fn paths(pattern: &str, words: &BTreeSet<&str>) -> Vec<String> {
        let mut paths = vec![String::new()];
        for part in pattern.split('/').skip(1) {
            let choices: Vec<&str> = match part.strip_prefix('{') {
                None => vec![part],
                Some(inside) => match inside.trim_end_matches('}').split_once(':') {
                    None | Some((_, ".+")) => words.iter().copied().collect(),
                    Some((_, words)) => words.split('|').collect(),
                },
            };
            paths = paths
                .iter()
                .flat_map(|path| choices.iter().map(move |choice| format!("{path}/{choice}")))
                .collect();
        }
        paths
    }

    #[test]
    fn no_path_matches_two_patterns() {
        let patterns: BTreeSet<&str> = OPERATIONS.iter().map(|one| one.path).collect();
        let literal = |part: &&str| !part.is_empty() && !part.contains(['{', '}']);
        let mut words: BTreeSet<&str> =
            patterns.iter().flat_map(|path| path.split('/')).filter(literal).collect();
        words.extend(["x", "pause", "resume", "stop"]);
        let also = OPERATIONS.iter().flat_map(|one| one.also).copied();
        let all: Vec<&str> = patterns.iter().copied().chain(also).collect();
        let definitions: Vec<ResourceDef> =
            all.iter().map(|path| ResourceDef::new(*path)).collect();
        for pattern in &all {
            for path in paths(pattern, &words) {
                let matching = definitions.iter().filter(|one| one.is_match(&path));
                let matching: Vec<_> = matching.map(|one| one.pattern()).collect();
                assert_eq!(matching, [Some(*pattern)], "{path}");
            }
        }
    }
}
