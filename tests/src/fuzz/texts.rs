//! What people write: definitions, settings, mappings, durations, patterns, expressions, templates.

use std::collections::HashMap;
use std::sync::LazyLock;

use cadencia::config::settings::{Settings, SettingsError};
use cadencia::import::Mapping;
use channels::render::{Context, OUTPUT_BYTES_MAX, Place, Template};
use domain::customer::Customer;
use domain::expression::{Expression, Vocabulary};
use domain::ids::{CustomerId, SendId};
use domain::journey::scope::{EnrollmentScope, EventView};
use domain::time::{Cron, Instant, LocalWindow, Span, TimeOfDay, Weekdays, Zone};
use domain::value::{Map, Value};

use super::corpus::{files, texts, values};
use super::driver::{Target, fuzz};

/// 2026-03-29T00:30:00Z: the night of a change of the clock in Madrid.
const NOW: Instant = Instant(1_774_744_200_000);

static MADRID: LazyLock<Zone> = LazyLock::new(|| Zone::parse("Europe/Madrid").expect("a zone"));

fn definitions(input: &[u8]) {
    crate::config::properties::check(&String::from_utf8_lossy(input));
}

fn mapping(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Err(error) = Mapping::parse(&text, std::path::Path::new("/nonexistent")) {
        assert!(!error.to_string().is_empty());
    }
}

fn settings(input: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cadencia.yaml");
    std::fs::write(&path, input).expect("the file can be written");
    if let Err(SettingsError::File(report)) = Settings::load(Some(&path), HashMap::new(), &[]) {
        let lines = input.split(|byte| *byte == b'\n').count();
        for found in report.diagnostics() {
            let position = found.position();
            assert!((1..=lines).contains(&position.line) && position.column >= 1, "{found}");
        }
        assert!(report.errors() > 0);
    }
}

fn times(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let said = |problem: domain::time::TimeProblem| assert!(!problem.to_string().is_empty());
    match Span::parse(&text) {
        Ok(span) => {
            assert!(span.after(NOW, &MADRID) >= NOW);
            assert!(span.before(NOW, &MADRID) <= NOW);
        }
        Err(problem) => said(problem),
    }
    let _ = Span::parse_signed(&text).map_err(said);
    let _ = TimeOfDay::parse(&text).map_err(said);
    let _ = TimeOfDay::parse_end(&text).map_err(said);
    let _ = Weekdays::parse(&text).map_err(said);
    let (start, end) = text.split_once(' ').unwrap_or((&text, "08:00"));
    let _ = LocalWindow::parse(Some(&text), start, end).map_err(said);
    let _ = LocalWindow::parse(None, start, end).map_err(said);
    let _ = Zone::parse(&text).map(|zone| zone.local(NOW));
    if let Some(instant) = Instant::parse(&text) {
        assert_eq!(Instant::parse(&instant.to_string()), Some(instant), "{text}");
    }
}

