//! Tokens and write keys: shown once, rotated with an overlap, durable when they are answered.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::{House, shown};
use crate::served::process::cadencia;

/// Whether a token is good.
async fn is_good(house: &House, token: &str) -> bool {
    let answer = house.call(Method::GET, "/api/v1/whoami", Some(token), &json!({})).await;
    assert!(matches!(answer.status, 200 | 401), "{answer:?}");
    answer.status == 200
}

#[tokio::test]
async fn two_secrets_live_during_a_rotation_and_one_after_it() {
    let mut house = House::new();
    let (id, first) = house.token(&["deploy", "--scope", "read"]);
    let rotate = |house: &House, overlap: &str| {
        shown(&house.server().json(&["tokens", "rotate", &id, "--overlap", overlap])).1
    };
    let second = rotate(&house, "2h");
    assert!(is_good(&house, &first).await && is_good(&house, &second).await);
    house.crash();
    assert!(is_good(&house, &first).await && is_good(&house, &second).await, "it is durable");
    house.pass("2026-03-02T07:59:59Z");
    assert!(is_good(&house, &first).await);
    house.pass("2026-03-02T08:00:00Z");
    assert!(!is_good(&house, &first).await && is_good(&house, &second).await);
    let third = rotate(&house, "0s");
    assert!(!is_good(&house, &second).await, "without an overlap the old one ends at once");
    assert!(is_good(&house, &third).await);
}

#[tokio::test]
async fn an_end_is_durable_when_it_is_answered() {
    let mut house = House::new();
    let (id, token) = house.token(&["deploy"]);
    house.crash();
    assert!(is_good(&house, &token).await, "what was shown is good after a crash");
    house.server().json(&["tokens", "revoke", &id]);
    house.crash();
    assert!(!is_good(&house, &token).await, "what was revoked is so after a crash");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let house = House::new();
    let (id, token) = house.token(&["deploy"]);
    let secret = token.rsplit('_').next().expect("the secret").to_owned();
    for command in [["tokens", "list"].as_slice(), &["audit"]] {
        let text = house.server().json(command).to_string();
        assert!(text.contains(&id) && !text.contains(&secret), "{text}");
    }
    house.user("ann", "admin");
    let folder = house.path("data");
    drop(house.server().command(&["tokens", "list"]));
    let mut files = Vec::new();
    files_of(&folder, &mut files);
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for canary in [secret.as_bytes(), super::PASSWORD.as_bytes()] {
            let found = bytes.windows(canary.len()).any(|window| window == canary);
            assert!(!found, "a secret is in {}", file.display());
        }
    }
}

