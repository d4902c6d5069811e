//! What files become.

use cadencia::import::Options;

use super::{gzip, mapping, mapping_of, now, read, read_with};

const PLAIN: &str = "
    - event:
        name: {column: Name}
        customer: {column: User}
        at: {column: At, format: '%d/%m/%Y %H:%M', zone: Europe/London}
        row_key: [Id]
        properties:
          amount: {column: Amount, as: float, optional: true}
          count: {column: Count, as: int, optional: true}
          new: {column: New, as: bool, optional: true}
          from: {literal: csv}
";

const GROUPED: &str = "
    - event:
        name: {literal: Order}
        where: [{column: Quantity, above: '0'}]
        group: {by: [Order], within: 3}
        customer: {column: User}
        at: {column: At}
        properties:
          total: {sum: {product: [Quantity, Price], decimals: 2}}
          lines: {count: {}}
          first: {column: Item}
";

#[test]
fn a_row_becomes_an_event() {
    let file = "Id,Name,User,At,Amount,Count,New\n\
                1,Seen,7,29/03/2026 12:00,2.50,3,yes\n\
                2,\"Se\"\"en,\ntwice\",8,01/01/2020 12:00,,,\n";
    let want = [
        concat!(
            r#"7 2026-01-01T00:00:00Z Seen {"amount":2.5,"count":3,"from":"csv","new":true}"#,
            " shop/Seen/1"
        ),
        "8 2020-01-01T12:00:00Z Se\"en,\ntwice {\"from\":\"csv\"} shop/Se\"en,\ntwice/2",
    ];
    // What lies in the future is clamped to receipt; packed or not is the same.
    assert_eq!(read(&mapping(PLAIN), file.as_bytes()), want);
    assert_eq!(read(&mapping(PLAIN), &gzip(file.as_bytes())), want);
    let marked = [b"\xef\xbb\xbf", file.replace('\n', "\r\n").as_bytes()].concat();
    assert_eq!(read(&mapping(PLAIN), &marked)[0], want[0]);
}

#[test]
fn civil_times_follow_the_clock_of_their_zone() {
    // Skipped: the first instant after the gap. Twice: the first time.
    for (at, want) in [
        ("28/03/2010 01:30", "2010-03-28T01:00:00Z"),
        ("31/10/2010 01:30", "2010-10-31T00:30:00Z"),
        ("01/07/2010 12:00", "2010-07-01T11:00:00Z"),
    ] {
        let file = format!("Id,Name,User,At,Amount,Count,New\n1,S,7,{at},,,\n");
        let got = read(&mapping(PLAIN), file.as_bytes());
        assert_eq!(got, [format!("7 {want} S {{\"from\":\"csv\"}} shop/S/1")]);
    }
}

#[test]
fn bad_rows_are_told_with_their_line_and_the_rest_goes_on() {
    let file = "Id,Name,User,At,Amount,Count,New\n\
                1,S,7,yesterday,,,\n\
                \n\
                2,S,7,01/01/2020 12:00,ten,,\n\
                3,S,,01/01/2020 12:00,,,\n\
                4,S,7\n\
                5,S,7,01/01/2020 12:00,,1.5,\n\
                6,S,7,01/01/2020 12:00,NaN,,\n\
                ,S,7,01/01/2020 12:00,,,\n\
                7,S,\"7,01/01/2020 12:00,,,\n\
                8,S,7,01/01/2020 12:00,,,\n";
    assert_eq!(
        read(&mapping(PLAIN), file.as_bytes()),
        [
            "line 2: `At`: `yesterday` is not a time of the given format",
            "line 4: `Amount`: `ten` is not a number",
            "line 5: `User`: no value",
            "line 6: 3 fields instead of 7",
            "line 7: `Count`: `1.5` is not a whole number",
            "line 8: `Amount`: `NaN` is not a number",
            "line 9: `Id`: no value",
            "line 10: a quote is not closed within 100 lines",
            r#"7 2020-01-01T12:00:00Z S {"from":"csv"} shop/S/8"#,
        ]
    );
    let bytes = b"Id,Name,User,At,Amount,Count,New\n1,\xff,7,01/01/2020 12:00,,,\n";
    assert_eq!(read(&mapping(PLAIN), bytes), ["line 2: not UTF-8"]);
    assert_eq!(read(&mapping(PLAIN), b""), ["error: the file is empty, its header is missing"]);
    assert_eq!(read(&mapping(PLAIN), b"Id,name\n"), ["error: no column `Name` among `Id`, `name`"]);
}

