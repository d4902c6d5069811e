//! Logging in, staying in, and getting out: sessions, forged requests, guesses.

use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::json;

use super::{Browser, House, PASSWORD, send};

/// The token in a page's form.
pub(super) fn csrf_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form with a token");
    rest.split('"').next().expect("its end").to_owned()
}

#[tokio::test]
async fn a_login_gives_a_cookie_that_scripts_and_neighbours_do_not_see() {
    let house = House::new();
    house.user("ann", "viewer");
    let mut browser = Browser::default();
    let answer = house.try_log_in(&mut browser, "ann", PASSWORD).await;
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "http only: {cookie}");
    let page = house.visit(&mut browser, "/").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.body.contains("user ann"), "{}", page.body);

    let house = House::with("public_url: https://console.example\n");
    house.user("ann", "viewer");
    let answer = house.try_log_in(&mut Browser::default(), "ann", PASSWORD).await;
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-cadencia_session="), "{cookie}");
    assert!(cookie.contains("Secure") && cookie.contains("Path=/"), "{cookie}");
}

#[tokio::test]
async fn a_session_survives_restarts_and_ends_by_logout() {
    let mut house = House::new();
    house.user("ann", "viewer");
    let mut browser = house.log_in("ann").await;
    house.restart();
    assert!(house.is_in(&browser).await);
    house.crash();
    assert!(house.is_in(&browser).await);
    let page = house.visit(&mut browser, "/").await;
    let (csrf, before) = (csrf_of(&page.body), browser.clone());
    let refused = house.submit(&mut browser, "/logout", &[("csrf", "guess")]).await;
    assert_eq!(refused.status, 403);
    assert!(house.is_in(&before).await, "a form without the token does nothing");
    let answer = house.submit(&mut browser, "/logout", &[("csrf", &csrf)]).await;
    assert_eq!((answer.status, answer.location()), (303, "/login"));
    assert!(browser.cookies.is_empty());
    assert!(!house.is_in(&before).await, "the cookie itself is good no more");
    house.crash();
    assert!(!house.is_in(&before).await);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
    let house = House::with("login: {idle_minutes: 60, session_minutes: 120}\n");
    house.user("ann", "viewer");
    let (idle, busy) = (house.log_in("ann").await, house.log_in("ann").await);
    house.pass("2026-03-02T06:59:00Z");
    assert!(house.is_in(&busy).await);
    house.pass("2026-03-02T07:00:00Z");
    assert!(!house.is_in(&idle).await && house.is_in(&busy).await);
    house.pass("2026-03-02T07:59:00Z");
    assert!(house.is_in(&busy).await);
    house.pass("2026-03-02T08:00:00Z");
    assert!(!house.is_in(&busy).await, "two hours are over");
}

#[tokio::test]
async fn a_change_of_password_role_or_standing_ends_all_sessions_of_that_user() {
    let mut house = House::new();
    house.user("ann", "viewer");
    house.user("bob", "viewer");
    let bob = house.log_in("bob").await;
    let server = |house: &House, command: &[&str]| drop(house.server().json(command));
    for command in [
        ["users", "set-role", "ann", "marketer"].as_slice(),
        &["users", "disable", "ann"],
        &["users", "set-password", "ann"],
    ] {
        let (one, two) = (house.log_in("ann").await, house.log_in("ann").await);
        assert!(house.is_in(&one).await && house.is_in(&two).await);
        server(&house, command);
        assert!(!house.is_in(&one).await && !house.is_in(&two).await, "{command:?}");
        if command[1] == "disable" {
            let refused = house.try_log_in(&mut Browser::default(), "ann", PASSWORD).await;
            assert_eq!(refused.status, 401, "who is disabled does not get in");
            server(&house, &["users", "enable", "ann"]);
        }
        house.crash();
        assert!(!house.is_in(&one).await, "{command:?}");
    }
    let refused = house.try_log_in(&mut Browser::default(), "ann", PASSWORD).await;
    assert_eq!(refused.status, 401, "the old password is good no more");
    assert!(house.is_in(&bob).await, "others stay in");
}

#[tokio::test]
async fn a_planted_cookie_is_not_logged_in_by_a_login() {
    let house = House::new();
    house.user("ann", "viewer");
    house.user("eve", "viewer");
    // A value that the attacker made up, and one that she got for herself.
    for planted in ["0".repeat(64), house.log_in("eve").await.session()] {
        let mut browser = Browser::with("cadencia_session", &planted);
        house.try_log_in(&mut browser, "ann", PASSWORD).await;
        assert_ne!(browser.session(), planted);
        assert!(house.is_in(&browser).await);
        let attacker = Browser::with("cadencia_session", &planted);
        assert!(!house.is_in(&attacker).await, "what was planted is nobody's");
    }
}

