//! Every operation that is served over TCP, and what it needs: the one table that the guard, the
//! reference of the API and the test of every operation against every credential are made from.
//!
//! What is not in it is refused.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::scope::Scope;

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: anybody may.
    Nothing,
    /// A write key or a token with the scope `ingest`, once there is any. A key may stand in the
    /// body: then the guard lets the request through as nobody's, and the handler looks.
    Sender,
    /// Anybody who is known.
    Known,
    /// This scope.
    Scope(Scope),
}

/// How its refusals are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As problem documents.
    Problem,
    /// As pages: who is not known is led to the login.
    Page,
}

/// Where the token is that writes of a session must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfToken {
    /// In the header `X-CSRF-Token`; the guard looks.
    Header,
    /// In the field `csrf` of the form; the handler looks.
    Form,
}

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name, for the reference.
    pub id: &'static str,
    /// Its method.
    pub method: &'static str,
    /// Its path as the router knows it; patterns of different rows match no path in common.
    pub path: &'static str,
    /// Other paths of the same operation: the router calls all of them by the first.
    pub also: &'static [&'static str],
    /// What it needs.
    pub need: Need,
    /// How its refusals are shown.
    pub shown: Shown,
    /// Where a write of a session carries its token.
    pub csrf: CsrfToken,
}

impl Operation {
    /// Whether it may change something.
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// Whether it is done to its end also if whoever asked goes: it may change what is kept in
    /// memory as well as in the store, as logins do that are no writes. What comes in for customers
    /// is handed over in one go.
    pub fn is_done_whole(&self) -> bool {
        let lets_in = self.shown == Shown::Page && self.need == Need::Nothing;
        self.need != Need::Sender && (self.writes() || lets_in)
    }

    /// Its path without the patterns of its parameters (`/customers/{id}`).
    pub fn plain_path(&self) -> String {
        let mut plain = String::new();
        let mut in_pattern = false;
        for c in self.path.chars() {
            match c {
                ':' => in_pattern = true,
                '}' => in_pattern = false,
                _ => {}
            }
            if !in_pattern {
                plain.push(c);
            }
        }
        plain
    }
}

const fn api(id: &'static str, method: &'static str, path: &'static str, need: Need) -> Operation {
    let (shown, csrf) = (Shown::Problem, CsrfToken::Header);
    Operation { id, method, path, also: &[], need, shown, csrf }
}

const fn events(id: &'static str, path: &'static str, also: &'static [&'static str]) -> Operation {
    Operation { also, ..api(id, "POST", path, Need::Sender) }
}

const fn page(id: &'static str, method: &'static str, path: &'static str, need: Need) -> Operation {
    Operation { shown: Shown::Page, csrf: CsrfToken::Form, ..api(id, method, path, need) }
}

const READ: Need = Need::Scope(Scope::Read);
const DEFINE: Need = Need::Scope(Scope::Define);
const OPERATE: Need = Need::Scope(Scope::Operate);
const MANAGE: Need = Need::Scope(Scope::Manage);

