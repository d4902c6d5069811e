//! `cadencia bench`: every scenario runs and prints what its keys say. Never how fast.

use std::process::Command;

use serde_json::Value;

use crate::environment::binary;

/// Scenario, and the keys of its figures, limits and ratios.
type Keys =
    (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const SCENARIOS: [Keys; 12] = [
    (
        "ingest",
        &["events_per_s", "skewed_events_per_s", "ack_p99_ms", "bytes_written_per_event"],
        &["store_alone_per_s", "append_fsync_per_s"],
        &["events_per_store_alone", "events_per_append"],
    ),
    ("ingest-single", &["requests_per_s", "ack_p99_ms"], &[], &[]),
    (
        "ingest-telemetry",
        &["events_per_s", "cpu_us_per_event", "exported_bytes_per_event"],
        &["without_events_per_s", "without_cpu_us_per_event"],
        &["events_per_without", "cpu_per_without"],
    ),
    ("advance", &["decisions_per_s_per_core", "enrollments_per_s_per_core"], &[], &[]),
    (
        "customers",
        &["disk_bytes_per_customer", "rss_mib", "idle_cpu_percent", "restart_s"],
        &[],
        &[],
    ),
    ("active", &["bytes_per_active_customer"], &[], &[]),
    ("timers", &["lateness_p99_ms", "fires_per_s"], &[], &[]),
    ("simulate", &["events_per_s", "peak_rss_mib"], &[], &[]),
    (
        "email",
        &["mails_per_s", "ed25519_mails_per_s", "rsa2048_mails_per_s"],
        &["smtp_source_per_s"],
        &["mails_per_smtp_source"],
    ),
    ("recovery", &["ready_s", "lost_events", "unknown_sends"], &[], &[]),
    ("write-budget", &["rows_per_event", "bytes_per_event", "rows_per_send"], &[], &[]),
    ("policy", &["verdicts_per_s_per_core", "bytes_per_ledger_row"], &[], &[]),
];

/// What a scenario prints with `--size small --json`.
fn run(scenario: &str) -> Value {
    let data = tempfile::tempdir().expect("a directory");
    let output = Command::new(binary())
        .args(["bench", scenario, "--size", "small", "--json", "--data"])
        .arg(data.path())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}");
    let left = std::fs::read_dir(data.path()).expect("a directory").count();
    assert_eq!(left, 0, "{scenario} leaves something behind");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{scenario}: {error}"))
}

fn keys<'a>(report: &'a Value, part: &str) -> Vec<&'a str> {
    let object = report[part].as_object().unwrap_or_else(|| panic!("no {part} in {report}"));
    object.keys().map(String::as_str).collect()
}

#[test]
fn every_scenario_prints_its_keys() {
    for (scenario, figures, limits, ratios) in SCENARIOS {
        let report = run(scenario);
        let parts = ["scenario", "version", "machine", "settings", "figures", "limits", "ratios"];
        let found: Vec<&String> = report.as_object().expect("an object").keys().collect();
        assert_eq!(found, parts, "{scenario}");
        assert_eq!(report["scenario"], scenario);
        assert_eq!(keys(&report, "machine"), ["cores", "memory_gib"]);
        assert_eq!(keys(&report, "figures"), figures, "{scenario}");
        assert_eq!(keys(&report, "limits"), limits, "{scenario}");
        assert_eq!(keys(&report, "ratios"), ratios, "{scenario}");
        for part in ["figures", "limits", "ratios"] {
            for value in report[part].as_object().expect("an object").values() {
                let number = value.as_f64().unwrap_or(f64::NAN);
                assert!(number.is_finite() && number >= 0.0, "{scenario}: {report}");
            }
        }
        if scenario == "recovery" {
            assert_eq!(report["figures"]["lost_events"], 0.0, "{report}");
        }
    }
}

#[test]
fn without_json_a_table_is_printed() {
    let output = Command::new(binary())
        .args(["bench", "policy", "--size", "small"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("verdicts_per_s_per_core"), "{text}");
}
