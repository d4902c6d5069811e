//! What a sender over HTTP hears of a full queue, and of a record that cannot be read.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web::Data;
use cadencia::access::mask::Mask;
use cadencia::admin::Admin;
use cadencia::app::DRAIN_LIMIT_MS;
use cadencia::rows::Rows;
use cadencia::web::server::{Server, Site};
use channels::unsubscribe::Claim;
use domain::ids::{CustomerId, SendId};
use domain::time::Instant;
use runtime::SimulatedClock;
use serde_json::json;

use super::process::{Process, admin, living_in, partition, stops_lost, take_all};
use crate::engine::given::Given;
use crate::served::process::eventually;

#[test]
fn a_batch_that_finds_one_partition_full_is_answered_with_429_as_a_whole() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let admin = Arc::new(admin(&folder, None));
        let site = Data::new(Site::new(&admin));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(site, address, 1).expect("it listens");
        let url = format!("http://{}/v1/batch", server.address);
        let ids = [0, 1].map(|partition| living_in(partition, "ana"));
        let calls = ids
            .each_ref()
            .map(|id| json!({"type": "track", "userId": id, "event": "Seen", "messageId": "m"}));
        let post = || reqwest::Client::new().post(&url).json(&json!({"batch": calls})).send();
        let known = || {
            let key = CustomerId::from(&*ids[0]).key();
            let found = Rows(&admin.app.store).customers(partition(&ids[0]), &[key]);
            found.expect("reads")[0].is_some()
        };

        let taken = take_all(admin.app.directory.all()[1].work.credits()).await;
        let answer = post().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 429);
        let later = answer.headers().get("retry-after").expect("when to come again");
        let seconds = later.to_str().expect("text").parse::<u32>().expect("seconds");
        assert!((1..=5).contains(&seconds), "{seconds} s");
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "CAD-2013");
        assert!(!known(), "a part of it was taken in");

        drop(taken);
        assert_eq!(post().await.expect("an answer").status().as_u16(), 200);
        assert!(known());
        server.stop().await;
        admin.app.stop(DRAIN_LIMIT_MS).await;
    });
}

/// A site over a store in which the record of `damaged` cannot be read.
async fn over_damage() -> (tempfile::TempDir, Arc<Admin>, Server) {
    let process = Process::start(Given::new().catalog());
    for id in ["sound", "damaged"] {
        process.known(id).await;
    }
    process.damage("damaged").await;
    let folder = process.stop().await;
    let admin = Arc::new(admin(&folder, None));
    let site = Data::new(Site::new(&admin));
    let server = Server::start(site, SocketAddr::from(([127, 0, 0, 1], 0)), 1);
    (folder, admin, server.expect("it listens"))
}

#[test]
fn who_sends_for_a_damaged_record_hears_whose_it_is_and_the_others_are_taken_in() {
    actix_rt::System::new().block_on(async {
        let (_folder, admin, server) = over_damage().await;
        let url = format!("http://{}/v1/batch", server.address);
        let seen =
            |id: &str| json!({"type": "track", "userId": id, "event": "Seen", "messageId": "m"});
        let no = json!({"type": "identify", "userId": "damaged", "messageId": "no",
            "consent": [{"channel": "email", "permission": "denied"}]});
        let batch = json!({"batch": [seen("sound"), no]});
        let answer = reqwest::Client::new().post(&url).json(&batch).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status().as_u16(), 500);
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "CAD-3005");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.starts_with("customer damaged: "), "{detail}");
        eventually("it is counted", async || stops_lost(&admin.app) == [0, 1]).await;
        let sound = admin.timeline(&"sound".into(), 10, Mask::nothing()).await;
        let sound = sound.expect("a timeline");
        assert!(sound.entries.iter().any(|entry| entry.text.starts_with("Seen")), "{sound:#?}");
        server.stop().await;
        admin.app.stop(DRAIN_LIMIT_MS).await;
    });
}

#[test]
fn a_pressed_link_that_cannot_be_recorded_says_so() {
    actix_rt::System::new().block_on(async {
        let (_folder, admin, server) = over_damage().await;
        let post = async |customer: &str| {
            let claim = Claim {
                customer: customer.into(),
                send: SendId(1),
                channel: "email".into(),
                topic: None,
                class: "marketing".into(),
            };
            let token = admin.keys().issue(&claim).expect("a token");
            let url = format!("http://{}/u/{token}", server.address);
            let answer = reqwest::Client::new().post(url).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("text"))
        };
        let (status, text) = post("sound").await;
        assert_eq!(status, 200, "{text}");
        let (status, text) = post("damaged").await;
        assert_eq!(status, 500, "{text}");
        assert!(text.contains("CAD-3005"), "{text}");
        eventually("it is counted", async || stops_lost(&admin.app) == [0, 1]).await;
        server.stop().await;
        admin.app.stop(DRAIN_LIMIT_MS).await;
    });
}

#[test]
fn who_gives_consent_again_may_withdraw_it_by_the_same_link() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let time = SimulatedClock::new(Instant::parse("2026-03-02T09:00:00Z").expect("it").0);
        let admin = Arc::new(admin(&folder, Some(time.clone())));
        let site = Data::new(Site::new(&admin));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(site, address, 1).expect("it listens");
        let claim = Claim {
            customer: "ann".into(),
            send: SendId(1),
            channel: "email".into(),
            topic: None,
            class: "marketing".into(),
        };
        let token = admin.keys().issue(&claim).expect("a token");
        let link = format!("http://{}/u/{token}", server.address);
        let press = || reqwest::Client::new().post(&link).send();
        assert_eq!(press().await.expect("an answer").status().as_u16(), 200);
        time.advance_to(time.clock().now_ms() + 24 * 3_600_000);
        let again = json!({"type": "identify", "userId": "ann", "messageId": "again",
            "consent": [{"channel": "email", "permission": "granted"}]});
        let url = format!("http://{}/v1/batch", server.address);
        let batch = json!({"batch": [again]});
        let given = reqwest::Client::new().post(url).json(&batch).send().await;
        assert_eq!(given.expect("an answer").status().as_u16(), 200);
        time.advance_to(time.clock().now_ms() + 24 * 3_600_000);
        assert_eq!(press().await.expect("an answer").status().as_u16(), 200);
        let timeline = admin.timeline(&"ann".into(), 10, Mask::nothing()).await;
        let timeline = timeline.expect("a timeline");
        let said: Vec<&str> = timeline
            .entries
            .iter()
            .filter_map(|entry| entry.text.strip_prefix("consent "))
            .filter_map(|text| text.split(' ').next())
            .collect();
        assert_eq!(said, ["denied", "granted", "denied"], "{timeline:#?}");
        server.stop().await;
        admin.app.stop(DRAIN_LIMIT_MS).await;
    });
}
