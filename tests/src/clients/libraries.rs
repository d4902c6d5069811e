//! Segment's and RudderStack's libraries, and that of CloudEvents: all that they send arrives.

use std::process::Command;

use serde_json::json;

use super::site;
use crate::environment;

/// What every library is told to send.
fn sees_all(site: &super::Site, customer: &str, revenue: &str) {
    let came_in = site.came_in(customer);
    let has = |wanted: &str| came_in.iter().any(|text| text.contains(wanted));
    for wanted in ["Order Completed", "Page Viewed", "Screen Viewed"] {
        assert!(has(wanted), "{wanted} is missing: {came_in:#?}");
    }
    let traits = site.traits(customer);
    assert_eq!(traits["email"], json!(format!("{customer}@example.com")));
    assert_eq!((&traits["group_id"], &traits["group"]["employees"]), (&json!("acme"), &json!(12)));
    let seen = site.server.command(&["events", "tail", "--once", "--rejected", "-o", "json"]);
    assert!(seen.status.success() && seen.stdout.is_empty(), "{seen:?}");
    assert!(came_in.iter().any(|text| text.contains(revenue)), "{came_in:#?}");
}

#[test]
fn segment_python() {
    let site = site("");
    site.python("segment_python.py", &[]);
    sees_all(&site, "py", "Order Completed");
    // What the device had seen is part of the customer now.
    assert!(site.came_in("py").iter().any(|text| text.contains("Product Viewed")));
    assert_eq!(site.traits("py").get("nothing"), None);
}

#[test]
fn segment_node() {
    let site = site("");
    site.node("segment_node.mjs", &[]);
    sees_all(&site, "node", "Order Completed");
}

#[test]
fn segment_in_a_browser_of_another_origin() {
    let site = site("");
    site.node("browser.mjs", &[&environment::chromium()]);
    sees_all(&site, "web", "Order Completed");
}

#[test]
fn rudderstack_python() {
    for encoding in ["gzip", "plain"] {
        let site = site("");
        site.python("rudder_python.py", &[encoding]);
        sees_all(&site, "ruddy", "Order Completed");
    }
}

#[test]
fn rudderstack_node() {
    let site = site("");
    site.node("rudder_node.mjs", &[]);
    sees_all(&site, "rudnode", "Order Completed");
}

#[test]
fn cloud_events_in_every_mode() {
    let site = site("");
    let refused = Command::new(environment::python())
        .arg(super::script("cloud_events_python.py"))
        .args([site.server.url.as_str(), "nobody"])
        .output()
        .expect("it runs");
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("401"), "{error}");
    site.python("cloud_events_python.py", &[]);
    let came_in = site.came_in("cloud");
    let orders = came_in.iter().filter(|text| text.contains("Order Completed")).count();
    assert_eq!(orders, 4, "{came_in:#?}");
    assert_eq!(site.traits("cloud")["email"], json!("cloud@example.com"));
}
