//! Memberships in retargeting audiences: who joins passes the gate, stays for as long as the step
//! says and she may be there, and stands in a row of the audience.

use domain::channel::audience::Identifier;
use domain::consent::ConsentChange;
use domain::event::EventBody;
use domain::membership::MEMBERSHIPS_MAX;
use domain::time::{Instant, Span, Zone};
use domain::verdict::Reason;
use policies::CountState;
use serde_json::json;

use super::customer::One;
use super::given::{Given, denied};
use super::script::{check, check_customer, run};

fn joining(step: serde_json::Value) -> Given {
    Given::new().journey(
        "j",
        json!({"enter": {"event": "Go", "reentry": "parallel"}, "steps": [{"audience": step}]}),
    )
}

fn for_two_weeks() -> Given {
    joining(json!({"join": "ads", "for": "P14D"}))
}

const JOINED: &str = "0 j enter\n0 j audience-1\n0 j audience-1 sent by ads\n0 j exit completed\n";

fn after(one: &One, span: &str) -> Instant {
    let zone = Zone::parse("Europe/Madrid").expect("a zone");
    Span::parse(span).expect("a duration").after(one.now, &zone)
}

#[test]
fn who_joins_stands_in_a_row_and_in_the_ledger() {
    let one = check(for_two_weeks(), "track Go", JOINED);
    let [member] = &one.members()[..] else { panic!("{:?}", one.members()) };
    assert_eq!((member.since, member.until), (one.now, after(&one, "P14D")));
    let known: Vec<_> = member.identifiers.iter().map(|(kind, text)| (*kind, &**text)).collect();
    assert_eq!(
        known,
        [(Identifier::Email, "ana@example.com"), (Identifier::Phone, "+34600000001")]
    );
    let [send] = &one.sends()[..] else { panic!("{:?}", one.sends()) };
    assert_eq!(send.ledger.state, CountState::Accepted);
    assert!(!send.ledger.marks.counts_toward_caps(), "the class `advertising` contacts nobody");
    assert!(one.in_flight.is_empty() && one.partition.open_sends() == 0);
}

#[test]
fn a_membership_ends_by_itself() {
    for between in ["", "passivate\n", "restart\n"] {
        let script = format!("track Go\n{between}wait P15D");
        let one = check(for_two_weeks(), &script, &format!("{JOINED}14d left ads: Expired"));
        assert_eq!(one.members(), []);
        assert_eq!(one.loaded.customer.due_at, Instant::MAX);
    }
}

#[test]
fn a_pause_of_the_journey_does_not_prolong_it() {
    let script = "track Go\npause j\nwait P15D";
    let one = check(for_two_weeks(), script, &format!("{JOINED}14d left ads: Expired"));
    assert_eq!(one.members(), []);
}

#[test]
fn joining_again_prolongs_it() {
    let script = "track Go\nwait P10D\ntrack Go\nwait P15D";
    let again = JOINED.replace("0 j", "10d j");
    let one = check(for_two_weeks(), script, &format!("{JOINED}{again}24d left ads: Expired"));
    assert_eq!(one.members(), []);
    // For good is longer than any time.
    let given = for_two_weeks().journey(
        "k",
        json!({"enter": {"event": "Stay"}, "steps": [{"audience": {"join": "ads"}}]}),
    );
    let mut one = One::new(given);
    run(&mut one, "track Stay\ntrack Go\nwait P20D");
    assert_eq!(one.members().iter().map(|member| member.until).collect::<Vec<_>>(), [Instant::MAX]);
}

/// Withdraws consent for a topic, on every channel.
fn withdraw(one: &mut One, topic: &str) {
    let said = ConsentChange { topic: Some(topic.into()), ..denied() };
    let event = one.event(EventBody::Consent(said), None, 0);
    one.turn(vec![event]);
}

