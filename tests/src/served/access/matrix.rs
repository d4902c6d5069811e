//! Every operation with every kind of credential, from the table of operations. And nothing is
//! served that is not in the table.

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use cadencia::access::operation::{self, Need, OPERATIONS, Operation, Shown};
use cadencia::access::scope::Scope;
use reqwest::Method;
use serde_json::json;

use super::{Answer, House, send};

/// The credentials of the test.
struct Keys {
    expired: String,
    revoked: String,
    /// A token for each scope, and one with all others.
    scoped: Vec<(Scope, String, String)>,
}

impl Keys {
    fn of(house: &House) -> Self {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
        let everything: Vec<&str> = all.iter().flat_map(|scope| ["--scope", scope]).collect();
        let make = |more: &[&str]| {
            let mut arguments = vec!["everything"];
            arguments.extend(&everything);
            arguments.extend(more);
            house.token(&arguments)
        };
        let (_, expired) = make(&["--expires", "1h"]);
        let (id, revoked) = make(&[]);
        house.server().json(&["tokens", "revoke", &id]);
        // From now on events need a key.
        house.token(&["web", "--kind", "write-key"]);
        let scoped = Scope::ALL.map(|scope| {
            let others: Vec<&str> =
                all.iter().copied().filter(|word| *word != scope.word()).collect();
            (scope, house.scoped(&[scope.word()]), house.scoped(&others))
        });
        house.pass("2026-03-02T07:00:00Z");
        Self { expired, revoked, scoped: scoped.to_vec() }
    }

    fn with(&self, scope: Scope) -> &str {
        let found = self.scoped.iter().find(|(one, ..)| *one == scope);
        &found.expect("each scope has one").1
    }

    fn without(&self, scope: Scope) -> &str {
        let found = self.scoped.iter().find(|(one, ..)| *one == scope);
        &found.expect("each scope has one").2
    }
}

/// Paths of an operation: parameters filled with what nobody is called.
fn paths(operation: &'static Operation) -> impl Iterator<Item = String> {
    iter::once(operation.path).chain(operation.also.iter().copied()).map(filled)
}

