//! Whatever a file holds: no panic, every line accounted for, the same result each time.

use cadencia::import::{Input, Item, Mapping, Options, Reader, to_segment_json};
use proptest::prelude::*;

use super::{SHOP, now, read};

/// Fields that are nearly right, and bytes that are not.
fn field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[0-9]{1,3}(\\.[0-9]{1,3})?".prop_map(String::into_bytes),
        2 => Just(b"2020-01-01T00:00:00Z".to_vec()),
        1 => Just(b"Europe/Madrid".to_vec()),
        1 => "[\"a,\n\r ]{0,6}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ]
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let line = proptest::collection::vec(field(), 5..9).prop_map(|fields| fields.join(&b','));
    let lines = proptest::collection::vec(line, 0..30).prop_map(|lines| lines.join(&b'\n'));
    lines.prop_map(|lines| [b"U,T,K,G,A,B,Z\n".to_vec(), lines].concat())
}

proptest! {
    #[test]
    fn any_csv_is_read_without_panic(file in file()) {
        let first = read(&SHOP, &file);
        prop_assert_eq!(first, read(&SHOP, &file));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&SHOP, &bytes);
        read(&Mapping::segment("shop"), &bytes);
    }

    #[test]
    fn any_json_line_is_an_event_or_a_reject(
        kind in "track|identify|page|screen|group",
        user in "\"7\"|7|null|\\[\\]|\"\"",
        rest in "\\{\\}|1|null|\\[1,\\{\\}\\]|\\{\"timezone\":\"Asia/Tokyo\"\\}",
    ) {
        let start = format!(r#"{{"type":"{kind}","userId":{user},"event":"E","#);
        let line = format!(r#"{start}"properties":{rest},"traits":{rest},"consent":{rest}}}"#);
        let got = read(&Mapping::segment("shop"), line.as_bytes());
        prop_assert!(got.len() <= 2);
    }

    #[test]
    fn mappings_are_parsed_without_panic(text in "[a-z{}:\\[\\]\\-\n \"&*%]{0,200}") {
        let _ = Mapping::parse(&text, std::path::Path::new("."));
    }

    #[test]
    fn what_is_written_is_read_back(
        user in "[a-z0-9]{1,8}",
        name in "[A-Z][a-z ]{0,10}",
        n in any::<i64>(),
    ) {
        let line = serde_json::json!({
            "type": "track", "userId": user, "event": name, "properties": {"n": n},
            "timestamp": "2020-01-01T00:00:00.123Z", "messageId": "m",
        });
        let segment = Mapping::segment("shop");
        let events = |text: String| {
            let input = Input::stream(std::io::Cursor::new(text)).expect("memory is readable");
            let reader = Reader::new(&segment, input, Options::at(now())).expect("no header");
            reader.map(|item| item.expect("readable")).collect::<Vec<_>>()
        };
        let first = events(line.to_string());
        let Item::Event(event) = &first[0] else { panic!("{first:?}") };
        prop_assert_eq!(&events(to_segment_json(event).to_string()), &first);
    }
}
