//! Building, with a second parser as oracle.

use domain::ids::SendId;
use domain::time::Instant;
use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::{BuildError, Built, Email, Identity, build};
use crate::channel::Recipient;

const LINK: &str = "https://example.com/u/AbC-_123";

fn recipient(address: &str, name: Option<&str>) -> Recipient {
    Recipient { address: address.to_owned(), name: name.map(str::to_owned) }
}

fn identity() -> Identity {
    let from = recipient("shop@example.com", Some("Shop, \"the\" <best>"));
    let reply_to = recipient("help@example.com", None);
    Identity::new(&from, Some(&reply_to), Some("mail.example.com"), Some("X-Key")).unwrap()
}

fn email() -> Email {
    Email {
        subject: "Grüße aus Zürich".to_owned(),
        text: Some("Hello\r\n.\nworld\rend".to_owned()),
        html: Some("<p>Hällo</p>".to_owned()),
        unsubscribe: Some(LINK.to_owned()),
        ..Email::default()
    }
}

fn built(to: &Recipient, email: &Email) -> Result<Built, BuildError> {
    build(SendId(0xabc), Instant(1_700_000_000_000), to, email, &identity(), None)
}

fn header_names(bytes: &[u8]) -> Vec<String> {
    let message = MessageParser::default().parse(bytes).unwrap();
    message.headers().iter().map(|header| header.name.as_str().to_lowercase()).collect()
}

const HEADERS: [&str; 11] = [
    "date",
    "from",
    "to",
    "subject",
    "message-id",
    "reply-to",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "x-key",
    "mime-version",
    "content-type",
];

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[test]
fn a_second_parser_reads_what_was_meant() {
    let to = recipient("ada@example.org", Some("Ada Lövelace"));
    let built = built(&to, &email()).unwrap();
    let message = MessageParser::default().parse(&built.bytes).unwrap();
    assert_eq!(sorted(header_names(&built.bytes)), sorted(HEADERS.map(str::to_owned).to_vec()));
    let id = format!("{:032x}@mail.example.com", 0xabc);
    assert_eq!(message.message_id(), Some(id.as_str()));
    assert_eq!(message.subject(), Some("Grüße aus Zürich"));
    assert_eq!(message.date().unwrap().to_rfc3339(), "2023-11-14T22:13:20Z");
    let from = message.from().unwrap().first().unwrap();
    assert_eq!(
        (from.name(), from.address()),
        (Some("Shop, \"the\" <best>"), Some("shop@example.com"))
    );
    let to = message.to().unwrap().first().unwrap();
    assert_eq!((to.name(), to.address()), (Some("Ada Lövelace"), Some("ada@example.org")));
    assert_eq!(message.reply_to().unwrap().first().unwrap().address(), Some("help@example.com"));
    assert_eq!(message.body_text(0).unwrap(), "Hello\r\n.\r\nworld\r\nend");
    assert_eq!(message.body_html(0).unwrap(), "<p>Hällo</p>");
    assert_eq!(message.content_type().unwrap().subtype(), Some("alternative"));
    let text = String::from_utf8(built.bytes.clone()).unwrap();
    assert!(text.contains(&format!("List-Unsubscribe: <{LINK}>\r\n")), "{text}");
    assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{text}");
    assert!(built.bytes.is_ascii(), "any server takes it");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
}

#[test]
fn the_same_send_gives_the_same_bytes() {
    let to = recipient("ada@example.org", None);
    assert_eq!(built(&to, &email()).unwrap().bytes, built(&to, &email()).unwrap().bytes);
}

#[test]
fn overrides_replace_the_identity() {
    let email = Email {
        from: Some(recipient("other@example.net", None)),
        reply_to: Some(recipient("answers@example.net", Some("Answers"))),
        html: None,
        unsubscribe: None,
        ..email()
    };
    let built = built(&recipient("ada@example.org", None), &email).unwrap();
    let message = MessageParser::default().parse(&built.bytes).unwrap();
    assert_eq!(message.from().unwrap().first().unwrap().address(), Some("other@example.net"));
    assert_eq!(message.reply_to().unwrap().first().unwrap().name(), Some("Answers"));
    assert!(message.header("List-Unsubscribe").is_none());
    assert_eq!(built.from.to_string(), "other@example.net");
}

#[test]
fn a_link_that_mail_programs_do_not_follow_has_no_header() {
    let email = Email { unsubscribe: Some("http://localhost:8080/u/x".to_owned()), ..email() };
    let built = built(&recipient("ada@example.org", None), &email).unwrap();
    let message = MessageParser::default().parse(&built.bytes).unwrap();
    assert!(message.header("List-Unsubscribe").is_none());
    assert!(message.header("List-Unsubscribe-Post").is_none());
}

