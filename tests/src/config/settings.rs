//! The settings of the server, layer by layer.

use std::collections::HashMap;
use std::fs;

use cadencia::config::settings::{LogFormat, Settings, SettingsError};

fn load(
    file: Option<&str>,
    variables: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Settings, SettingsError> {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("cadencia.yaml");
    if let Some(text) = file {
        fs::write(&path, text).expect("the file can be written");
    }
    let variables: HashMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Settings::load(file.map(|_| path.as_path()), variables, &flags)
}

#[test]
fn a_later_layer_wins() {
    assert_eq!(load(None, &[], &[]).expect("defaults are settings"), Settings::default());
    let file =
        "listen: 0.0.0.0:1\npartitions: 8\nlog: {format: json}\nlimits: {drain_seconds: 5}\n";
    let settings = load(
        Some(file),
        &[
            ("CADENCIA_LISTEN", "0.0.0.0:2"),
            ("CADENCIA_LOG__FILTER", "debug"),
            ("CADENCIA_WRITE_KEYS", "a, b"),
            ("CADENCIA_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("HOME", "/root"),
        ],
        &[("listen", "0.0.0.0:3")],
    )
    .expect("the layers are sound");
    assert_eq!(settings.listen.port(), 3);
    assert_eq!(settings.partitions, 8);
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.log.filter, "debug");
    assert_eq!(settings.limits.drain_seconds, 5);
    assert_eq!(settings.limits.body_bytes, Settings::default().limits.body_bytes);
    assert_eq!(settings.write_keys, ["a", "b"]);
}

#[test]
fn a_mistake_in_the_file_has_its_place() {
    let error = load(Some("listen: here\nlog:\n  fromat: json\npartitions: -1\n"), &[], &[])
        .expect_err("the file has mistakes");
    let SettingsError::File(report) = error else { panic!("{error}") };
    let places: Vec<_> = report
        .diagnostics()
        .iter()
        .map(|found| (found.position().line, found.position().column))
        .collect();
    assert_eq!(places, [(1, 9), (3, 3), (4, 13)], "{report}");
}

#[test]
fn unknown_keys_and_wrong_values_are_errors_in_every_layer() {
    for (variables, flags) in [
        (vec![("CADENCIA_LISTNE", "0.0.0.0:1")], vec![]),
        (vec![("CADENCIA_PARTITIONS", "many")], vec![]),
        (vec![("CADENCIA_PARTITIONS", "0")], vec![]),
        (vec![], vec![("limits.drain_seconds", "1000")]),
        (vec![], vec![("nothing", "1")]),
    ] {
        let outcome = load(None, &variables, &flags);
        assert!(outcome.is_err(), "{variables:?} {flags:?} gave {outcome:?}");
    }
}
