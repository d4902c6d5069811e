//! Reports of a provider: signed by its official library, taken in by the real server, durable when
//! they are answered, and told in the timeline.

use serde_json::{Value, json};

use super::channels::{ACCOUNT, PUBLIC_URL, TOKEN, campaign, expect, folder, says, start, texted};
use super::process::{Server, eventually, post};
use crate::channels::peers::{Independent, ask_http_peer};

/// A report to the address that the provider was given, which a proxy passes on to the server.
fn report(server: &Server, url: &str, token: &str, parameters: &Value) -> (u64, String) {
    let path = url.strip_prefix(PUBLIC_URL).expect("an address of the server");
    let sent = format!("{}{path}", server.url);
    let answer = ask_http_peer(&["twilio-report", url, &sent, token], parameters);
    (answer["status"].as_u64().expect("a status"), answer["body"].to_string())
}

fn parameters(to: &str, status: &str) -> Value {
    json!({
        "AccountSid": ACCOUNT, "MessageSid": "SM1", "SmsSid": "SM1", "MessageStatus": status,
        "SmsStatus": status, "To": to, "From": "+34911234567", "ApiVersion": "2010-04-01",
    })
}

/// The address for reports of the next message that the provider took.
fn callback(twilio: &mut Independent) -> String {
    let seen = twilio.next();
    seen["form"]["StatusCallback"].as_str().expect("a status callback").to_owned()
}

fn send_of(url: &str) -> &str {
    url.rsplit('/').next().expect("a send")
}

fn reported(server: &Server, customer: &str) -> usize {
    let timeline = server.explain(customer);
    let entries = timeline["entries"].as_array().expect("entries");
    entries.iter().filter(|entry| entry["kind"] == "reported").count()
}

#[tokio::test]
async fn a_report_is_durable_when_it_is_answered() {
    let mut twilio = Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN]);
    let folder = folder(&campaign(twilio.port));
    let server = start(&folder);
    let number = "+34600123456";
    texted(&server, "ann", number, "Ann", 1).await;
    expect(&server, "ann", "accepted", "queued").await;
    let url = callback(&mut twilio);
    assert!(url.starts_with(&format!("{PUBLIC_URL}/hooks/twilio/sms/")), "{url}");
    // What she knows already changes nothing.
    let sent = report(&server, &url, TOKEN, &parameters(number, "sent"));
    assert_eq!(sent, (204, "\"\"".to_owned()));
    assert_eq!(reported(&server, "ann"), 0);
    let delivered = report(&server, &url, TOKEN, &parameters(number, "delivered"));
    assert_eq!(delivered.0, 204, "{}", delivered.1);
    server.kill();
    let server = start(&folder);
    let timeline = server.explain("ann");
    let words = "the provider reports delivered: SM1 delivered; accepted since ";
    assert!(says(&timeline, "reported", words), "{timeline:#}");
    assert!(says(&timeline, "delivered", "SM1 delivered"), "{timeline:#}");
    let send = server.json(&["sends", "show", send_of(&url)]);
    assert_eq!(send["state"], "delivered", "{send:#}");
    // A repeat is answered as the first one was.
    assert_eq!(report(&server, &url, TOKEN, &parameters(number, "delivered")).0, 204);
    assert_eq!(reported(&server, "ann"), 1);
    // So is one that comes after she was merged into somebody else.
    let alias = json!({"previousId": "ann", "userId": "ann@shop", "messageId": "m"});
    assert_eq!(post(&server.url, "/v1/alias", &alias).await.0, 200);
    let late = report(&server, &url, TOKEN, &parameters(number, "undelivered"));
    assert_eq!(late.0, 204, "{}", late.1);
    expect(&server, "ann@shop", "reported", "bounced: SM1 undelivered; delivered since ").await;
    let metrics = reqwest::get(format!("{}/metrics", server.url)).await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    for line in ["report=\"delivered\"} 1", "report=\"failed\"} 1"] {
        let line = format!("cadencia_reports_total{{channel=\"sms\",{line}");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    server.stop();
}