#[test]
fn what_cannot_go_into_a_mail_is_refused() {
    let to = recipient("ada@example.org", None);
    let with = |change: &dyn Fn(&mut Email)| {
        let mut email = email();
        change(&mut email);
        built(&to, &email).unwrap_err()
    };
    let control = |field| BuildError::ControlCharacter { field };
    assert_eq!(with(&|it| it.subject = "a\r\nBcc: x@y.z".to_owned()), control("subject"));
    assert_eq!(with(&|it| it.text = Some("a\0b".to_owned())), control("text"));
    assert_eq!(with(&|it| it.html = Some("a\0b".to_owned())), control("html"));
    assert_eq!(with(&|it| it.from = Some(recipient("a@b.c", Some("x\ny")))), control("from"));
    assert_eq!(with(&|it| it.reply_to = Some(recipient("a@b.c\0", None))), control("reply-to"));
    assert_eq!(with(&|it| (it.text, it.html) = (None, None)), BuildError::Empty);
    assert_eq!(
        with(&|it| it.from = Some(recipient("x", None))),
        BuildError::Address { field: "from" }
    );
    for link in ["https://x\r\ny", "https://x> , <https://y", "https://é", "mailto:a@b"] {
        assert_eq!(with(&|it| it.unsubscribe = Some(link.to_owned())), BuildError::UnsubscribeLink);
    }
    let long = with(&|it| it.subject = "x".repeat(3_000));
    assert!(matches!(long, BuildError::TooLong { field: "subject", .. }), "{long}");
    let names = [recipient("a@b.c\r\nX: y", None), recipient("a@b.c", Some("x\r\nBcc: y"))];
    assert_eq!(names.map(|to| built(&to, &email()).unwrap_err()), [control("to"), control("to")]);
}

#[test]
fn identities_are_checked() {
    let from = recipient("shop@example.com", None);
    for header in ["", "X Key", "X-Key:", "X\r\nY", "ä"] {
        assert!(Identity::new(&from, None, None, Some(header)).is_err(), "{header:?}");
    }
    for domain in ["", "a b", "x\r\ny", "ä.example", "a@b"] {
        assert!(Identity::new(&from, None, Some(domain), None).is_err(), "{domain:?}");
    }
    let identity = Identity::new(&from, None, None, None).unwrap();
    assert_eq!(identity.message_id(SendId(1)), format!("{:032x}@example.com", 1));
}

/// Text that tries to break out: line ends of all kinds, header syntax, encoded words.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\0".to_owned()),
        Just("\r\nBcc: victim@example.net".to_owned()),
        Just("\u{2028}X-A: b".to_owned()),
        Just("\u{85}".to_owned()),
        Just("=?utf-8?q?=0D=0ABcc:_x=40y.z?=".to_owned()),
        Just("<>\",;:\\()[]@".to_owned()),
        Just("\r\n.\r\nMAIL FROM:<x@y.z>".to_owned()),
        Just("--=_00000000000000000000000000000abc".to_owned()),
        "\\PC{0,20}",
        "[a-z ]{0,90}",
    ];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_value_adds_a_header(
        (subject, name, address) in (hostile(), hostile(), hostile()),
        (text, html, link) in (hostile(), hostile(), hostile()),
        plain_address: bool,
    ) {
        let local = if plain_address { "ada" } else { address.as_str() };
        let address = format!("{local}@example.org");
        let to = Recipient { address, name: Some(name.clone()) };
        let email = Email {
            subject: subject.clone(),
            text: Some(text),
            html: Some(html),
            unsubscribe: Some(format!("https://example.com/{link}")),
            ..Email::default()
        };
        match built(&to, &email) {
            Err(error) => prop_assert!(!error.to_string().contains(['\r', '\n'])),
            Ok(built) => {
                prop_assert!(!subject.contains(['\r', '\n', '\0']));
                prop_assert!(!name.trim().contains(['\r', '\n', '\0']));
                let names = header_names(&built.bytes);
                prop_assert_eq!(sorted(names), sorted(HEADERS.map(str::to_owned).to_vec()));
                let message = MessageParser::default().parse(&built.bytes).unwrap();
                prop_assert_eq!(message.parts.len(), 3, "multipart, text, html");
                prop_assert_eq!(message.to().unwrap().iter().count(), 1);
            }
        }
    }
}

/// The library moves the whole rest of a text for each CR that it has to put in: none is left to.
#[test]
fn line_ends_are_those_of_the_wire_before_the_library_sees_them() {
    for (text, expected) in [
        ("", ""),
        ("a", "a"),
        ("a\nb\n", "a\r\nb\r\n"),
        ("a\r\nb\rc\n\r\n\n", "a\r\nb\r\nc\r\n\r\n\r\n"),
        ("\r\r\n\n", "\r\n\r\n\r\n"),
    ] {
        assert_eq!(super::line_ends(text), expected, "{text:?}");
    }
}
