//! Who may do what on a real server, by the credentials that clients and browsers present.

mod audit;
mod links;
mod login;
mod masking;
mod matrix;
mod oidc;
mod own;
mod tokens;

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Method, redirect};
use serde_json::{Value, json};

use super::process::Server;

/// Where the clock of these servers begins: they go by replayed time, so that a test can let hours
/// pass.
const START: &str = "2026-03-02T06:00:00Z";
const PASSWORD: &str = "correct horse battery";

/// A server and what calls it.
struct House {
    folder: tempfile::TempDir,
    server: Option<Server>,
    http: reqwest::Client,
}

/// What a server said.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn location(&self) -> &str {
        self.header(LOCATION).unwrap_or_default()
    }

    /// Code of the problem, if it is one.
    fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A browser: it keeps cookies and says which page sent a request.
#[derive(Clone, Debug, Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn with(name: &str, value: &str) -> Self {
        Self { cookies: [(name.to_owned(), value.to_owned())].into() }
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().expect("a cookie");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("name and value");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn header(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn session(&self) -> String {
        self.cookies.get("cadencia_session").cloned().unwrap_or_default()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client")
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: answer.text().await.expect("text") }
}

impl House {
    fn new() -> Self {
        Self::with("")
    }

    /// With settings.
    fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("settings.yaml"), settings).expect("a file");
        let mut house = Self { folder, server: None, http: client() };
        house.start();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self) {
        let settings = self.path("settings.yaml");
        let settings = settings.to_str().expect("a plain path");
        let arguments = ["--replay", START, "--log", "error", "--config", settings];
        self.server = Some(Server::start(&self.path("data"), &arguments));
    }

    fn restart(&mut self) {
        self.server.take().expect("it runs").stop();
        self.start();
    }

    /// Ends it as a power cut would, and starts it again.
    fn crash(&mut self) {
        self.server.take().expect("it runs").kill();
        self.start();
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server().url)
    }

    /// Lets time pass until an instant.
    fn pass(&self, until: &str) {
        let file = self.path("nothing.ndjson");
        std::fs::write(&file, "").expect("a file");
        let file = file.to_str().expect("a plain path");
        self.server().json(&["import", file, "--trigger", "replay", "--until", until]);
    }

    /// Makes a token and gives back its id and what is presented.
    fn token(&self, arguments: &[&str]) -> (String, String) {
        let mut all = vec!["tokens", "create"];
        all.extend(arguments);
        shown(&self.server().json(&all))
    }

    /// An API token with these scopes.
    fn scoped(&self, scopes: &[&str]) -> String {
        let mut all = vec!["test"];
        all.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        self.token(&all).1
    }

    fn user(&self, name: &str, role: &str) {
        let file = self.path("password");
        std::fs::write(&file, PASSWORD).expect("a file");
        let file = file.to_str().expect("a plain path");
        self.server().json(&["users", "create", name, "--role", role, "--password-file", file]);
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// A call by a program.
    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = self.request(method.clone(), path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if method == Method::POST {
            request = request.json(body);
        }
        send(request).await
    }

    /// A page that a browser asks for.
    async fn visit(&self, browser: &mut Browser, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header(COOKIE, browser.header());
        let answer = send(request.header("sec-fetch-site", "none")).await;
        browser.keep(&answer);
        answer
    }

    /// A form that a page of this server sends.
    async fn submit(&self, browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).header(COOKIE, browser.header());
        let answer = send(request.header("sec-fetch-site", "same-origin").form(fields)).await;
        browser.keep(&answer);
        answer
    }

    async fn log_in(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = self.try_log_in(&mut browser, name, PASSWORD).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        browser
    }

    async fn try_log_in(&self, browser: &mut Browser, name: &str, password: &str) -> Answer {
        self.submit(browser, "/login", &[("name", name), ("password", password)]).await
    }

    /// Whether a browser is in.
    async fn is_in(&self, browser: &Browser) -> bool {
        let answer = self.visit(&mut browser.clone(), "/").await;
        assert!(answer.status == 200 || answer.location() == "/login", "{answer:?}");
        answer.status == 200
    }

    fn audit(&self) -> Vec<Value> {
        self.server().json(&["audit"]).as_array().expect("rows").clone()
    }

    async fn track(&self, body: Value) {
        let answer = self.call(Method::POST, "/v1/batch", None, &json!({"batch": body})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// Id and secret of a token that was shown.
fn shown(token: &Value) -> (String, String) {
    let text = |name: &str| token[name].as_str().expect("text").to_owned();
    (text("id"), text("secret"))
}