#[tokio::test]
async fn writes_that_another_site_lets_a_browser_send_are_refused() {
    let house = House::with("public_url: https://console.example\n");
    house.user("ann", "admin");
    let mut browser = Browser::default();
    house.try_log_in(&mut browser, "ann", PASSWORD).await;
    let page = house.visit(&mut browser, "/").await;
    let csrf = csrf_of(&page.body);
    let local = house.server().url.clone();
    let write = async |headers: &[(&str, &str)]| {
        let request = house.request(Method::POST, "/api/v1/tokens");
        let mut request = request.header(COOKIE, browser.header());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = send(request.json(&json!({"kind": "api", "name": "x"}))).await;
        (answer.status, answer.code())
    };
    let token = ("x-csrf-token", csrf.as_str());
    let refused = (403, "CAD-4013".to_owned());
    for headers in [
        [].as_slice(),
        &[token],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin"), ("x-csrf-token", "guess")],
        &[("sec-fetch-site", "cross-site"), token],
        &[("sec-fetch-site", "same-site"), token],
        &[("sec-fetch-site", "none"), token],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://console.example"), token],
        &[("origin", "https://evil.example"), token],
        &[("origin", "null"), token],
        // What a request calls its host says nothing.
        &[("origin", "https://evil.example"), ("host", "evil.example"), token],
    ] {
        assert_eq!(write(headers).await, refused, "{headers:?}");
    }
    for headers in [
        [("sec-fetch-site", "same-origin"), token],
        [("origin", "https://console.example"), token],
        [("origin", local.as_str()), token],
    ] {
        assert_eq!(write(&headers).await.0, 200, "{headers:?}");
    }
    // A login is forged as well: somebody would work in the attacker's name.
    let fields = [("name", "ann"), ("password", PASSWORD)];
    for relation in ["cross-site", "same-site"] {
        let request = house.request(Method::POST, "/login").header("sec-fetch-site", relation);
        let answer = send(request.form(&fields)).await;
        assert_eq!(answer.status, 403, "{relation}");
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn guesses_are_limited_by_user_and_by_address_and_say_nothing_of_names() {
    let house = House::new();
    house.user("ann", "viewer");
    house.user("bob", "viewer");
    let guess =
        async |name: &str| house.try_log_in(&mut Browser::default(), name, "wrong password").await;
    let (known, unknown) = (guess("ann").await, guess("nobody").await);
    assert_eq!((known.status, unknown.status), (401, 401));
    assert_eq!(known.body, unknown.body, "an answer tells who is known");
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(guess("ann").await.status);
    }
    assert_eq!(statuses, [[401; 9].as_slice(), &[429]].concat(), "ten of one user");
    let refused = house.try_log_in(&mut Browser::default(), "ann", PASSWORD).await;
    assert_eq!(refused.status, 429, "the right one comes too late as well");
    let seconds: u32 = refused.header("retry-after").expect("when").parse().expect("seconds");
    assert!((1..=30).contains(&seconds), "{seconds}");
    // The address has had 13 by now; each is one of its 20.
    let mut statuses = Vec::new();
    for at in 0..8 {
        statuses.push(guess(&format!("nobody{at}")).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 401, 429]);
    let refused = house.try_log_in(&mut Browser::default(), "bob", PASSWORD).await;
    assert_eq!(refused.status, 429, "the address has no more");
    // What a client says of its address is not believed.
    let request = house.request(Method::POST, "/login").header("x-forwarded-for", "203.0.113.9");
    let request = request.header("sec-fetch-site", "same-origin");
    let answer = send(request.form(&[("name", "bob"), ("password", PASSWORD)])).await;
    assert_eq!(answer.status, 429);
}

#[tokio::test]
async fn a_proxy_that_the_settings_name_is_believed_for_the_last_step() {
    let house = House::with("proxies: [127.0.0.0/8, 10.0.0.0/8]\n");
    house.user("ann", "viewer");
    let request = house.request(Method::POST, "/login").header("sec-fetch-site", "same-origin");
    // The client made up the first one; our two proxies added the others.
    let request = request.header("x-forwarded-for", "198.51.100.1, 203.0.113.9, 10.0.0.7");
    let answer = send(request.form(&[("name", "ann"), ("password", PASSWORD)])).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(house.audit()[0]["from"], "203.0.113.9");
}

#[tokio::test]
async fn a_login_leads_back_to_the_page_and_nowhere_else() {
    let house = House::new();
    house.user("ann", "viewer");
    let answer = house.visit(&mut Browser::default(), "/customers?id=x").await;
    assert_eq!((answer.status, answer.location()), (303, "/login?next=%2Fcustomers%3Fid%3Dx"));
    let login = async |next: &str| {
        let fields = [("name", "ann"), ("password", PASSWORD), ("next", next)];
        house.submit(&mut Browser::default(), "/login", &fields).await.location().to_owned()
    };
    assert_eq!(login("/customers?id=x").await, "/customers?id=x");
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "evil"] {
        assert_eq!(login(next).await, "/", "{next}");
    }
}
