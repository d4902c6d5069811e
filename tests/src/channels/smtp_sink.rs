//! Against Postfix's `smtp-sink`: many connections at once, and the faults that it can inject.

use std::collections::BTreeSet;
use std::sync::Arc;

use channels::email::bench::{Load, run};
use channels::email::smtp::Settings;
use channels::{Channel, Outcome};

use super::peers::Sink;
use super::{NOW, attempt, plain, smtp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mail_arrives_once() {
    let sink = Sink::start(&[]).await;
    let channel = Arc::new(smtp(Settings { slots: 8, ..plain(sink.port) }, None));
    let load = Load { mails: 500, body_bytes: 4_096 };
    let tally = run(channel, load, NOW).await;
    assert_eq!((tally.accepted, tally.failed), (500, 0), "{:?}", tally.first_failure);
    let messages = sink.messages();
    let ids: BTreeSet<&str> = messages
        .iter()
        .flat_map(|message| message.lines())
        .filter_map(|line| line.strip_prefix("Message-ID: "))
        .collect();
    assert_eq!((messages.len(), ids.len()), (500, 500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn injected_faults_have_their_outcome() {
    for (arguments, expected) in [
        (&["-r", "rcpt"][..], "not_sent"),
        (&["-f", "rcpt"][..], "rejected"),
        (&["-r", "data"][..], "not_sent"),
        (&["-f", "mail"][..], "rejected"),
        (&["-q", "rcpt"][..], "not_sent"),
        (&["-q", "data"][..], "not_sent"),
        // `.` is the end of the message: an answer to it is final, silence is not.
        (&["-r", "."][..], "not_sent"),
        (&["-f", "."][..], "rejected"),
        (&["-q", "."][..], "unknown"),
        // No pipelining, no ESMTP extensions to speak of.
        (&["-p"][..], "accepted"),
    ] {
        let sink = Sink::start(arguments).await;
        let channel = smtp(plain(sink.port), None);
        let outcome: Outcome = channel.attempt(attempt(1, "customer@example.org")).await;
        assert_eq!(outcome.label(), expected, "{arguments:?}: {outcome:?}");
    }
}