/// All of them.
#[rustfmt::skip]
pub static OPERATIONS: [Operation; 104] = [
    // For machines around the server.
    api("live", "GET", "/livez", Need::Nothing),
    api("ready", "GET", "/readyz", Need::Nothing),
    api("metrics", "GET", "/metrics", Need::Nothing),
    api("openApi", "GET", "/openapi.json", Need::Nothing),
    api("errorPage", "GET", "/errors/{code}", Need::Nothing),
    // For customers: the token in the path is what they need.
    api("unsubscribeAsk", "GET", "/u/{token}", Need::Nothing),
    api("unsubscribe", "POST", "/u/{token}", Need::Nothing),
    // For providers: what they sign is what they need.
    api("providerReport", "POST", "/hooks/{provider}/{channel}/{send}", Need::Nothing),
    // For senders of events.
    events("identify", "/v1/identify", &["/v1/i"]),
    events("track", "/v1/track", &["/v1/t"]),
    events("page", "/v1/page", &["/v1/p"]),
    events("screen", "/v1/screen", &["/v1/s"]),
    events("group", "/v1/group", &["/v1/g"]),
    events("alias", "/v1/alias", &["/v1/a"]),
    events("batch", "/v1/batch", &["/v1/b", "/v1/import"]),
    events("cloudEvents", "/v1/events", &[]),
    // For people and programs that run the server.
    api("whoami", "GET", "/api/v1/whoami", Need::Known),
    api("status", "GET", "/api/v1/status", READ),
    api("plan", "POST", "/api/v1/plan", DEFINE),
    api("apply", "POST", "/api/v1/apply", DEFINE),
    api("listJourneys", "GET", "/api/v1/journeys", READ),
    api("getJourney", "GET", "/api/v1/journeys/{name}", READ),
    api("listVersions", "GET", "/api/v1/journeys/{name}/versions", READ),
    api("diffVersions", "GET", "/api/v1/journeys/{name}/diff", READ),
    api("listEnrollments", "GET", "/api/v1/journeys/{name}/enrollments", READ),
    api("controlJourney", "POST", "/api/v1/journeys/{name}/{action:pause|resume|stop}", OPERATE),
    api("enroll", "POST", "/api/v1/journeys/{name}/enrollments", OPERATE),
    api("getEnrollment", "GET", "/api/v1/enrollments/{id}", READ),
    api("listCustomers", "GET", "/api/v1/customers", READ),
    api("getCustomer", "GET", "/api/v1/customers/{id}", READ),
    api("unsuppressCustomer", "POST", "/api/v1/customers/{id}/unsuppress", OPERATE),
    api("customerEnrollments", "GET", "/api/v1/customers/{id}/enrollments", READ),
    api("timeline", "GET", "/api/v1/customers/{id}/timeline", READ),
    api("listDefinitions", "GET", "/api/v1/definitions", READ),
    api("getDefinition", "GET", "/api/v1/definitions/{kind}/{name}", READ),
    api("listSegments", "GET", "/api/v1/segments", READ),
    api("getPolicy", "GET", "/api/v1/policy", READ),
    api("listChannels", "GET", "/api/v1/channels", READ),
    api("listTemplates", "GET", "/api/v1/templates", READ),
    api("listSends", "GET", "/api/v1/sends", READ),
    api("getSend", "GET", "/api/v1/sends/{id}", READ),
    api("redriveSend", "POST", "/api/v1/sends/{id}/redrive", OPERATE),
    api("import", "POST", "/api/v1/import", OPERATE),
    api("sendTest", "POST", "/api/v1/send-test", OPERATE),
    // Events as they came in, whole.
    api("liveEvents", "GET", "/api/v1/events", Need::Scope(Scope::Personal)),
    api("listAudiences", "GET", "/api/v1/audiences", READ),
    api("listMembers", "GET", "/api/v1/audiences/{name}/members", READ),
    api("exportAudience", "POST", "/api/v1/audiences/{name}/export", OPERATE),
    api("listTokens", "GET", "/api/v1/tokens", MANAGE),
    api("createToken", "POST", "/api/v1/tokens", MANAGE),
    api("rotateToken", "POST", "/api/v1/tokens/{id}/rotate", MANAGE),
    api("revokeToken", "POST", "/api/v1/tokens/{id}/revoke", MANAGE),
    api("listUsers", "GET", "/api/v1/users", MANAGE),
    api("createUser", "POST", "/api/v1/users", MANAGE),
    api("setRole", "POST", "/api/v1/users/{name}/role", MANAGE),
    api("setPassword", "POST", "/api/v1/users/{name}/password", MANAGE),
    api("deleteUser", "POST", "/api/v1/users/{name}/delete", MANAGE),
    api("disableUser", "POST", "/api/v1/users/{name}/disable", MANAGE),
    api("enableUser", "POST", "/api/v1/users/{name}/enable", MANAGE),
    api("listAudit", "GET", "/api/v1/audit", MANAGE),
    // The console.
    page("loginPage", "GET", "/login", Need::Nothing),
    page("logIn", "POST", "/login", Need::Nothing),
    page("openLink", "GET", "/login/once/{secret}", Need::Nothing),
    page("beginSso", "GET", "/login/sso", Need::Nothing),
    page("endSso", "GET", "/login/sso/callback", Need::Nothing),
    page("logOut", "POST", "/logout", Need::Known),
    page("setPreferences", "POST", "/preferences", Need::Nothing),
    page("overviewPage", "GET", "/", READ),
    page("campaignsPage", "GET", "/campaigns", READ),
    page("journeysPage", "GET", "/journeys", READ),
    page("journeyPage", "GET", "/journeys/{name}", READ),
    page("controlJourneyForm", "POST", "/journeys/{name}/{action:pause|resume|stop}", OPERATE),
    page("stepPage", "GET", "/journeys/{name}/steps/{step}", READ),
    page("customersPage", "GET", "/customers", READ),
    page("customerPage", "GET", "/customers/{id:.+}", READ),
    page("audiencesPage", "GET", "/audiences", READ),
    page("membersPage", "GET", "/audiences/{name}", READ),
    page("exportAudienceForm", "POST", "/audiences/{name}/export", OPERATE),
    page("sendsPage", "GET", "/sends", READ),
    page("sendPage", "GET", "/sends/{id}", READ),
    page("redriveForm", "POST", "/sends/{id}/redrive", OPERATE),
    page("whyPage", "GET", "/why", READ),
    // Events as they came in, whole.
    page("eventsPage", "GET", "/events", Need::Scope(Scope::Personal)),
    page("messagesPage", "GET", "/messages", READ),
    page("messagePage", "GET", "/messages/{channel}/{number}", READ),
    page("messageHtml", "GET", "/messages/{channel}/{number}/html", READ),
    page("definitionsPage", "GET", "/definitions", READ),
    page("documentPage", "GET", "/definitions/{kind}/{name}", READ),
    page("systemPage", "GET", "/system", READ),
    page("tokensPage", "GET", "/access/tokens", MANAGE),
    page("createTokenForm", "POST", "/access/tokens", MANAGE),
    page("rotateTokenForm", "POST", "/access/tokens/{id}/rotate", MANAGE),
    page("revokeTokenForm", "POST", "/access/tokens/{id}/revoke", MANAGE),
    page("usersPage", "GET", "/access/users", MANAGE),
    page("createUserForm", "POST", "/access/users", MANAGE),
    page("setRoleForm", "POST", "/access/users/{name}/role", MANAGE),
    page("setPasswordForm", "POST", "/access/users/{name}/password", MANAGE),
    page("setStandingForm", "POST", "/access/users/{name}/{action:disable|enable|delete}", MANAGE),
    page("accountPage", "GET", "/account", Need::Known),
    page("ownPasswordForm", "POST", "/account/password", Need::Known),
    page("auditPage", "GET", "/access/audit", MANAGE),
    api("stylesheet", "GET", "/console.css", Need::Nothing),
    api("script", "GET", "/console.js", Need::Nothing),
    api("icon", "GET", "/console.svg", Need::Nothing),
];

/// The operation of a method and a pattern of the router.
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    static BY_PATH: LazyLock<HashMap<(&str, &str), &Operation>> =
        LazyLock::new(|| OPERATIONS.iter().map(|one| ((one.method, one.path), one)).collect());
    BY_PATH.get(&(method, path)).copied()
}

/// Whether pages of other origins may send events there: their browsers ask first.
pub fn takes_events(path: &str) -> bool {
    find("POST", path).is_some_and(|one| one.need == Need::Sender)
}

/// Methods of a pattern of the router.
pub fn methods(path: &str) -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().filter(move |one| one.path == path).map(|one| one.method)
}