#[test]
fn a_membership_lasts_no_longer_than_the_consent_that_it_was_joined_by() {
    let joins = |topic: &str, span: &str| {
        json!({"enter": {"event": topic, "reentry": "parallel"},
            "steps": [{"audience": {"join": "ads", "for": span, "topic": topic}}]})
    };
    let given =
        || Given::new().journey("y", joins("yearly", "P365D")).journey("d", joins("daily", "P1D"));
    for (first, second) in [("yearly", "daily"), ("daily", "yearly")] {
        let said = format!("track {first}\ntrack {second}");
        let mut one = One::new(given());
        run(&mut one, &said);
        let ends: Vec<Instant> = one.members().iter().map(|member| member.until).collect();
        assert_eq!(ends, [after(&one, "P365D")], "{first}");
        withdraw(&mut one, "yearly");
        assert_eq!(one.members(), [], "{first}: she said yes to a year of the other topic only");
        assert_eq!(one.lines().last().map(String::as_str), Some("0 left ads: Consent"));
        let mut one = One::new(given());
        run(&mut one, &said);
        withdraw(&mut one, "daily");
        assert_eq!(one.members().len(), 1, "{first}");
    }
}

#[test]
fn one_audience_too_many_is_refused_and_joining_again_is_not() {
    let name = |at: usize| if at == 0 { "ads".to_owned() } else { format!("more-{}", at - 1) };
    let mut given = Given::new().more_audiences(MEMBERSHIPS_MAX);
    for at in 0..=MEMBERSHIPS_MAX {
        let enter = json!({"event": format!("Go {at}"), "reentry": "parallel"});
        let step = json!({"audience": {"join": name(at)}});
        given = given.journey(&format!("j{at}"), json!({"enter": enter, "steps": [step]}));
    }
    let mut one = One::new(given);
    let all: Vec<String> = (0..=MEMBERSHIPS_MAX).map(|at| format!("track Go {at}")).collect();
    run(&mut one, &all.join("\n"));
    let last = format!("0 j{MEMBERSHIPS_MAX} audience-1 refused: reachability");
    assert!(one.lines().contains(&last), "{:?}", one.lines().last());
    assert_eq!(one.loaded.customer.memberships.len(), MEMBERSHIPS_MAX);
    let reason = one.last_refusal().expect("a refusal");
    assert_eq!(reason.reason, Reason::AudiencesFull);
    assert_eq!((reason.counted, reason.limit), (Some(100), Some(100)));
    let before = one.lines().len();
    run(&mut one, "track Go 0");
    assert!(one.lines()[before..].contains(&"0 j0 audience-1 sent by ads".to_owned()));
}

#[test]
fn a_step_ends_it() {
    let given = joining(json!({"join": "ads"})).journey(
        "k",
        json!({"enter": {"event": "Bought", "reentry": "parallel"}, "steps": [
            {"audience": {"leave": "ads"}},
            {"branch": [
                {"when": "steps['audience-1'].outcome == 'left'",
                 "steps": [{"exit": {"id": "was", "reason": "was there"}}]},
                {"else": [{"exit": {"id": "not", "reason": "was not"}}]}]}]}),
    );
    let left = "0 k enter\n0 k audience-1\n0 left ads: Step\n0 k branch-1\n0 k was\n\
                0 k exit exit_step\n";
    let not = "0 k enter\n0 k audience-1\n0 k branch-1\n0 k not\n0 k exit exit_step\n";
    let script = "track Go\ntrack Bought\ntrack Bought";
    let one = check(given, script, &format!("{JOINED}{left}{not}"));
    assert_eq!(one.members(), []);
}

#[test]
fn without_consent_nobody_joins() {
    let mut one = One::unknown(for_two_weeks());
    let identify = one.identify(&json!({"email": "ana@example.com"}));
    one.turn(vec![identify]);
    let refused = "0 j enter\n0 j audience-1\n0 j audience-1 refused: consent\n0 j exit completed";
    let one = check_customer(one, "track Go", refused);
    assert_eq!(one.members(), []);
}

