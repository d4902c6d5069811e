//! Connections that are reset while a change becomes durable: what is durable is seen as well.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use actix_web::web::Data;
use cadencia::access::principal::Principal;
use cadencia::access::scope::Scope;
use cadencia::access::token::Kind;
use cadencia::access::{NewToken, Shown};
use cadencia::admin::Admin;
use cadencia::app::DRAIN_LIMIT_MS;
use cadencia::web::server::{Server, Site};

use super::process::{admin, block};
use crate::served::process::eventually;

async fn token(admin: &Admin, scope: Scope) -> Shown {
    let wanted = NewToken {
        kind: Kind::Api,
        name: "test".to_owned(),
        source: None,
        scopes: Some(vec![scope]),
        expires_in_seconds: None,
    };
    admin.access.create_token(wanted, &Principal::server()).await.expect("a token")
}

/// Sends a request, and resets the connection while its change waits for the disk.
async fn ask_and_go(admin: &Admin, server: &Server, head: &str) {
    let control = &admin.app.directory.all()[0].control;
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    // An answer that nobody reads makes the end of this connection a reset.
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n").expect("it is sent");
    stream.peek(&mut [0]).expect("an answer");
    let blocked = block(&admin.app.directory.all()[0]);
    let before = control.credits().used();
    stream.write_all(head.as_bytes()).expect("it is sent");
    eventually("the change waits", async || control.credits().used() > before).await;
    drop(stream);
    // The server has one thread: with this answer it has seen the end of the other connection.
    let alive = reqwest::get(format!("http://{}/livez", server.address)).await;
    assert_eq!(alive.expect("an answer").status().as_u16(), 200);
    drop(blocked);
}

#[test]
fn a_change_whose_caller_has_gone_is_seen_when_it_is_durable() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let admin = Arc::new(admin(&folder, None));
        let site = Data::new(Site::new(&admin));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(site, address, 1).expect("it listens");
        let manager = token(&admin, Scope::Manage).await;
        for key in ["", "idempotency-key: one\r\n"] {
            let other = token(&admin, Scope::Read).await;
            let path = format!("/api/v1/tokens/{}/revoke", other.token.id);
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: here\r\n{key}\
                 authorization: Bearer {}\r\ncontent-length: 0\r\n\r\n",
                manager.secret
            );
            assert!(admin.access.by_token(&other.secret, None).is_ok());
            ask_and_go(&admin, &server, &head).await;
            eventually("it is revoked", async || {
                admin.access.by_token(&other.secret, None).is_err()
            })
            .await;
            if key.is_empty() {
                continue;
            }
            // Whoever asks again with the key hears what came of it.
            let url = format!("http://{}{path}", server.address);
            eventually("the key is done", async || {
                let again = reqwest::Client::new().post(&url).header("idempotency-key", "one");
                let again = again.bearer_auth(&manager.secret).send().await.expect("an answer");
                assert!(matches!(again.status().as_u16(), 200 | 409), "{again:?}");
                again.headers().contains_key("idempotency-replayed")
            })
            .await;
        }
        server.stop().await;
        admin.app.stop(DRAIN_LIMIT_MS).await;
    });
}
