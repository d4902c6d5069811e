//! Group rows go while the process runs, once every partition has a snapshot behind them.

use cadencia::actors::PartitionMsg;
use serde_json::json;
use store::{Range, Table};

use super::process::{PARTITIONS, Process, living_in};
use crate::engine::given::Given;
use crate::served::process::eventually;

/// Group commits that have a row.
fn groups(process: &Process) -> Vec<u64> {
    let rows = process.rows(Table::GROUPS, Range::all()).into_iter();
    rows.map(|(key, _)| u64::from_be_bytes(key.try_into().expect("a commit"))).collect()
}

/// Rows go a few at a time with later commits: makes some.
async fn commits(process: &Process, id: &str, name: &str) {
    for number in 0..20 {
        assert!(process.take_in(vec![process.track(id, "Seen", &format!("{name}{number}"))]).await);
    }
}

#[tokio::test]
async fn group_rows_go_when_the_last_partition_has_its_snapshot() {
    let send = json!({"send": {"channels": [{"email": "hello"}], "class": "marketing",
        "valid_for": "P1D"}});
    let given = Given::new().journey("now", json!({"enter": {"event": "Now"}, "steps": [send]}));
    let mut process = Process::start(given.catalog());
    let ids = [0, 1].map(|partition| living_in(partition, "ana"));
    process.known(&ids[0]).await;
    assert!(process.take_in(vec![process.track(&ids[0], "Now", "m")]).await);
    let attempt = process.attempts.recv().await.expect("the message leaves");
    for id in &ids {
        commits(&process, id, "a").await;
    }
    let all = groups(&process);
    let (first, last) = (all[0], *all.last().expect("rows"));
    assert!(all.len() >= 40, "{} rows", all.len());
    // What the committer asks for, one partition after the other.
    for number in 0..PARTITIONS {
        assert_eq!(groups(&process)[0], first, "trimmed before everybody has a snapshot");
        let door = &process.app.directory.all()[usize::from(number)].control;
        door.tell(PartitionMsg::Snapshot(last), 1).expect("room");
        commits(&process, &ids[usize::from(number)], "b").await;
    }
    eventually("the rows go", async || {
        assert!(process.take_in(vec![process.track(&ids[0], "Seen", "c")]).await);
        commits(&process, &ids[1], &format!("c{}", groups(&process).len())).await;
        groups(&process)[0] >= last
    })
    .await;
    // A start finds the open send and the counts in the snapshots, not in the rows that went.
    attempt.accept();
    process.quiet().await;
    let before = counted(&process).await;
    let process = process.restart().await;
    assert_eq!(counted(&process).await, before);
    process.stop().await;
}

/// What all partitions count: enrollments, steps, messages.
async fn counted(process: &Process) -> Vec<String> {
    let mut all = Vec::new();
    for partition in process.app.directory.all() {
        let (asker, answer) = runtime::reply::reply();
        let query = move |partition: &engine::Partition| {
            let counts = partition.counters().iter();
            asker.send((
                counts.map(|one| format!("{one:?}")).collect::<Vec<_>>(),
                partition.open_sends(),
            ));
        };
        partition.control.tell(PartitionMsg::Query(Box::new(query)), 1).expect("room");
        let (mut counts, open) = answer.await.expect("an answer");
        counts.sort();
        counts.push(format!("{open} open"));
        all.extend(counts);
    }
    all
}
