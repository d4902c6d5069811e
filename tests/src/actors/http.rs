//! What a sender over HTTP hears of a full queue.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::web::Data;
use cadencia::app::DRAIN_LIMIT_MS;
use cadencia::rows::Rows;
use cadencia::web::server::{Server, Site};
use domain::ids::CustomerId;
use serde_json::json;

use super::process::{admin, living_in, partition, take_all};

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
