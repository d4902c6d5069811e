//! `cadencia send-test`: a message to whoever wants to see it.

use serde_json::{Value, json};

use super::process::{Server, post};
use crate::channels::peers::Independent;

fn campaign(port: u16) -> String {
    format!(
        "apiVersion: cadencia/v1
kind: ContactPolicy
metadata: {{name: open}}
spec: {{fallback_zone: UTC, rules: []}}
---
apiVersion: cadencia/v1
kind: Channel
metadata: {{name: email}}
spec:
  unsubscribe: {{base_url: 'https://shop.example'}}
  smtp: {{host: localhost, port: {port}, tls: none, from: a@example.com,
    message_id_domain: example.com}}
---
apiVersion: cadencia/v1
kind: Template
metadata: {{name: offer}}
spec:
  subject: 'For {{{{ customer.first_name | default: \"you\" }}}}'
  text: 'It costs {{{{ event.properties.price }}}} in {{{{ customer.city }}}}'
"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_shows_a_template_and_counts_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut mail = Independent::mail(&[]);
    let place = folder.path().join("campaign");
    std::fs::create_dir(&place).expect("a folder");
    std::fs::write(place.join("all.yaml"), campaign(mail.port)).expect("a file");
    let arguments = ["--campaign", place.to_str().expect("a plain path"), "--log", "error"];
    let server = Server::start(&folder.path().join("data"), &arguments);
    let ann = json!({"userId": "ann", "messageId": "1",
        "traits": {"email": "ann@example.com", "first_name": "Ann", "city": "Lima"}});
    assert_eq!(post(&server.url, "/v1/identify", &ann).await.0, 200);
    let before = server.explain("ann");
    let told = server.json(&[
        "send-test",
        "me@example.org",
        "--template",
        "offer",
        "--customer",
        "ann",
        "--traits",
        r#"{"city": "Quito"}"#,
        "--event",
        "Price Dropped",
        "--properties",
        r#"{"price": 9.5}"#,
    ]);
    assert_eq!((&told["outcome"], &told["reply"]), (&json!("accepted"), &json!("250 2.0.0 taken")));
    let message = mail.next().to_string();
    for part in ["me@example.org", "For Ann", "It costs 9.5 in Quito"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(message.contains(told["send"].as_str().expect("an id")), "{message}");
    assert_eq!(server.explain("ann"), before);

    let said = |arguments: &[&str], exit: i32| {
        let output = server.command(arguments);
        assert_eq!(output.status.code(), Some(exit), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = said(&["send-test", "me@example.org", "--template", "none"], 1);
    assert!(text.contains("there is no template `none`; there is offer"), "{text}");
    let text = said(&["send-test", "me@example.org", "--template", "offer", "--channel", "fax"], 1);
    assert!(text.contains("there is email"), "{text}");
    let text =
        said(&["send-test", "me@example.org", "--template", "offer", "--customer", "bob"], 1);
    assert!(text.contains("nobody is known as `bob`"), "{text}");
    let text = said(&["send-test", "me@example.org", "--template", "offer", "--traits", "[]"], 2);
    assert!(text.contains("--traits: not an object"), "{text}");
    let refused = ["send-test", "unknown@example.org", "--template", "offer", "-o", "json"];
    let refused = server.command(&refused);
    let told: Value = serde_json::from_slice(&refused.stdout).expect("JSON");
    assert_eq!((refused.status.code(), &told["outcome"]), (Some(1), &json!("rejected")));
    server.stop();
}
