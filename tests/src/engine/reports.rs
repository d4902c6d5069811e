//! Reports of providers: what they say of a message later moves its row forward, once, whatever
//! their order (semantics 32).

use engine::Input;
use policies::CountState;
use serde_json::json;

use super::outcomes::{SENT, sending, states};
use super::script::{check, run};

const DELIVERED: &str = "reported Delivered: says delivered";
const FAILED: &str = "reported Bounced: says failed";

#[test]
fn a_report_moves_the_row_on_and_says_what_was_before() {
    for (report, told, state) in
        [("delivered", DELIVERED, CountState::Delivered), ("failed", FAILED, CountState::Bounced)]
    {
        let script = format!("track Go\nwait PT1H\npassivate\nreport {report}");
        let expected = format!("{SENT}1h {told}, was Accepted at 0: 250 ok");
        let one = check(sending("marketing"), &script, &expected);
        assert_eq!(states(&one), [state]);
        let row = &one.sends()[0];
        assert_eq!(
            (row.info.settled_at, row.info.reply.as_str()),
            (one.now, &*format!("says {report}"))
        );
        assert_eq!(row.ledger.counted_at, one.now.plus_ms(-3_600_000), "it counts as it did");
    }
}

#[test]
fn repeats_and_what_is_behind_change_nothing() {
    let one = check(
        sending("marketing"),
        "track Go\nreport delivered\nreport delivered\nreport taken\npassivate\nreport taken
         report delivered",
        &format!("{SENT}0 {DELIVERED}, was Accepted at 0: 250 ok"),
    );
    assert_eq!(states(&one), [CountState::Delivered]);
    // All in one turn, in the wrong order.
    let one = check(
        sending("marketing"),
        "track Go\nreport taken & report delivered & report taken & report failed
         report delivered",
        &format!(
            "{SENT}0 {DELIVERED}, was Accepted at 0: 250 ok\n\
             0 {FAILED}, was Delivered at 0: says delivered"
        ),
    );
    assert_eq!(states(&one), [CountState::Bounced]);
}

#[test]
fn an_unknown_send_is_resolved() {
    for (report, state) in [
        ("taken", CountState::Accepted),
        ("delivered", CountState::Delivered),
        ("failed", CountState::Bounced),
    ] {
        let script = format!("by hand\ntrack Go\nunknown\nwait PT1M\nreport {report}");
        let told = format!("1m reported {state:?}: says {report}, was Unknown at 0: no answer");
        let mut one = check(sending("marketing"), &script, &format!("{SENT}{told}"));
        assert_eq!(states(&one), [state]);
        assert_eq!(one.sends()[0].info.kept, None, "nothing is left to send again");
        run(&mut one, "restart\nreport taken");
        assert_eq!(one.partition.open_sends(), 0);
    }
}

/// The answer of the first attempt got lost, the report did not: no second attempt, no double.
#[test]
fn a_report_ends_the_attempts() {
    for state in ["taken", "delivered"] {
        let one = check(
            sending("transactional"),
            &format!("by hand\ntrack Go\nunknown\nwait PT10S\nreport {state}\nwait PT1H"),
            &format!(
                "{SENT}10s reported {}: says {state}",
                if state == "taken" { "Accepted" } else { "Delivered" }
            ),
        );
        assert_eq!(one.sends()[0].info.attempts, 1);
        assert_eq!(one.partition.open_sends(), 0);
    }
}

/// Of an earlier attempt it may be: a later one may yet arrive.
#[test]
fn that_one_of_several_attempts_failed_ends_nothing() {
    let one = check(
        sending("transactional"),
        "by hand\ntrack Go\nunknown\nreport failed\nwait PT30S\nreport failed\naccepted
         report failed",
        &format!("{SENT}30s attempt 2 of send-1\n30s {FAILED}, was Accepted at 30s: 250 ok"),
    );
    assert_eq!(states(&one), [CountState::Bounced]);
}

/// The provider reports faster than its own answer is read: that finds a row that is further.
#[test]
fn a_report_may_come_before_the_answer() {
    for (report, told, state) in
        [("delivered", DELIVERED, CountState::Delivered), ("failed", FAILED, CountState::Bounced)]
    {
        let one = check(
            sending("marketing"),
            &format!("by hand\ntrack Go\nreport {report}\naccepted\npassivate\nrestart"),
            &format!("{SENT}0 {told}"),
        );
        assert_eq!(states(&one), [state]);
        assert_eq!((one.partition.open_sends(), one.partition.in_flight()), (0, 0));
    }
}

#[test]
fn a_failure_for_good_stops_the_address() {
    check(
        sending("marketing"),
        "track Go\nreport failed for good\npassivate\ntrack Go\n\
         identify {\"email\": \"new@example.com\"}\ntrack Go",
        &format!(
            "{SENT}0 reported Bounced: says failed for good, was Accepted at 0: 250 ok\n\
             0 j enter\n0 j send-1\n0 j send-1 refused: suppression\n0 j exit completed\n{SENT}"
        ),
    );
}

/// What a cap counts decides what a bounce gives back (semantics 18).
#[test]
fn a_bounce_gives_its_place_back_only_where_delivered_ones_count() {
    for (counts, second) in [("accepted", "refused: one"), ("delivered", "sent by email")] {
        let rules = json!([{"name": "one", "frequency_cap": {"limit": 1, "counts": counts,
            "window": {"rolling": "P7D"}, "on_exceeded": "refuse"}}]);
        check(
            sending("marketing").rules(rules),
            "track Go\nreport failed\ntrack Go",
            &format!(
                "{SENT}0 {FAILED}, was Accepted at 0: 250 ok\n0 j enter\n0 j send-1\n\
                 0 j send-1 {second}\n0 j exit completed"
            ),
        );
    }
}

#[test]
fn a_report_of_a_send_that_is_not_there_changes_nothing() {
    let mut one = check(sending("marketing"), "track Go", SENT);
    let report =
        engine::report::Report { said: engine::report::Said::Delivered, reason: String::new() };
    let before = one.partition.seq();
    one.turn(vec![Input::Report { send: domain::ids::SendId(7), report, ticket: None }]);
    assert_eq!(one.partition.seq(), before);
    assert_eq!(states(&one), [CountState::Accepted]);
}