#[test]
fn who_withdraws_consent_leaves_at_once() {
    let script = "track Go\nwait P1D\ndeny ads\ntrack Go";
    let refused = "1d j enter\n1d j audience-1\n1d j audience-1 refused: consent\n\
                   1d j exit completed";
    let one = check(for_two_weeks(), script, &format!("{JOINED}1d left ads: Consent\n{refused}"));
    assert_eq!(one.members(), []);
}

#[test]
fn rows_follow_the_profile() {
    let mut one = One::new(for_two_weeks());
    run(&mut one, "track Go\nidentify {\"email\": \"new@example.com\", \"phone\": \"12\"}");
    let [member] = &one.members()[..] else { panic!("{:?}", one.members()) };
    assert_eq!(member.identifiers, [(Identifier::Email, "new@example.com".into())]);
    run(&mut one, "identify {\"email\": null}");
    assert_eq!(one.members(), []);
    assert_eq!(one.lines().last().map(String::as_str), Some("0 left ads: Unreachable"));
}

#[test]
fn who_cannot_be_known_by_anything_does_not_join() {
    let mut one = One::new(for_two_weeks());
    run(&mut one, "identify {\"email\": \"nowhere\", \"phone\": null}\ntrack Go");
    assert_eq!(one.members(), []);
    let refused = "0 j audience-1 not by ads: reachability".to_owned();
    assert!(one.lines().contains(&refused), "{:?}", one.lines());
}

#[test]
fn an_audience_that_is_removed_has_no_members() {
    let mut one = One::new(for_two_weeks());
    run(&mut one, "track Go");
    one.given.remove_audience();
    run(&mut one, "publish");
    assert_eq!(one.members(), []);
    assert_eq!(one.lines().last().map(String::as_str), Some("0 left ads: Removed"));
}

#[test]
fn only_members_look_at_a_catalog_that_changes_their_audience() {
    let mut one = One::new(for_two_weeks());
    let looks = |one: &One| {
        let catalog = one.given.catalog();
        engine::walks::must_look(&one.loaded.customer, false, &catalog)
    };
    one.given.remove_audience();
    assert!(!looks(&one));
    let mut one = One::new(for_two_weeks());
    run(&mut one, "track Go");
    assert!(!looks(&one), "nothing has changed for her");
    one.given.remove_audience();
    assert!(looks(&one));
}

#[test]
fn a_class_with_rules_is_held_like_a_message() {
    let given = joining(json!({"join": "ads", "class": "marketing", "valid_for": "P2D"}))
        .rules(json!([{"name": "one", "frequency_cap": {
            "limit": 1, "window": {"rolling": "P1D"}, "on_exceeded": "hold"}}]));
    let second = "0 j enter\n0 j audience-1\n0 j audience-1 held until 1d: one\n";
    let then = "1d j audience-1 sent by ads\n1d j exit completed";
    check(given, "track Go\ntrack Go\nwait P1D", &format!("{JOINED}{second}{then}"));
}

#[test]
fn a_held_join_that_migrates_to_a_leave_is_withdrawn() {
    let step = |step: serde_json::Value| {
        let enter = json!({"event": "Go", "reentry": "parallel"});
        json!({"enter": enter, "steps": [{"audience": step}]})
    };
    let join = json!({"id": "a", "join": "ads", "class": "marketing"});
    let mut newer = step(json!({"id": "b", "leave": "ads"}));
    newer["migrate"] = json!({"a": "b"});
    let given = Given::new().journey("j", step(join)).later("j", newer).rules(json!([
        {"name": "one", "frequency_cap": {
            "limit": 1, "window": {"rolling": "P1D"}, "on_exceeded": "hold"}}]));
    let mut one = One::new(given);
    run(&mut one, "track Go\ntrack Go\npublish");
    assert_eq!(one.members(), []);
    let lines: Vec<&str> = one.lines().iter().rev().take(5).rev().map(String::as_str).collect();
    assert_eq!(
        lines,
        ["0 withdrawn", "0 j now b", "0 j b", "0 left ads: Step", "0 j exit completed"]
    );
}
