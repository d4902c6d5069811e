//! Login by an identity provider, against a real one in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::header::COOKIE;

use super::{Answer, Browser, client, send};
use crate::environment;
use crate::served::process::Server;

/// The provider; ended when it is dropped.
struct Peer {
    child: Child,
    issuer: String,
}

impl Peer {
    fn start(redirect_uri: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/served/access/oidc_peer.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(environment::node_modules())
            .arg(redirect_uri)
            .env("NODE_ENV", "test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut issuer = String::new();
        // The provider warns of its settings first.
        while !issuer.starts_with("http://") {
            issuer.clear();
            assert_ne!(lines.read_line(&mut issuer).expect("a line"), 0, "the provider ended");
        }
        // Goes on reading, so that the provider can go on writing.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, issuer: issuer.trim().to_owned() }
    }

    async fn choose(&self, what: &str) {
        let answer = send(client().get(format!("{}/peer?{what}", self.issuer))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with a provider.
struct Pair {
    folder: tempfile::TempDir,
    address: String,
    server: Option<Server>,
    peer: Peer,
}

const ROLES: &str = "  roles: {viewer: [staff], admin: [campaign-admins]}\n";

impl Pair {
    fn start(client: &str) -> Self {
        // The provider must know where the server will be.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let peer = Peer::start(&format!("http://{address}/login/sso/callback"));
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "s+e/c:r%t\n").expect("a file");
        let secret = folder.path().join("secret").display().to_string();
        let secret = match client {
            "public" => String::new(),
            _ => format!("  client_secret_file: {secret}\n"),
        };
        let settings = format!(
            "public_url: http://{address}\noidc:\n  issuer: {}\n  client_id: {client}\n{secret}\
             {ROLES}",
            peer.issuer
        );
        std::fs::write(folder.path().join("settings.yaml"), settings).expect("a file");
        let mut pair = Self { folder, address, server: None, peer };
        pair.run();
        pair
    }

    fn run(&mut self) {
        let settings = self.folder.path().join("settings.yaml").display().to_string();
        let arguments = ["--log", "off", "--config", &settings];
        let data = self.folder.path().join("data");
        self.server = Some(Server::start_at(&data, &self.address, &arguments));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    async fn get(&self, browser: &mut Browser, url: &str) -> Answer {
        let answer = send(client().get(url).header(COOKIE, browser.header())).await;
        browser.keep(&answer);
        answer
    }

    /// Begins a login and follows the provider until it leads back; gives back that address.
    async fn to_callback(&self, browser: &mut Browser) -> String {
        let answer = self.get(browser, &format!("http://{}/login/sso", self.address)).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let mut next = answer.location().to_owned();
        for _ in 0..8 {
            if next.starts_with(&format!("http://{}/login/sso/callback", self.address)) {
                return next;
            }
            if next.starts_with('/') {
                next.insert_str(0, &self.peer.issuer);
            }
            let answer = self.get(browser, &next).await;
            assert!(matches!(answer.status, 302 | 303), "{next}: {answer:?}");
            next = answer.location().to_owned();
        }
        panic!("the provider does not lead back: {next}");
    }

    async fn log_in(&self, browser: &mut Browser) -> Answer {
        let callback = self.to_callback(browser).await;
        self.get(browser, &callback).await
    }

    async fn is_in(&self, browser: &Browser) -> bool {
        self.get(&mut browser.clone(), &format!("http://{}/", self.address)).await.status == 200
    }
}

#[tokio::test]
async fn a_provider_lets_people_in_with_the_role_that_it_gives_them() {
    let mut pair = Pair::start("cadencia");
    let mut ann = Browser::default();
    let answer = pair.log_in(&mut ann).await;
    assert_eq!((answer.status, answer.location()), (303, "/"), "{answer:?}");
    assert!(pair.is_in(&ann).await);
    assert!(!ann.cookies.contains_key("cadencia_login"), "the cookie of the login is gone");
    pair.peer.choose("user=vera").await;
    let mut vera = Browser::default();
    // A restart in the middle of a login does not matter.
    let callback = pair.to_callback(&mut vera).await;
    pair.server.take().expect("it runs").stop();
    pair.run();
    let answer = pair.get(&mut vera, &callback).await;
    assert_eq!((answer.status, answer.location()), (303, "/"), "{answer:?}");
    assert!(pair.is_in(&vera).await && pair.is_in(&ann).await);
    let users = pair.server().json(&["users", "list"]);
    let seen: Vec<_> = users
        .as_array()
        .expect("users")
        .iter()
        .map(|user| [&user["name"], &user["role"], &user["label"], &user["logs_in_by"]])
        .map(|all| all.map(|value| value.as_str().expect("text").to_owned()).join(" "))
        .collect();
    assert_eq!(
        seen,
        ["sso:ann admin ann identity_provider", "sso:vera viewer vera identity_provider"]
    );
    // Another role counts from the next login on, and ends what was begun with the old one.
    pair.peer.choose("groups=campaign-admins").await;
    let mut again = Browser::default();
    assert_eq!(pair.log_in(&mut again).await.status, 303);
    assert!(!pair.is_in(&vera).await && pair.is_in(&again).await);
    assert_eq!(pair.server().json(&["users", "list"])[1]["role"], "admin");
    let vera = again;
    // Who is disabled here does not come back by the provider.
    pair.server().json(&["users", "disable", "sso:vera"]);
    assert!(!pair.is_in(&vera).await);
    let answer = pair.log_in(&mut Browser::default()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    // Nobody gets in by a password that no one has set.
    let form = [("name", "sso:ann"), ("password", "")];
    let request = client().post(format!("http://{}/login", pair.address)).form(&form);
    assert_eq!(send(request.header("sec-fetch-site", "same-origin")).await.status, 401);
}

#[tokio::test]
async fn a_public_client_logs_in_by_pkce_alone_and_by_es256() {
    let pair = Pair::start("public");
    let mut browser = Browser::default();
    let answer = pair.log_in(&mut browser).await;
    assert_eq!((answer.status, answer.location()), (303, "/"), "{answer:?}");
    assert!(pair.is_in(&browser).await);
}

#[tokio::test]
async fn each_bad_token_is_refused() {
    let pair = Pair::start("cadencia");
    pair.peer.choose("mode=resigned").await;
    let answer = pair.log_in(&mut Browser::default()).await;
    assert_eq!(answer.status, 303, "signing again alone changes nothing: {answer:?}");
    // With the one above twenty logins: as many as an address has at once.
    let modes = [
        "issuer",
        "audience",
        "audiences",
        "party",
        "expired",
        "endless",
        "future",
        "not_yet",
        "nonce",
        "no_nonce",
        "no_subject",
        "no_groups",
        "unsigned",
        "secret",
        "algorithm",
        "stranger",
        "unknown_key",
        "spoiled",
        "garbage",
    ];
    for mode in modes {
        pair.peer.choose(&format!("mode={mode}")).await;
        let mut browser = Browser::default();
        let answer = pair.log_in(&mut browser).await;
        assert_eq!(answer.status, 403, "{mode}: {answer:?}");
        assert!(answer.body.contains("CAD-4018"), "{mode}: {}", answer.body);
        assert_eq!(browser.session(), "", "{mode}");
    }
    assert_eq!(pair.server().json(&["users", "list"]).as_array().expect("users").len(), 1);
}

#[tokio::test]
async fn a_login_belongs_to_the_browser_that_began_it_and_is_good_once() {
    let pair = Pair::start("cadencia");
    let mut ann = Browser::default();
    let callback = pair.to_callback(&mut ann).await;
    // Somebody else's browser, without and with a login of its own under way.
    let stolen = pair.get(&mut Browser::default(), &callback).await;
    assert_eq!(stolen.status, 403, "{stolen:?}");
    let mut eve = Browser::default();
    drop(pair.to_callback(&mut eve).await);
    assert_eq!(pair.get(&mut eve, &callback).await.status, 403);
    // An answer that names another issuer was meant for somebody else.
    let mixed = callback.replace("iss=http", "iss=https");
    assert_ne!(mixed, callback, "the provider says who it is");
    let mut copy = ann.clone();
    assert_eq!(pair.get(&mut copy, &mixed).await.status, 403);
    let before = ann.clone();
    assert_eq!(pair.get(&mut ann, &callback).await.status, 303);
    let again = pair.get(&mut before.clone(), &callback).await;
    assert!(matches!(again.status, 403 | 502), "a code is good once: {again:?}");
    // Who is nobody here.
    pair.peer.choose("user=eve").await;
    let answer = pair.log_in(&mut Browser::default()).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.body.contains("no role"), "{}", answer.body);
}