#[tokio::test]
async fn only_the_providers_word_counts() {
    let mut twilio = Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN]);
    let folder = folder(&campaign(twilio.port));
    let server = start(&folder);
    let number = "+34600123456";
    texted(&server, "ann", number, "Ann", 1).await;
    expect(&server, "ann", "accepted", "queued").await;
    let url = callback(&mut twilio);
    let delivered = parameters(number, "delivered");
    let refused = |what: &str, (status, body): (u64, String), wanted: u64, code: &str| {
        assert_eq!(status, wanted, "{what}: {body}");
        assert!(body.contains(code), "{what}: {body}");
    };
    refused("another token", report(&server, &url, "stolen", &delivered), 403, "CAD-4026");
    for (what, from, to) in [
        ("no such channel", "/sms/", "/nothing/"),
        ("a channel of another kind", "/sms/", "/email/"),
        ("another provider", "/twilio/", "/sendgrid/"),
    ] {
        let other = url.replace(from, to);
        refused(what, report(&server, &other, TOKEN, &delivered), 403, "CAD-4026");
    }
    let unsigned = post(&server.url, url.strip_prefix(PUBLIC_URL).expect("ours"), &json!({})).await;
    assert_eq!(unsigned.0, 403, "{}", unsigned.1);
    let nobody = url.replace(send_of(&url), &"7".repeat(32));
    refused("nobody's send", report(&server, &nobody, TOKEN, &delivered), 404, "CAD-4019");
    let odd = url.replace(send_of(&url), "7");
    refused("no id", report(&server, &odd, TOKEN, &delivered), 404, "CAD-4019");
    let lost = report(&server, &url, TOKEN, &parameters(number, "lost"));
    refused("no status", lost, 400, "`lost` is not a status");
    let mut elsewhere = delivered.clone();
    elsewhere["AccountSid"] = json!("AC1");
    refused("account", report(&server, &url, TOKEN, &elsewhere), 400, "another account");
    let mut long = delivered.clone();
    long["Body"] = json!("a".repeat(20_000));
    refused("length", report(&server, &url, TOKEN, &long), 413, "CAD-2003");
    assert_eq!(reported(&server, "ann"), 0);
    server.stop();
}

#[tokio::test]
async fn a_report_resolves_stops_and_spares() {
    let mut twilio = Independent::http(&["twilio", ACCOUNT, ACCOUNT, TOKEN]);
    let folder = folder(&campaign(twilio.port));
    let server = start(&folder);
    // The number is gone for good: the next message passes to the next channel.
    texted(&server, "bob", "+34600123457", "Bob", 1).await;
    expect(&server, "bob", "accepted", "queued").await;
    let url = callback(&mut twilio);
    let mut gone = parameters("+34600123457", "undelivered");
    gone["ErrorCode"] = json!("30005");
    assert_eq!(report(&server, &url, TOKEN, &gone).0, 204);
    expect(&server, "bob", "bounced", "SM1 undelivered; error 30005").await;
    texted(&server, "bob", "+34600123457", "Bob", 2).await;
    expect(&server, "bob", "refused", "the address is suppressed").await;
    // She texted STOP: that is no bounce, and an operator lifts it after her START.
    let number = "+34600123458";
    texted(&server, "dan", number, "Dan", 1).await;
    expect(&server, "dan", "accepted", "queued").await;
    let url = callback(&mut twilio);
    let mut stopped = parameters(number, "undelivered");
    stopped["ErrorCode"] = json!("21610");
    assert_eq!(report(&server, &url, TOKEN, &stopped).0, 204);
    texted(&server, "dan", number, "Dan", 2).await;
    expect(&server, "dan", "refused", "the address is suppressed: opted_out").await;
    let lift = ["customers", "unsuppress", "dan", "--channel", "sms"];
    let lifted = server.json(&lift);
    assert_eq!(lifted["suppressions"], json!([]), "{lifted:#}");
    expect(&server, "dan", "event", "lifted the stops on addresses of sms").await;
    let again = server.command(&lift);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("no address of `dan`"), "{said}");
    let audit = server.json(&["audit"]);
    let rows = audit.as_array().expect("rows");
    let row = rows.iter().find(|row| row["what"] == "customer.unsuppress").expect("a row");
    assert_eq!(row["before"], "sms: opted_out", "{row:#}");
    assert_eq!(row["after"], "sms: no stop", "{row:#}");
    texted(&server, "dan", number, "Dan", 3).await;
    twilio.next();
    // No answer came, and would be asked for again; the report says that there is no need.
    texted(&server, "cid", "+1558000", "Cid", 1).await;
    let url = callback(&mut twilio);
    expect(&server, "cid", "in_flight", "attempt 1: ").await;
    let taken = report(&server, &url, TOKEN, &parameters("+1558000", "sent"));
    assert_eq!(taken.0, 204, "{}", taken.1);
    eventually("it counts as accepted", async || {
        let send = server.json(&["sends", "show", send_of(&url)]);
        send["state"] == "accepted" && send["attempts"] == 1 && send["reply"] == "SM1 sent"
    })
    .await;
    server.stop();
}