#[test]
fn lines_of_an_order_become_one_event_in_the_order_of_their_first_lines() {
    let file = "Order,User,At,Item,Quantity,Price\n\
                A,7,2020-01-01T10:00:00Z,cup,3,0.10\n\
                B,8,2020-01-01T10:01:00Z,pen,1,0.005\n\
                A,7,2020-01-01T10:02:00Z,mug,1,2\n\
                A,7,2020-01-01T10:02:00Z,bad,-1,2\n\
                C,9,2020-01-01T10:03:00Z,bad,0,2\n";
    assert_eq!(
        read(&mapping(GROUPED), file.as_bytes()),
        [
            r#"7 2020-01-01T10:00:00Z Order {"first":"cup","lines":2,"total":2.3} shop/Order/A"#,
            r#"8 2020-01-01T10:01:00Z Order {"first":"pen","lines":1,"total":0.01} shop/Order/B"#,
        ]
    );
}

#[test]
fn a_bad_line_spoils_its_group_because_the_sum_would_be_wrong() {
    let file = "Order,User,At,Item,Quantity,Price\n\
                A,7,2020-01-01T10:00:00Z,cup,3,0.10\n\
                B,8,2020-01-01T10:00:00Z,cup,1,1\n\
                A,7,2020-01-01T10:00:00Z,cup,many,0.10\n\
                B,9,2020-01-01T10:00:00Z,cup,1,1\n";
    assert_eq!(
        read(&mapping(GROUPED), file.as_bytes()),
        [
            "line 4: `Quantity`: `many` is not a number",
            "line 5: customer `9` in a group of `8`",
            "line 2: group `A` makes no event: line 4 was rejected",
            "line 3: group `B` makes no event: line 5 was rejected",
        ]
    );
}

#[test]
fn a_group_that_comes_back_too_late_ends_the_import() {
    let line = |order: &str| format!("{order},7,2020-01-01T10:00:00Z,cup,1,1\n");
    let file = |orders: &[&str]| {
        let lines: String = orders.iter().map(|order| line(order)).collect();
        format!("Order,User,At,Item,Quantity,Price\n{lines}")
    };
    let got = read(&mapping(GROUPED), file(&["A", "B", "C", "A", "D"]).as_bytes());
    assert_eq!(got.len(), 4, "three lines later it is still open: {got:?}");
    let got = read(&mapping(GROUPED), file(&["A", "B", "C", "D", "E", "A"]).as_bytes());
    assert!(got[0].contains("shop/Order/A"), "{got:?}");
    assert!(got[1].starts_with("error: line 7: group `A` comes back"), "{got:?}");
    assert_eq!(got.len(), 2, "after an error nothing follows: {got:?}");
}

#[test]
fn a_row_becomes_a_customer() {
    let records = "
    - customer:
        distinct: [User]
        id: {column: User}
        zone: {column: Country, lookup: zones}
        traits: {email: {template: '{User}@example.com'}, age: {column: Age, as: int}}
        consent: [{channel: email, granted: {column: Mail, as: bool, optional: true}}]
";
    let file = "User,Country,Age,Mail\n7,Spain,40,yes\n7,France,1,no\n8,France,1,no\n9,Spain,1,\n";
    let got = read(&mapping(records), file.as_bytes());
    let traits = r#"{"age":40,"email":"7@example.com","timezone":"Europe/Madrid"}"#;
    assert!(got[0].starts_with(&format!("7 2026-01-01T00:00:00Z {traits} shop/customer/7/")));
    assert!(got[1].contains("permission: Granted") && got[1].ends_with("/7/email/*/true"));
    assert_eq!(got[2], "line 4: `Country`: `France` is not in the table");
    assert!(got[3].starts_with("9 ") && got.len() == 4, "{got:?}");
}

