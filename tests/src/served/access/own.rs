//! What a user changes of herself, and how she is forgotten.

use super::login::csrf_of;
use super::{Browser, House, PASSWORD};

const NEW: &str = "a horse of her own";

/// A change of her password by the page of her account.
async fn change(house: &House, browser: &mut Browser, old: &str, new: &str) -> (u16, String) {
    let page = house.visit(browser, "/account").await;
    assert_eq!(page.status, 200, "{page:?}");
    let csrf = csrf_of(&page.body);
    let fields = [("csrf", csrf.as_str()), ("old", old), ("new", new), ("again", new)];
    let answer = house.submit(browser, "/account/password", &fields).await;
    (answer.status, answer.location().to_owned())
}

#[tokio::test]
async fn a_password_is_changed_by_the_old_one_and_other_sessions_end() {
    let mut house = House::new();
    house.user("ann", "viewer");
    house.user("bob", "viewer");
    let (mut here, elsewhere) = (house.log_in("ann").await, house.log_in("ann").await);
    let bob = house.log_in("bob").await;
    let before = here.clone();
    let done = (303, "/account?changed=yes".to_owned());
    assert_eq!(change(&house, &mut here, "wrong password", NEW).await.0, 401);
    assert_eq!(change(&house, &mut here, PASSWORD, "too short").await.0, 400);
    assert!(house.is_in(&elsewhere).await, "nothing has changed");
    assert_eq!(change(&house, &mut here, PASSWORD, NEW).await, done);
    assert!(house.is_in(&here).await, "she stays in");
    assert!(!house.is_in(&elsewhere).await, "her other session has ended");
    assert!(!house.is_in(&before).await, "the cookie is another one");
    assert!(house.is_in(&bob).await, "others stay in");
    house.crash();
    assert!(house.is_in(&here).await && !house.is_in(&elsewhere).await);
    for (password, status) in [(PASSWORD, 401), (NEW, 303)] {
        let answer = house.try_log_in(&mut Browser::default(), "ann", password).await;
        assert_eq!(answer.status, status, "{password}");
    }
    let rows = house.audit();
    let rows: Vec<_> = rows.iter().filter(|row| row["what"] == "user.own_password").collect();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(
        (&*rows[0]["who"].to_string(), &*rows[0]["target"].to_string()),
        ("\"user ann\"", "\"ann\"")
    );
    assert!(!rows[0].to_string().contains("argon2"), "{rows:#?}");
}

#[tokio::test]
async fn guesses_of_the_old_password_are_limited_as_logins_are() {
    let house = House::new();
    house.user("ann", "viewer");
    let mut browser = house.log_in("ann").await;
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(change(&house, &mut browser, "wrong password", NEW).await.0);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429]].concat());
    assert_eq!(change(&house, &mut browser, PASSWORD, NEW).await.0, 429, "it comes too late");
    assert!(house.is_in(&browser).await, "who is in stays in");
    let answer = house.try_log_in(&mut Browser::default(), "ann", PASSWORD).await;
    assert_eq!(answer.status, 429, "they are the same tries");
}

#[tokio::test]
async fn who_has_no_password_here_has_none_to_change() {
    let house = House::new();
    let link = house.server().link.clone().expect("nobody can log in yet");
    let mut browser = Browser::default();
    house.visit(&mut browser, &link[link.find("/login").expect("a path")..]).await;
    let page = house.visit(&mut browser, "/account").await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("action=\"/account/password\""), "{}", page.body);
    let csrf = csrf_of(&page.body);
    let fields = [("csrf", csrf.as_str()), ("old", "x"), ("new", NEW), ("again", NEW)];
    assert_eq!(house.submit(&mut browser, "/account/password", &fields).await.status, 409);
    let forged = [("csrf", "guess"), ("old", "x"), ("new", NEW), ("again", NEW)];
    assert_eq!(house.submit(&mut browser, "/account/password", &forged).await.status, 403);
}

#[tokio::test]
async fn a_user_who_is_deleted_is_out_and_her_name_is_free() {
    let mut house = House::new();
    house.user("ann", "viewer");
    let ann = house.log_in("ann").await;
    house.server().json(&["users", "delete", "ann"]);
    assert!(!house.is_in(&ann).await);
    let answer = house.try_log_in(&mut Browser::default(), "ann", PASSWORD).await;
    assert_eq!(answer.status, 401);
    let again = house.server().command(&["users", "delete", "ann"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("CAD-4016"), "{again:?}");
    house.crash();
    assert_eq!(house.server().json(&["users", "list"]), serde_json::json!([]));
    house.user("ann", "viewer");
    assert!(!house.is_in(&ann).await, "the old session is not hers");
    house.log_in("ann").await;
    let rows = house.audit();
    let deleted = rows.iter().find(|row| row["what"] == "user.delete").expect("a row");
    assert_eq!(deleted["target"], "ann");
    assert!(deleted["before"].as_str().is_some_and(|text| text.contains("viewer")), "{deleted}");
}
