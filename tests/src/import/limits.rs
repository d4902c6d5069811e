//! What happens at the named limits.

use std::io::{self, Read};

use cadencia::import::{
    Input, Item, KEY_MAX_BYTES, Mapping, Options, RECORD_MAX_BYTES, RECORD_MAX_FIELDS,
    REJECT_RAW_MAX_BYTES, ReadError, Reader, RejectsFile,
};
use domain::time::Instant;

use super::{gzip, in_replay_order, mapping, now, read};

const RECORD: &str = "
    - event:
        name: {literal: E}
        customer: {column: U}
        at: {column: T}
        row_key: [K]
";

#[test]
fn a_long_line_is_rejected_and_skipped() {
    let long = "x".repeat(RECORD_MAX_BYTES + 10);
    let good = "7,2020-01-01T00:00:00Z,k";
    let got = read(&mapping(RECORD), format!("U,T,K\n{long}\n{good}\n").as_bytes());
    assert_eq!(got.len(), 2, "{}", got.len());
    assert_eq!(got[0], format!("line 2: longer than {RECORD_MAX_BYTES} bytes"));
    assert_eq!(got[1], "7 2020-01-01T00:00:00Z E {} shop/E/k");
    let wide = ",".repeat(RECORD_MAX_FIELDS + 1);
    let got = read(&mapping(RECORD), format!("U,T,K\n{wide}\n").as_bytes());
    assert_eq!(got, [format!("line 2: more than {RECORD_MAX_FIELDS} fields")]);
    let key = "k".repeat(KEY_MAX_BYTES + 1);
    let got = read(&mapping(RECORD), format!("U,T,K\n7,2020-01-01T00:00:00Z,{key}\n").as_bytes());
    assert_eq!(got, [format!("line 2: the key is longer than {KEY_MAX_BYTES} bytes")]);
}

#[test]
fn a_quote_that_is_never_closed_costs_one_line() {
    let good: String = (0..500).map(|key| format!("7,2020-01-01T00:00:00Z,{key}\n")).collect();
    let got = read(&mapping(RECORD), format!("U,T,K\n7,\"open\n{good}").as_bytes());
    assert_eq!(got[0], "line 2: a quote is not closed within 100 lines");
    assert_eq!(got.len(), 501);
    assert!(got[500].ends_with("shop/E/499"), "{}", got[500]);
}

#[test]
fn too_many_rejects_end_the_import() {
    let file = format!("U,T,K\n{}", "bad\n".repeat(5));
    let input = Input::stream(io::Cursor::new(file)).expect("memory is readable");
    let options = Options::at(now()).rejects_max(2);
    let items: Vec<_> = Reader::new(&mapping(RECORD), input, options).expect("a header").collect();
    assert_eq!(items.len(), 3);
    assert!(matches!(items[2], Err(ReadError::TooManyRejects(2))));
}

#[test]
fn a_damaged_file_is_an_error_after_what_could_be_read() {
    let lines: String = (0..50_000).map(|key| format!("7,2020-01-01T00:00:00Z,{key}\n")).collect();
    let mut packed = gzip(format!("U,T,K\n{lines}").as_bytes());
    packed.truncate(packed.len() / 2);
    let got = read(&mapping(RECORD), &packed);
    assert!(got.len() > 100, "{}", got.len());
    assert!(got.last().expect("an item").starts_with("error: line "), "{:?}", got.last());
}

/// Fails after its bytes.
struct Breaks(io::Cursor<&'static [u8]>);

impl Read for Breaks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the cable is out")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_stream_that_breaks_is_told() {
    let file = b"U,T,K\n7,2020-01-01T00:00:00Z,a\n";
    let input = Input::stream(Breaks(io::Cursor::new(file))).expect("it starts well");
    let mut reader = Reader::new(&mapping(RECORD), input, Options::at(now())).expect("a header");
    assert!(matches!(reader.next(), Some(Ok(Item::Event(_)))));
    let error = reader.next().expect("an item").expect_err("an error").to_string();
    assert_eq!(error, "line 2: the cable is out");
    assert!(reader.next().is_none());
}

#[test]
fn progress_and_rejects_add_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.csv.gz");
    let long = "y".repeat(REJECT_RAW_MAX_BYTES * 2);
    let file = format!("U,T,K\n7,2020-01-02T00:00:00Z,a\nbad\n{long}\n7,2020-01-01T00:00:00Z,b\n");
    std::fs::write(&path, gzip(file.as_bytes())).expect("writable");
    let input = Input::open(&path).expect("readable");
    let options = Options::recorded(Instant(0));
    let mut reader = Reader::new(&mapping(RECORD), input, options).expect("a header");
    let mut rejects = RejectsFile::new(Vec::new());
    let mut events = Vec::new();
    for item in reader.by_ref() {
        match item.expect("readable") {
            Item::Event(event) => events.push(event),
            Item::Alias(alias) => panic!("nobody asked for {alias:?}"),
            Item::Reject(reject) => rejects.write(&reject).expect("memory is writable"),
        }
    }
    let progress = reader.progress();
    assert_eq!(Some(progress.bytes_read), progress.bytes_total);
    assert_eq!((progress.lines, progress.events, progress.rejects), (5, 2, 2));
    assert_eq!(rejects.count(), 2);
    let written = String::from_utf8(rejects.finish().expect("flushed")).expect("UTF-8");
    let first: serde_json::Value =
        serde_json::from_str(written.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["line"], 3);
    assert_eq!(first["raw"], "bad");
    assert!(written.len() < REJECT_RAW_MAX_BYTES + 300, "raw lines are cut");
    let ids: Vec<_> = in_replay_order(events).into_iter().map(|event| event.message_id).collect();
    assert_eq!(ids, ["shop/E/b", "shop/E/a"]);
}

#[test]
fn deep_json_is_rejected() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let line = |value: &str| {
        format!(r#"{{"type":"track","userId":"7","event":"E","properties":{{"x":{value}}}}}"#)
    };
    let segment = Mapping::segment("shop");
    let got = read(&segment, line(&deep).as_bytes());
    assert_eq!(got, ["line 1: `properties`: value is nested deeper than 16 levels"]);
    let deeper = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(read(&segment, line(&deeper).as_bytes())[0].starts_with("line 1: not JSON"));
}