#[test]
fn ndjson_columns_are_paths() {
    let records = "
    - event:
        name: {column: what}
        customer: {column: who.id}
        at: {column: at, format: unix_ms}
        message_id: {column: id}
        properties: {tags: {column: tags}, price: {column: price, as: float}}
";
    let file = b"{\"id\":\"m1\",\"what\":\"Seen\",\"who\":{\"id\":7},\"at\":1000,\"tags\":[1],\
                 \"price\":\"2.5\"}\nnot json\n[1]\n{\"id\":\"m2\"}\n";
    let got = read(&mapping_of("ndjson: {}", records), file);
    assert_eq!(got[0], r#"7 1970-01-01T00:00:01Z Seen {"price":2.5,"tags":[1]} m1"#);
    assert!(got[1].starts_with("line 2: not JSON: "), "{got:?}");
    assert_eq!(got[2..], ["line 3: not a JSON object", "line 4: `what`: no value"]);
}

#[test]
fn calls_of_segments_api_are_read_and_written() {
    let lines = r#"{"type":"identify","userId":"7","context":{"timezone":"Mars/Olympus"}}
{"type":"delete","userId":"7"}
{"type":"track","event":"Seen"}
{"type":"track","userId":"7","event":"Seen","properties":[],"anonymousId":null}
{"type":"track","userId":"7","event":"Seen","timestamp":"soon"}
"#;
    let good = [
        r#"{"type":"track","userId":"7","event":"Seen","properties":{"a":1},"#,
        r#""timestamp":"2020-01-01T00:00:00Z","messageId":"m"}"#,
        "\n",
        r#"{"type":"identify","anonymousId":"x","traits":{"timezone":"Asia/Tokyo"},"#,
        r#""consent":[{"channel":"email","permission":"denied"}],"messageId":"n"}"#,
        "\n",
    ];
    let file = good.concat() + lines;
    let segment = cadencia::import::Mapping::segment("shop");
    let got = read(&segment, file.as_bytes());
    assert_eq!(got[0], r#"7 2020-01-01T00:00:00Z Seen {"a":1} m"#);
    assert_eq!(got[1], r#"anon:x 2026-01-01T00:00:00Z {"timezone":"Asia/Tokyo"} n"#);
    assert!(got[2].ends_with(" n/consent/0"), "{got:?}");
    assert!(got[3].starts_with("line 3: `timezone`: unknown time zone"), "{got:?}");
    assert_eq!(
        got[4..],
        [
            "line 4: `type`: `delete` is not imported",
            "line 5: neither `userId` nor `anonymousId`",
            "line 6: `properties` is not an object",
            "line 7: `timestamp`: `soon` is not an RFC 3339 time",
        ]
    );
}

/// The same as by the API.
#[test]
fn pages_screens_and_groups_are_read() {
    let all = r#"{"type":"page","userId":"7","name":"Hi","properties":{"url":"/"},"messageId":"a"}
{"type":"screen","userId":"7","category":"Shop","properties":{"category":"own"},"messageId":"b"}
{"type":"group","userId":"7","groupId":3,"traits":{"employees":12},"messageId":"c"}
{"type":"group","userId":"7","traits":{"employees":12},"messageId":"d"}
"#;
    assert_eq!(
        read(&cadencia::import::Mapping::segment("shop"), all.as_bytes()),
        [
            r#"7 2026-01-01T00:00:00Z Page Viewed {"name":"Hi","url":"/"} a"#,
            r#"7 2026-01-01T00:00:00Z Screen Viewed {"category":"own"} b"#,
            r#"7 2026-01-01T00:00:00Z {"group":{"employees":12},"group_id":"3"} c"#,
            "line 4: no `groupId`",
        ]
    );
}

#[test]
fn aliases_are_read_and_bad_ones_are_rejected_with_their_line() {
    let long = "x".repeat(2_000);
    let file = r#"{"type":"alias","previousId":"x","userId":7,"timestamp":"2020-01-01T00:00:00Z"}
{"type":"track","userId":"7","event":"Seen","messageId":"m"}
{"type":"alias","previousId":"y","userId":"7"}
{"type":"alias","userId":"7"}
{"type":"alias","previousId":"y","timestamp":"soon"}
{"type":"alias","previousId":"y","anonymousId":"z"}
{"type":"alias","previousId":["y"],"userId":"7"}
"#;
    let file = format!("{file}{{\"type\":\"alias\",\"previousId\":\"{long}\",\"userId\":\"7\"}}\n");
    let segment = cadencia::import::Mapping::segment("shop");
    let got = read_with(&segment, Options::recorded(now()), file.as_bytes());
    assert_eq!(
        got,
        [
            "x 2020-01-01T00:00:00Z is 7",
            "7 2026-01-01T00:00:00Z Seen {} m",
            "y 2026-01-01T00:00:00Z is 7",
            "line 4: no `previousId`",
            "line 5: `timestamp`: `soon` is not an RFC 3339 time",
            "line 6: no `userId`",
            "line 7: `previousId` is not text",
            "line 8: the customer id is longer than 256 bytes",
        ]
    );
}
