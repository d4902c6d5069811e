//! What is remembered of revisions.

use cadencia::access::principal::Principal;
use cadencia::admin::{Proposal, applied_rows};
use cadencia::app::DRAIN_LIMIT_MS;
use engine::catalog::Control;

use super::process::admin;
use crate::served::BASE;

const JOURNEY: &str = "apiVersion: cadencia/v1
kind: Journey
metadata: {name: gift}
spec:
  enter: {api: {}}
  steps:
    - send: {channels: [{email: hello}], class: transactional, valid_for: P3D}
";

#[tokio::test]
async fn what_was_applied_long_ago_is_forgotten_also_where_pauses_lie_between() {
    let folder = tempfile::tempdir().expect("a folder");
    let (admin, by) = (admin(&folder, None), Principal::server());
    let apply = async |journey: &str| {
        let documents = BASE.split("---\n").chain([journey]).map(str::to_owned).collect();
        let applied = admin.apply(Proposal { documents, revision: None }, &by).await;
        applied.expect("it is in force").revision
    };
    let known = || {
        let rows = applied_rows(&admin.app.store, None, 10).expect("reads");
        rows.iter().map(|row| row.revision).collect::<Vec<_>>()
    };
    assert_eq!(apply(JOURNEY).await, 1);
    // Not forgotten before its time, and not only at one revision.
    let (mut revision, mut control) = (1, Control::Running);
    for (until, kept) in [(1_000, vec![1_000, 1]), (1_002, vec![1_002, 1_000])] {
        while revision < until - 1 {
            control = if control == Control::Paused { Control::Running } else { Control::Paused };
            admin.control(&"gift".into(), control, &by).await.expect("it is in force");
            revision += 1;
        }
        let changed = JOURNEY.replace("P3D", &format!("PT{until}H"));
        revision = apply(&changed).await;
        assert_eq!((revision, known()), (until, kept));
    }
    admin.app.stop(DRAIN_LIMIT_MS).await;
}
