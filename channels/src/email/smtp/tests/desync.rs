//! The defect that our pool exists to avoid, shown in the library's pool and absent in ours.
//!
//! A send is cancelled while the server has not yet answered the message. The library puts the
//! connection back into its pool, takes the late answer for that to its next command, and from
//! then on every reply counts for the command after it, until a message that the server refuses
//! comes back as taken: with the reply to DATA, `354`.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mime, Tokio1Executor};
use tokio::net::TcpListener;

use super::server::{Fault, Point, Server, say};
use super::{attempt, message_id, settings, smtp};
use crate::channel::{Channel, Outcome};
use crate::email::smtp::{Settings, Smtp};

/// Answers the first message late, and refuses the second.
fn late_then_refusing() -> Arc<Server> {
    let count = Mutex::new(0);
    Server::new(false, move |point| {
        let mut count = count.lock().unwrap();
        *count += usize::from(point == Point::Answer);
        match (point, *count) {
            (Point::Answer, 1) => Some(Fault::Late),
            (Point::Answer, 2) => Some(say("554 5.7.1 refused")),
            _ => None,
        }
    })
}

/// Serves over TCP: the library's pool connects by itself.
async fn listen(server: &Arc<Server>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Arc::clone(server);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&server).serve(stream));
        }
    });
    port
}

fn mime(number: u32) -> Mime {
    Mime::builder()
        .from("shop@example.com".parse().unwrap())
        .to("customer@example.org".parse().unwrap())
        .message_id(Some(format!("<{number}@example.com>")))
        .subject("Hello")
        .body("text".to_owned())
        .unwrap()
}

#[tokio::test]
async fn the_pool_of_the_library_takes_replies_for_those_to_other_commands() {
    let server = late_then_refusing();
    let port = listen(&server).await;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(port)
        .pool_config(PoolConfig::new().max_size(1))
        .build();
    tokio::select! {
        sent = transport.send(mime(1)) => panic!("answered, though the server holds it: {sent:?}"),
        () = server.end_seen.notified() => {}
    }
    // The connection comes back to the pool in a task of its own, started by the drop above.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let second = transport.send(mime(2)).await.expect("taken, it says");
    assert!(second.has_code(354), "the defect is gone from the library: {second:?}");
    server.end_seen.notified().await;
    assert_eq!(server.seen.lock().unwrap()["2@example.com"].len(), 1);
}

async fn ours_keeps_replies_apart(smtp: Smtp, server: &Arc<Server>) {
    tokio::select! {
        outcome = smtp.attempt(attempt(1, 100)) => panic!("answered: {outcome:?}"),
        () = server.end_seen.notified() => {}
    }
    let second = smtp.attempt(attempt(2, 100)).await;
    assert!(matches!(&second, Outcome::Rejected { code: Some(554), .. }), "{second:?}");
    let third = smtp.attempt(attempt(3, 100)).await;
    let Outcome::Accepted { reply, .. } = &third else { panic!("{third:?}") };
    assert!(reply.contains(&message_id(3)), "{reply}");
    assert_eq!(*server.connections.lock().unwrap(), 2);
}

#[tokio::test]
async fn our_pool_drops_a_connection_with_an_open_answer() {
    let server = late_then_refusing();
    let port = listen(&server).await;
    let settings = Settings { port, slots: 1, ..settings() };
    ours_keeps_replies_apart(Smtp::new(settings, super::identity(), None).unwrap(), &server).await;
    let server = late_then_refusing();
    ours_keeps_replies_apart(smtp(&server, super::settings()), &server).await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_dropped_at_any_step_leaves_nothing_behind() {
    for pipelining in [false, true] {
        for polls in 0..60 {
            let server = Server::new(pipelining, |_| None);
            let smtp = smtp(&server, settings());
            let mut dropped = smtp.attempt(attempt(1, 50_000));
            for _ in 0..polls {
                if (&mut dropped).now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(dropped);
            for send in 2..=4 {
                let outcome = smtp.attempt(attempt(send, 100)).await;
                let Outcome::Accepted { reply, .. } = &outcome else {
                    panic!("pipelining={pipelining} polls={polls}: {outcome:?}");
                };
                assert!(reply.contains(&message_id(send)), "polls={polls}: {reply}");
            }
        }
    }
}
