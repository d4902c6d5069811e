//! Quiet hours, send windows and holidays against what the wall shows, minute by minute.

use domain::time::{Instant, Zone};
use domain::value::{Map, Text, Value};
use domain::verdict::Decision;
use proptest::prelude::*;
use proptest::sample::select;

use crate::fixture::{World, at, set, zone};
use crate::properties::{starts, zones};

const DATES: [&str; 4] = ["2026-03-08", "10-25", "2026-09-06", "12-31"];

/// A schedule as plain data: on each weekday the minutes in which a window is open.
#[derive(Clone, Debug)]
struct Hours {
    /// Weekday from Monday, first and last minute; the last is not in it.
    windows: Vec<(usize, u32, u32)>,
    send_window: bool,
    holidays: bool,
    plausible: Vec<&'static str>,
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Hours {
    fn yaml(&self) -> String {
        let time = |minute: u32| format!("\"{:02}:{:02}\"", minute / 60, minute % 60);
        let windows: Vec<String> = self
            .windows
            .iter()
            .map(|(day, from, to)| {
                format!("{{on: {}, from: {}, to: {}}}", WEEKDAYS[*day], time(*from), time(*to))
            })
            .collect();
        let kind = if self.send_window { "send_window" } else { "quiet_hours" };
        format!(
            "holidays: {{ES: [{}]}}\nrules: [{{name: h, {kind}: {{windows: [{}], holidays: {}, \
             plausible_zones: [{}]}}}}]",
            DATES.join(", "),
            windows.join(", "),
            self.holidays,
            self.plausible.join(", ")
        )
    }

    fn quiet_in(&self, instant: Instant, zone: &Zone) -> bool {
        let local = zone.local(instant);
        let minute = local.hour() as u32 * 60 + local.minute() as u32;
        let today = local.weekday().to_monday_zero_offset() as usize;
        let yesterday = (today + 6) % 7;
        let covered = self.windows.iter().any(|&(day, from, to)| {
            if from < to {
                day == today && (from..to).contains(&minute)
            } else {
                (day == today && minute >= from) || (day == yesterday && minute < to)
            }
        });
        let date = local.date().to_string();
        let holiday = self.holidays && DATES.iter().any(|known| date.ends_with(known));
        holiday || covered != self.send_window
    }

    fn quiet(&self, instant: Instant, known: Option<&Zone>) -> bool {
        match known {
            Some(zone) => self.quiet_in(instant, zone),
            None => self.plausible.iter().any(|name| self.quiet_in(instant, &zone(name))),
        }
    }
}

fn hours() -> impl Strategy<Value = Hours> {
    let window = (0_usize..7, 0_u32..96, 0_u32..96)
        .prop_filter("not empty", |(_, from, to)| from != to)
        .prop_map(|(day, from, to)| (day, from * 15, to * 15));
    let windows = prop::collection::vec(window, 1..8);
    let plausible = select(vec![
        vec!["Europe/Madrid"],
        vec!["Europe/Madrid", "Atlantic/Canary"],
        vec!["America/New_York", "America/Los_Angeles", "Pacific/Honolulu"],
    ]);
    (windows, any::<bool>(), any::<bool>(), plausible).prop_map(
        |(windows, send_window, holidays, plausible)| Hours {
            windows,
            send_window,
            holidays,
            plausible,
        },
    )
}

fn spain() -> Map {
    [(Text::from("country"), Value::from("es"))].into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// It is quiet exactly when the wall of the customer's zone, or of any plausible zone, says so;
    /// a hold ends at the first quarter of an hour at which no wall does.
    #[test]
    fn hours_and_holidays_are_what_the_wall_shows(
        hours in hours(), known in prop::option::weighted(0.6, zones()), now in starts(),
    ) {
        let set = set(&hours.yaml());
        let world = World { zone: known, traits: spain(), ..World::default() };
        let quiet = |at: Instant| hours.quiet(at, world.zone.as_ref());
        match world.ask(&set, now).decision {
            Decision::Allow => prop_assert!(!quiet(now)),
            Decision::HoldUntil(until) => {
                prop_assert!(!quiet(until), "still quiet at {}", until);
                let quarter = 900_000;
                let mut early = now;
                while early < until {
                    prop_assert!(quiet(early), "not quiet at {} before {}", early, until);
                    early = Instant((early.0 / quarter + 1) * quarter);
                }
            }
            // Never, in the time that is looked at.
            _ => {
                let mut late = now;
                while late < now.plus_ms(8 * 86_400_000) {
                    prop_assert!(quiet(late), "not quiet at {}", late);
                    late = late.plus_ms(900_000);
                }
            }
        }
    }
}

#[test]
fn the_law_of_the_united_states_in_summer_and_winter() {
    let set = set("rules: [{name: us, quiet_hours: {preset: us_sms}}]");
    let table = [
        ("America/New_York", "2026-01-15T12:59:59.999Z", Some("2026-01-15T13:00:00Z")),
        ("America/New_York", "2026-01-15T13:00:00Z", None),
        ("America/New_York", "2026-07-15T12:00:00Z", None),
        ("America/Los_Angeles", "2026-07-16T03:59:59.999Z", None),
        ("America/Los_Angeles", "2026-07-16T04:00:00Z", Some("2026-07-16T15:00:00Z")),
        ("America/Phoenix", "2026-07-16T04:00:00Z", Some("2026-07-16T15:00:00Z")),
        ("Pacific/Honolulu", "2026-07-16T17:59:00Z", Some("2026-07-16T18:00:00Z")),
    ];
    for (name, now, until) in table {
        let world = World { zone: Some(zone(name)), ..World::default() };
        let expected = until.map_or(Decision::Allow, |until| Decision::HoldUntil(at(until)));
        assert_eq!(world.decision(&set, now), expected, "{name} {now}");
    }
    // Whose zone is unknown hears from us when it is between 08:00 in Honolulu and 21:00 in
    // New York, although the policy's fallback zone is another one.
    let unknown = World { zone: None, ..World::default() };
    let until = Decision::HoldUntil(at("2026-01-15T18:00:00Z"));
    assert_eq!(unknown.decision(&set, "2026-01-15T14:00:00Z"), until);
    assert_eq!(unknown.decision(&set, "2026-01-15T18:00:00Z"), Decision::Allow);
    assert_eq!(unknown.decision(&set, "2026-01-16T01:59:59.999Z"), Decision::Allow);
    let until = Decision::HoldUntil(at("2026-01-16T18:00:00Z"));
    assert_eq!(unknown.decision(&set, "2026-01-16T02:00:00Z"), until);
}

#[test]
fn holidays_are_those_of_the_customers_country() {
    let set = set(r#"
country_trait: land
fallback_country: de
holidays: {ES: [2026-12-08], de: [12-25, {name: Second day, date: 12-26}]}
rules: [{name: days, quiet_hours: {holidays: true}}]"#);
    let of = |land: Option<&str>| {
        let traits = land.map(|land| (Text::from("land"), Value::from(land)));
        World { traits: traits.into_iter().collect(), ..World::default() }
    };
    let until = |text| Decision::HoldUntil(at(text));
    let table = [
        (Some("ES"), "2026-12-08T10:00:00Z", until("2026-12-09T00:00:00Z")),
        (Some("ES"), "2027-12-08T10:00:00Z", Decision::Allow),
        (Some("es "), "2026-12-25T10:00:00Z", Decision::Allow),
        (Some("de"), "2026-12-25T10:00:00Z", until("2026-12-27T00:00:00Z")),
        (Some("FR"), "2026-12-25T10:00:00Z", Decision::Allow),
        (Some(""), "2027-12-25T10:00:00Z", until("2027-12-27T00:00:00Z")),
        (None, "2026-12-25T10:00:00Z", until("2026-12-27T00:00:00Z")),
    ];
    for (land, now, expected) in table {
        assert_eq!(of(land).decision(&set, now), expected, "{land:?} {now}");
    }
    let verdict = of(None).ask(&set, at("2026-12-25T10:00:00Z"));
    let reason = verdict.deciding().expect("a rule decided").reason.to_string();
    assert_eq!(reason, "a holiday, quiet until 2026-12-27T00:00:00Z");
}

#[test]
fn a_send_window_says_when_it_opens() {
    let set = set(r#"
holidays: {ES: [2026-06-12]}
rules:
  - name: office
    send_window: {windows: [{on: mon-fri, from: "09:00", to: "18:00"}], holidays: true}"#);
    let world = World { traits: spain(), ..World::default() };
    // 2026-06-11 is a Thursday, the holiday a Friday.
    let verdict = world.ask(&set, at("2026-06-11T18:00:00Z"));
    assert_eq!(verdict.decision, Decision::HoldUntil(at("2026-06-15T09:00:00Z")));
    let rule = verdict.deciding().expect("a rule decided");
    assert_eq!(rule.kind.as_str(), "send_window");
    assert_eq!(rule.reason.to_string(), "outside the send window until 2026-06-15T09:00:00Z");
    let verdict = world.ask(&set, at("2026-06-11T17:59:59.999Z"));
    assert_eq!(verdict.decision, Decision::Allow);
    assert_eq!(verdict.rules.last().expect("a rule").reason.to_string(), "within the send window");
}

#[test]
fn where_nothing_is_ever_open_the_answer_is_never() {
    // Open on Sundays only, and every Sunday that is looked at is a holiday.
    let mut sunday = jiff::civil::date(2026, 1, 4);
    let mut dates = Vec::new();
    while sunday < jiff::civil::date(2027, 4, 1) {
        dates.push(sunday.to_string());
        sunday = sunday.saturating_add(jiff::Span::new().days(7));
    }
    let set = set(&format!(
        "holidays: {{ES: [{}]}}\nrules: [{{name: w, send_window: {{holidays: true, windows: [{{on: \
         sun, from: \"09:00\", to: \"18:00\"}}]}}}}]",
        dates.join(", ")
    ));
    let world = World { traits: spain(), ..World::default() };
    let verdict = world.ask(&set, at("2026-01-15T10:00:00Z"));
    assert_eq!((verdict.decision, verdict.earliest), (Decision::Refuse, None));
}