fn files_of(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_of(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

#[tokio::test]
async fn each_source_has_a_write_key_of_its_own() {
    let house = House::with("write_keys: [bootstrap]\n");
    let (id, web) = house.token(&["web", "--kind", "write-key"]);
    let (_, shop) = house.token(&["shop", "--kind", "write-key", "--source", "till"]);
    let api = house.scoped(&["read"]);
    let event = json!({"type": "track", "event": "Seen", "userId": "ann"});
    let send = async |key: Option<&str>| {
        let mut request = house.request(Method::POST, "/v1/track").json(&event);
        if let Some(key) = key {
            request = request.basic_auth(key, Some(""));
        }
        super::send(request).await.status
    };
    for (key, status) in [
        (None, 401),
        (Some("guess"), 401),
        (Some(""), 401),
        (Some("bootstrap"), 200),
        (Some(web.as_str()), 200),
        (Some(shop.as_str()), 200),
        (Some(api.as_str()), 403),
    ] {
        assert_eq!(send(key).await, status, "{key:?}");
    }
    house.server().json(&["tokens", "revoke", &id]);
    assert_eq!(send(Some(&web)).await, 401, "one source is locked out");
    assert_eq!(send(Some(&shop)).await, 200, "the others go on");
    let answer = house.call(Method::GET, "/api/v1/status", Some(&shop), &json!({})).await;
    assert_eq!(answer.status, 403, "a write key reads nothing");
    let list = house.server().json(&["tokens", "list"]);
    let sources: BTreeSet<Option<&str>> =
        list.as_array().expect("tokens").iter().map(|one| one["source"].as_str()).collect();
    assert_eq!(sources, [None, Some("till"), Some("web")].into());
}

#[tokio::test]
async fn the_end_of_the_last_write_key_opens_nothing() {
    let mut house = House::new();
    let event = json!({"type": "track", "event": "Seen", "userId": "ann"});
    let answer = house.call(Method::POST, "/v1/track", None, &event).await;
    assert_eq!(answer.status, 200, "without any key everybody may send");
    let (id, _) = house.token(&["web", "--kind", "write-key"]);
    house.server().json(&["tokens", "revoke", &id]);
    house.restart();
    let answer = house.call(Method::POST, "/v1/track", None, &event).await;
    assert_eq!((answer.status, &*answer.code()), (401, "CAD-2012"));
}

#[tokio::test]
async fn who_manages_gives_herself_no_more_than_she_has() {
    let house = House::new();
    house.user("boss", "admin");
    let manage = house.scoped(&["manage"]);
    let (all, _) = house.token(&["all", "--scope", "manage", "--scope", "personal"]);
    let (own, _) = house.token(&["own", "--scope", "manage"]);
    let rotate = |id: &str| format!("/api/v1/tokens/{id}/rotate");
    let before = house.audit().len();
    for (path, body) in [
        (rotate(&all), json!({})),
        ("/api/v1/users".to_owned(), json!({"name": "eve", "role": "admin"})),
        ("/api/v1/users".to_owned(), json!({"name": "eve", "role": "viewer"})),
        ("/api/v1/users/boss/role".to_owned(), json!({"role": "operator"})),
        ("/api/v1/users/boss/password".to_owned(), json!({"password": super::PASSWORD})),
    ] {
        let answer = house.call(Method::POST, &path, Some(&manage), &body).await;
        assert_eq!((answer.status, &*answer.code()), (403, "CAD-4012"), "{path}: {answer:?}");
    }
    assert_eq!(house.audit().len(), before, "nothing was changed");
    let post = async |path: &str| house.call(Method::POST, path, Some(&manage), &json!({})).await;
    // Taking away gives nobody anything; giving it back does.
    assert_eq!(post("/api/v1/users/boss/disable").await.status, 200);
    assert_eq!(post("/api/v1/users/boss/enable").await.status, 403);
    assert_eq!(post(&rotate(&own)).await.status, 200);
    assert_eq!(post(&format!("/api/v1/tokens/{all}/revoke")).await.status, 200);
}

#[tokio::test]
async fn nobody_gives_more_than_she_has_and_bad_wishes_are_refused() {
    let house = House::new();
    let manage = house.scoped(&["manage"]);
    let make = async |body| house.call(Method::POST, "/api/v1/tokens", Some(&manage), &body).await;
    let answer = make(json!({"kind": "api", "name": "x", "scopes": ["manage", "personal"]})).await;
    assert_eq!((answer.status, &*answer.code()), (403, "CAD-4012"));
    for bad in [
        json!({"kind": "api", "name": ""}),
        json!({"kind": "api", "name": "x".repeat(200)}),
        json!({"kind": "api", "name": "x", "scopes": []}),
        json!({"kind": "api", "name": "x", "scopes": ["root"]}),
        json!({"kind": "api", "name": "x", "scopes": ["manage"], "source": "s"}),
        json!({"kind": "api", "name": "x", "scopes": ["manage"], "expires_in_seconds": 0}),
        json!({"kind": "write_key", "name": "x", "scopes": ["read"]}),
        json!({"kind": "api", "name": "x", "scopes": ["manage"], "owner": "me"}),
    ] {
        let answer = make(bad.clone()).await;
        assert_eq!(answer.status, 400, "{bad}: {answer:?}");
    }
    let answer = make(json!({"kind": "api", "name": "x", "scopes": ["manage"]})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let unknown = cadencia(&house.path("data"), &["tokens", "revoke", "0123456789abcdef"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("CAD-4016"));
}
