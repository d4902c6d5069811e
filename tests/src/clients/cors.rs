//! Which pages may send events.

use reqwest::{Client, Method};

use super::site;

async fn preflight(url: &str, origin: &str) -> Option<String> {
    let request = Client::new().request(Method::OPTIONS, format!("{url}/v1/t"));
    let request = request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = request.send().await.expect("an answer");
    let allowed = answer.headers().get("access-control-allow-origin")?;
    Some(allowed.to_str().expect("text").to_owned())
}

/// A page may read why its events were refused.
#[tokio::test]
async fn a_refusal_says_why_to_the_page() {
    for (settings, origin, expected) in [
        ("", "https://any.example", Some("*")),
        ("cors_origins: ['https://a.example']\n", "https://a.example", Some("https://a.example")),
        ("cors_origins: ['https://a.example']\n", "https://b.example", None),
    ] {
        let site = site(settings);
        let request = Client::new().post(format!("{}/v1/t", site.server.url));
        let request = request.basic_auth("wrong", Some("")).header("origin", origin);
        let answer = request.body("{}").send().await.expect("an answer");
        assert_eq!(answer.status(), 401);
        let allowed = answer.headers().get("access-control-allow-origin");
        assert_eq!(allowed.map(|value| value.to_str().expect("text")), expected, "{settings}");
    }
}

#[tokio::test]
async fn only_pages_of_named_origins_may_send() {
    let open = site("");
    assert_eq!(preflight(&open.server.url, "https://any.example").await.as_deref(), Some("*"));
    let narrow = site("cors_origins: ['https://shop.example']\n");
    let url = &narrow.server.url;
    assert_eq!(
        preflight(url, "https://shop.example").await.as_deref(),
        Some("https://shop.example")
    );
    assert_eq!(preflight(url, "https://evil.example").await, None);
}