fn filled(path: &str) -> String {
    let fill = |part: &str| match part.strip_prefix('{') {
        None => part.to_owned(),
        Some(inside) => match inside.trim_end_matches('}').split_once(':') {
            Some((_, words)) if words.contains('|') => {
                words.split('|').next().unwrap_or_default().to_owned()
            }
            _ => "nobody".to_owned(),
        },
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

async fn call(house: &House, operation: &Operation, path: &str, token: Option<&str>) -> Answer {
    let method = Method::from_bytes(operation.method.as_bytes()).expect("a method");
    let mut request = house.request(method, path);
    request = request.header("origin", &house.server().url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if operation.writes() {
        request = request.json(&json!({}));
    }
    send(request).await
}

/// Codes that say that a request did not come as far as its operation.
const STOPPED: [&str; 6] = ["CAD-2012", "CAD-4001", "CAD-4002", "CAD-4010", "CAD-4012", "CAD-4013"];

#[track_caller]
fn check_through(operation: &Operation, who: &str, answer: &Answer) {
    let code = answer.code();
    // A server without an identity provider has no such login, and says so itself. Nor has an error
    // the code that this test makes up.
    let itself = operation.path.starts_with("/login/sso") || operation.id == "errorPage";
    let itself = itself && answer.status == 404;
    let refused = answer.status >= 400;
    let stopped = refused && STOPPED.iter().any(|stop| code == *stop || answer.body.contains(stop));
    let led_away = answer.status == 303 && answer.location().starts_with("/login");
    assert!(itself || !stopped && !led_away, "{} for {who}: {answer:?}", operation.id);
}

#[track_caller]
fn check_unknown(operation: &Operation, who: &str, answer: &Answer) {
    let code = if operation.need == Need::Sender { "CAD-2012" } else { "CAD-4010" };
    match operation.shown {
        Shown::Problem => {
            assert_eq!((answer.status, &*answer.code()), (401, code), "{} for {who}", operation.id);
        }
        Shown::Page => {
            assert_eq!(answer.status, 303, "{} for {who}: {answer:?}", operation.id);
            assert!(answer.location().starts_with("/login"), "{} for {who}", operation.id);
        }
    }
}

#[tokio::test]
async fn every_operation_is_refused_without_the_right_credential() {
    let house = House::new();
    let keys = Keys::of(&house);
    let unknown = format!("cad_{}_{}", "0".repeat(16), "0".repeat(64));
    let strangers = [
        ("nobody", None),
        ("an unknown token", Some(unknown.as_str())),
        ("no token at all", Some("letmein")),
        ("an expired token", Some(keys.expired.as_str())),
        ("a revoked token", Some(keys.revoked.as_str())),
    ];
    let mut calls = 0;
    let all = OPERATIONS.iter().flat_map(|one| paths(one).map(move |path| (one, path)));
    for (operation, path) in all {
        for (who, token) in strangers {
            let answer = call(&house, operation, &path, token).await;
            match operation.need {
                Need::Nothing => check_through(operation, who, &answer),
                _ => check_unknown(operation, who, &answer),
            }
            calls += 1;
        }
        let scope = match operation.need {
            Need::Nothing => continue,
            Need::Known => {
                let answer = call(&house, operation, &path, Some(keys.with(Scope::Ingest))).await;
                check_through(operation, "any token", &answer);
                continue;
            }
            Need::Sender => Scope::Ingest,
            Need::Scope(scope) => scope,
        };
        let answer = call(&house, operation, &path, Some(keys.without(scope))).await;
        assert_eq!(answer.status, 403, "{path} without {scope:?}: {answer:?}");
        assert!(answer.body.contains("CAD-4012"), "{path}: {answer:?}");
        assert!(answer.body.contains(scope.word()), "{path}: {answer:?}");
        let answer = call(&house, operation, &path, Some(keys.with(scope))).await;
        check_through(operation, "the right scope", &answer);
        calls += 2;
    }
    eprintln!("{} operations, {calls} calls", OPERATIONS.len());
}

#[tokio::test]
async fn other_methods_and_other_paths_are_refused() {
    let house = House::new();
    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
    let token = house.scoped(&all);
    let all = OPERATIONS.iter().flat_map(|one| paths(one).map(move |path| (one, path)));
    for (operation, path) in all {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if operation::find(method, operation.path).is_some() {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let request = house.request(method.clone(), &path).bearer_auth(&token);
            let answer = send(request).await;
            assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            assert!(answer.header("allow").is_some(), "{method} {path}: {answer:?}");
        }
    }
    for odd in ["/api/v1", "/api/v1/", "/api/v1/nothing", "//api/v1/status", "/v1/track/", "/index"]
    {
        let answer = send(house.request(Method::GET, odd).bearer_auth(&token)).await;
        assert_eq!(answer.status, 404, "{odd}: {answer:?}");
    }
}

#[tokio::test]
async fn a_path_that_is_written_otherwise_is_judged_as_it_is_served() {
    let house = House::new();
    let read = house.scoped(&["read"]);
    for (method, odd) in [
        (Method::POST, "/api/v1/%61pply"),
        (Method::POST, "/api/v1/journeys/x/%65nrollments"),
        (Method::POST, "/api/v1/journeys/x/p%61use"),
        (Method::GET, "/api/v1/%74okens"),
        (Method::GET, "/api/%76%31/audit"),
    ] {
        let answer = house.call(method, odd, Some(&read), &json!({})).await;
        assert_eq!(answer.status, 403, "{odd}: {answer:?}");
        assert_eq!(answer.code(), "CAD-4012", "{odd}");
    }
    for odd in ["/api/v1/journeys/../tokens", "/api/v1%2Ftokens", "/u/../api/v1/tokens"] {
        let answer = house.call(Method::GET, odd, Some(&read), &json!({})).await;
        assert!(matches!(answer.status, 403 | 404), "{odd}: {answer:?}");
    }
}

/// Where the files with routes are, and what stands before their paths.
const ROUTES: [(&str, &str); 8] = [
    ("orchestrator/src/web/api/tracking/", "/v1"),
    ("orchestrator/src/web/api/admin.rs", "/api/v1"),
    ("orchestrator/src/web/api/access.rs", "/api/v1"),
    ("orchestrator/src/web/api/audiences.rs", "/api/v1"),
    ("orchestrator/src/web/api/sends.rs", "/api/v1"),
    ("orchestrator/src/web/api/customers.rs", "/api/v1"),
    ("orchestrator/src/web/api/catalog.rs", "/api/v1"),
    ("orchestrator/src/web/", ""),
];

#[test]
fn every_route_is_in_the_table_and_every_row_has_a_route() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut files = Vec::new();
    collect(&root.join("orchestrator/src/web"), &mut files);
    let mut routes = BTreeSet::new();
    for file in files {
        let name = file.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        let (_, before) =
            ROUTES.iter().find(|(place, _)| name.starts_with(place)).expect("a place of routes");
        let text = fs::read_to_string(&file).expect("a file");
        if name.ends_with("tracking/mod.rs") {
            // Here every text that begins with a slash is an address that takes events.
            let addresses = text.split('"').filter(|text| text.starts_with('/'));
            let plain = |path: &&str| path[1..].bytes().all(|byte| byte.is_ascii_lowercase());
            let routed = |path| ("POST".to_owned(), format!("{before}{path}"));
            routes.extend(addresses.filter(plain).map(routed));
        } else {
            for other in [".route(", "web::resource(", "#[route(", "#[routes]"] {
                assert!(!text.contains(other), "{name}: this test does not see `{other}`");
            }
        }
        for method in ["get", "post", "put", "patch", "delete", "head", "options"] {
            for (at, _) in text.match_indices(&format!("#[{method}(\"")) {
                let path = text[at..].split('"').nth(1).expect("a path");
                routes.insert((method.to_uppercase(), format!("{before}{path}")));
            }
        }
    }
    // A backup is given only to the owner, by the control socket.
    assert!(routes.remove(&("GET".to_owned(), "/api/v1/backup".to_owned())));
    let all = |one: &'static Operation| iter::once(one.path).chain(one.also.iter().copied());
    let row = |one| all(one).map(|path| (one.method.to_owned(), path.to_owned()));
    let table: BTreeSet<(String, String)> = OPERATIONS.iter().flat_map(row).collect();
    let odd: Vec<_> = routes.symmetric_difference(&table).collect();
    assert!(odd.is_empty(), "a route and its row go together: {odd:?}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
