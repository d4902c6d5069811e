//! The one-time link: how the first person gets in.

use std::io::BufRead as _;
use std::process::Stdio;

use super::{Browser, House};
use crate::environment;
use crate::served::process::eventually;

fn path(link: &str) -> &str {
    &link[link.find("/login").expect("a path")..]
}

#[tokio::test]
async fn the_link_of_a_new_server_is_good_once() {
    let mut house = House::new();
    let link = house.server().link.clone().expect("nobody can log in yet");
    let mut browser = Browser::default();
    // A browser that looks ahead uses nothing up.
    let ahead = house.request(reqwest::Method::GET, path(&link)).header("sec-purpose", "prefetch");
    assert_eq!(super::send(ahead).await.status, 400);
    let wrong = house.visit(&mut browser, &format!("{}0", path(&link))).await;
    assert_eq!(wrong.status, 400);
    let answer = house.visit(&mut browser, path(&link)).await;
    assert_eq!((answer.status, answer.location()), (303, "/"));
    assert!(house.is_in(&browser).await);
    let mut other = Browser::default();
    assert_eq!(house.visit(&mut other, path(&link)).await.status, 400);
    assert!(other.cookies.is_empty());
    // Nobody is known yet: a restart gives a new one, and the old session goes on.
    house.restart();
    let second = house.server().link.clone().expect("nobody can log in yet");
    assert_ne!(second, link);
    assert!(house.is_in(&browser).await);
    house.user("ann", "admin");
    let late = house.visit(&mut Browser::default(), path(&second)).await;
    assert_eq!(late.status, 400, "somebody can log in by now");
    house.restart();
    assert_eq!(house.server().link, None);
}

#[tokio::test]
async fn the_link_is_good_for_minutes() {
    let house = House::new();
    let link = house.server().link.clone().expect("nobody can log in yet");
    house.pass("2026-03-02T06:15:00Z");
    assert_eq!(house.visit(&mut Browser::default(), path(&link)).await.status, 400);
}

#[tokio::test]
async fn the_demo_is_looked_at_by_its_link() {
    // It is killed: what it leaves behind goes with the test.
    let place = tempfile::tempdir().expect("a folder");
    let mut demo = environment::cadencia()
        .env("TMPDIR", place.path())
        .args(["demo", "--port", "0", "--customers", "400", "--for", "600"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut lines = std::io::BufReader::new(demo.stdout.take().expect("stdout is piped")).lines();
    let line = lines.next().expect("it says where it is").expect("a line");
    let link = line.split_whitespace().find(|word| word.starts_with("http://")).expect("a link");
    let site = &link[..link.find("/login").expect("a path")];
    let http = super::client();
    let visit = async |path: &str, browser: &Browser| {
        let cookie = browser.header();
        super::send(http.get(format!("{site}{path}")).header("cookie", cookie)).await
    };
    let mut browser = Browser::default();
    let closed = visit("/", &browser).await;
    assert_eq!((closed.status, closed.location()), (303, "/login"));
    let answer = visit(path(link), &browser).await;
    assert_eq!((answer.status, answer.location()), (303, "/"));
    browser.keep(&answer);
    for (page, word) in [("/", "Journeys"), ("/journeys", "Journeys"), ("/console.js", "live")] {
        let answer = visit(page, &browser).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.body.contains(word), "{page}: {}", answer.body);
    }
    assert_eq!(visit(path(link), &Browser::default()).await.status, 400, "it was used");
    // The event debugger shows what comes in, taken and not: on the page, and by the command line
    // on the directory that the demo names.
    let data = lines.find_map(|line| {
        let line = line.expect("a line");
        line.split_once("--data ").map(|(_, path)| path.trim().to_owned())
    });
    let data = data.expect("it names its directory");
    let tail = |more: &[&str]| {
        let arguments = [&["events", "tail", "--once", "-o", "json", "--data", &data], more];
        let output = environment::cadencia().args(arguments.concat()).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = |line| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        text.lines().map(line).collect::<Vec<_>>()
    };
    let result = |event: &serde_json::Value| event["verdict"]["result"].clone();
    eventually("accepted and rejected events are seen", async || {
        let seen = tail(&[]);
        let some = |word: &str| seen.iter().any(|event| result(event) == word);
        some("accepted") && some("rejected")
    })
    .await;
    let rejected = tail(&["--rejected"]);
    assert!(rejected.iter().all(|event| event["source"] == "old-till"), "{rejected:#?}");
    assert!(rejected.iter().all(|event| event["verdict"]["code"].is_string()), "{rejected:#?}");
    eventually("the page shows them", async || {
        let page = visit("/events", &browser).await;
        ["badge accepted", "badge rejected", "old-till"].iter().all(|it| page.body.contains(it))
    })
    .await;
    demo.kill().expect("it runs");
    demo.wait().expect("it ends");
}