fn cron(input: &[u8]) {
    match Cron::parse(&String::from_utf8_lossy(input)) {
        Ok(cron) => {
            let next = cron.next_after(NOW, &MADRID);
            assert!(next.is_none_or(|next| next > NOW));
        }
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
}

fn expression(input: &[u8]) {
    let source = String::from_utf8_lossy(input);
    let vocabulary = Vocabulary::customer().with_event().with_enrollment(["a", "cart-1"]);
    match Expression::compile_condition(&source, &vocabulary) {
        Err(problem) => {
            let inside = |offset: usize| source.is_char_boundary(offset);
            assert!(problem.offset.is_none_or(inside), "{problem:?}");
            assert!(!problem.message.is_empty() && !problem.message.contains('\n'));
        }
        Ok(condition) => {
            let mut customer = Customer::new(CustomerId::from("ana"), NOW);
            customer.traits = traits();
            let properties = traits();
            let name = domain::ids::EventName::from("Bought");
            let event = EventView {
                name: Some(&name),
                properties: &properties,
                occurred_at: NOW,
                received_at: NOW,
            };
            let scope = EnrollmentScope::of_customer(&customer, Some(event), NOW);
            let _ = condition.evaluate_bool(&scope);
        }
    }
}

fn traits() -> Map {
    let list = Value::List(vec![Value::from("x"), Value::from(7), Value::Null]);
    let inner = Map::from([("city".into(), Value::from("Zürich"))]);
    Map::from([
        ("tier".into(), Value::from("gold")),
        ("score".into(), Value::from(1.5)),
        ("tags".into(), list),
        ("address".into(), Value::Map(inner)),
        ("name".into(), Value::from("Ana <b>")),
    ])
}

fn template(input: &[u8]) {
    let source = String::from_utf8_lossy(input);
    let traits = traits();
    let context = Context {
        customer: "ana",
        traits: &traits,
        event: Some(("Bought", &traits)),
        journey: "cart",
        send: SendId(7),
        unsubscribe_url: Some("https://shop.example/u/t"),
        now: NOW,
    };
    for place in [Place::Html, Place::Text, Place::Header] {
        match Template::compile(place, &source) {
            Err(problem) => {
                assert!(source.is_char_boundary(problem.offset), "{problem:?}");
                assert!(problem.line >= 1 && problem.column >= 1 && !problem.message.is_empty());
            }
            Ok(template) => {
                if let Ok(text) = template.render(&context) {
                    assert!(text.len() <= OUTPUT_BYTES_MAX);
                    assert!(place != Place::Header || !text.contains(['\r', '\n']), "{text:?}");
                }
            }
        }
    }
}

#[test]
fn definitions_in_yaml() {
    let mut corpus = files(".yaml");
    corpus.extend(crate::config::properties::stock().into_iter().map(String::into_bytes));
    fuzz(&Target { name: "definitions_in_yaml", inputs: 1_500, corpus, run: definitions });
}

#[test]
fn import_mappings() {
    let corpus = files("mapping.yaml");
    fuzz(&Target { name: "import_mappings", inputs: 1_500, corpus, run: mapping });
}

#[test]
fn settings_of_the_server() {
    let corpus = texts(&[
        "listen: 0.0.0.0:1\npartitions: 8\nlog: {format: json}\nlimits: {drain_seconds: 5}\n",
        "write_keys: [a, b]\nlog:\n  filter: debug\n",
        "",
    ]);
    fuzz(&Target { name: "settings_of_the_server", inputs: 2_000, corpus, run: settings });
}

#[test]
fn durations_times_and_zones() {
    let mut corpus = texts(&[
        "P2D",
        "PT48H",
        "P1M2DT3H",
        "-P1D",
        "PT15M",
        "P1W",
        "09:00",
        "24:00",
        "21:00 08:00",
        "mon-fri",
        "mon,wed,sat",
        "Europe/Madrid",
        "+02:00",
        "2026-03-29T02:30:00+01:00",
        "2026-03-29T02:30:00.123Z",
    ]);
    corpus.extend(values("for: "));
    let name = "durations_times_and_zones";
    fuzz(&Target { name, inputs: 6_000, corpus, run: times });
}

#[test]
fn cron_patterns() {
    let patterns =
        ["0 10 * * mon-fri", "*/5 * * * *", "30 2 29 2 *", "0 0 1,15 * *", "0 9 * * 1#2"];
    fuzz(&Target { name: "cron_patterns", inputs: 4_000, corpus: texts(&patterns), run: cron });
}

#[test]
fn conditions_in_cel() {
    let mut corpus = texts(&[
        "customer.traits.tier == \"gold\" && event.name != 'x'",
        "customer.events[\"Order Completed\"].count > 0 ? true : false",
        "customer.traits.tags.exists(t, t == \"x\") || has(customer.traits.score)",
        "customer.traits.name.matches(\"^A[a-z]+\") && now - event.occurred_at < 86400000",
        "[1, 2, 3].map(x, x * 2)[1] == 4 && {\"a\": 1}[\"a\"] == 1",
        "steps[\"cart-1\"].outcome == \"sent\" && size(customer.traits.tags) > 1",
    ]);
    corpus.extend(values("when: "));
    fuzz(&Target { name: "conditions_in_cel", inputs: 2_000, corpus, run: expression });
}

#[test]
fn templates_in_liquid() {
    let mut corpus = texts(&[
        "{{ customer.name | default: 'friend' | upcase }} {{ customer.tags | join: ', ' }}",
        "{% for t in customer.tags %}{{ forloop.index }}{{ t | append: '!' }}{% endfor %}",
        "{% if customer.tier == 'gold' %}a{% elsif x %}b{% else %}c{% endif %}",
        "{% assign k = 'city' %}{{ customer.address[k] }}{{ now | date: '%Y' }}",
        "{{ customer[missing.key] | default: 'x' }}{{ 'now' | date: '%d.%m.' }}",
        "{% capture x %}{{ customer.score | times: 2 | round }}{% endcapture %}{{ x | slice: 0 }}",
        "<a href=\"https://x.example/?q={{ customer.name }}\" style=\"color: {{ customer.tier }}\">",
    ]);
    corpus.extend(files(".html"));
    corpus.extend(files(".txt"));
    fuzz(&Target { name: "templates_in_liquid", inputs: 3_000, corpus, run: template });
}
