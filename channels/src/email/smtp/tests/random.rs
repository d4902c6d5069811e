//! 10,000 random scripts, each from its seed: several messages over one provider, faults anywhere,
//! attempts dropped anywhere. Every outcome is held to what the server saw.

use futures_util::FutureExt;

use super::server::{Fault, Point, Server, say};
use super::{Settings, attempt_with, message_id, settings, smtp};
use crate::channel::{Channel, Outcome, Permit};

const SCRIPTS: u64 = 10_000;

/// splitmix64: small, and the same everywhere.
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

fn fault(chance: &mut Chance, point: Point) -> Option<Fault> {
    if !chance.one_in(12) {
        return None;
    }
    Some(match chance.below(14) {
        0 => Fault::Close,
        1 => Fault::Hang,
        2 => say("421 4.3.2 closing"),
        3 => Fault::SayAndClose(b"421 4.3.2 closing\r\n".to_vec()),
        4 => say("450 4.2.1 later"),
        5 => say("451-4.7.1 greylisted\r\n451 4.7.1 come back"),
        6 => say("550 5.1.1 no such user"),
        7 => say("554 5.7.1 spam"),
        8 => say("354 go"),
        9 => say("250 2.0.0 well"),
        10 => Fault::Say(b"not SMTP at all\r\n".to_vec()),
        11 => Fault::Say(vec![b'2'; 5_000]),
        12 => Fault::Say(b"250 one\r\n250 two\r\n".to_vec()),
        _ if point == Point::Answer => Fault::Late,
        _ => Fault::SayAndClose(b"2".to_vec()),
    })
}

#[derive(Debug)]
struct Decided(bool);

impl Permit for Decided {
    fn holds(&self) -> bool {
        self.0
    }
}

/// Whether an outcome fits what the server saw of a message.
fn fits(server: &Server, send: u128, outcome: &Outcome) -> Result<(), String> {
    let seen = server.seen.lock().unwrap();
    let seen = seen.get(&message_id(send)).map_or(&[][..], Vec::as_slice);
    if seen.len() > 1 {
        return Err("one attempt, but several whole messages".to_owned());
    }
    let taken = seen.iter().any(|seen| seen.code == Some(250));
    match outcome {
        Outcome::Accepted { reply, .. } if seen.is_empty() => Err(format!("never seen: {reply}")),
        // A proper reply names its message; one from the script may have stood in its place.
        Outcome::Accepted { reply, .. } if taken && !reply.contains(&message_id(send)) => {
            Err(format!("the reply to another message: {reply}"))
        }
        Outcome::Rejected { .. } | Outcome::NotSent { .. } if taken => {
            Err("the server has taken it".to_owned())
        }
        _ => Ok(()),
    }
}

async fn script(seed: u64) -> Result<[u64; 4], String> {
    let mut chance = Chance(seed);
    let mut faults = Chance(chance.next());
    let server = Server::new(chance.one_in(2), move |point| fault(&mut faults, point));
    let slots = 1 + chance.below(3) as usize;
    let per_connection = 1 + chance.below(5) as u32;
    let smtp = smtp(
        &server,
        Settings { slots, messages_per_connection_max: per_connection, ..settings() },
    );
    let mut counts = [0; 4];
    let mut send = 0;
    for _ in 0..1 + chance.below(4) {
        let together: Vec<_> = (0..1 + chance.below(3))
            .map(|_| {
                send += 1;
                // Long ones are rare: they go in two writes, and cost the time of hundreds.
                let bytes = match chance.below(40) {
                    0 => 70_000,
                    1 => 20_000,
                    2..15 => 1_000,
                    _ => 10,
                };
                let deadline = [1_000, 100_000, 10_000_000][chance.below(3) as usize];
                let permit = Box::new(Decided(!chance.one_in(20)));
                (send, smtp.attempt(attempt_with(send, bytes, deadline, permit)))
            })
            .collect();
        if chance.one_in(5) {
            drop_on_the_way(together, &mut chance).await;
            continue;
        }
        let (sends, attempts): (Vec<_>, Vec<_>) = together.into_iter().unzip();
        let outcomes = futures_util::future::join_all(attempts).await;
        for (send, outcome) in sends.into_iter().zip(&outcomes) {
            fits(&server, send, outcome).map_err(|why| format!("{send}: {outcome:?}: {why}"))?;
            counts[kind(outcome)] += 1;
        }
    }
    Ok(counts)
}

async fn drop_on_the_way<F>(together: Vec<(u128, F)>, chance: &mut Chance)
where
    F: std::future::Future<Output = Outcome> + Unpin,
{
    for (_, mut attempt) in together {
        for _ in 0..chance.below(30) {
            if (&mut attempt).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn kind(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Accepted { .. } => 0,
        Outcome::Rejected { .. } => 1,
        Outcome::NotSent { .. } => 2,
        Outcome::Unknown { .. } => 3,
    }
}

#[tokio::test(start_paused = true)]
async fn outcomes_never_contradict_the_server() {
    let mut total = [0; 4];
    for seed in 0..SCRIPTS {
        match script(seed).await {
            Ok(counts) => total.iter_mut().zip(counts).for_each(|(total, count)| *total += count),
            Err(problem) => panic!("seed {seed}: {problem}"),
        }
    }
    println!("accepted, rejected, not sent, unknown: {total:?}");
    assert!(total.iter().all(|count| *count > 500), "a kind of outcome is hardly tried: {total:?}");
}
