//! Personal data for eyes that need none: addresses, and what names or describes a person.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use domain::value::Value;
use regex::Regex;

/// What stands in the place of what is masked.
pub const MASKED: &str = "***";

/// Names of traits and properties whose values are masked whatever they are: those that Segment's
/// specification reserves and that name or describe one person. Compared without case, `_` and `-`.
const PERSONAL_NAMES: [&str; 20] = [
    "address",
    "age",
    "avatar",
    "birthday",
    "city",
    "email",
    "firstname",
    "gender",
    "ip",
    "lastname",
    "mobile",
    "msisdn",
    "name",
    "phone",
    "phonenumber",
    "postalcode",
    "street",
    "surname",
    "username",
    "zip",
];
/// Fewest digits of a telephone number that begins with `+` or `00` (E.164 has up to 15).
const DIGITS_INTERNATIONAL_MIN: usize = 7;
/// Fewest digits of one that does not. A date has eight.
const DIGITS_NATIONAL_MIN: usize = 9;

/// Something with an at sign, also as it stands in an address of a page.
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    let part = r#"[^\s<>"'(),:;=\[\]{}|\\@＠]"#;
    let pattern = format!(r#"(?i)(?:"[^"]*"|{part}+?)(?:@|＠|%40){part}+"#);
    Regex::new(&pattern).expect("the pattern is a regular expression")
});
/// Digits with few signs between them.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\+?\(?\d(?:[\s().\-/\u{2010}-\u{2015}]{0,2}\d){6,}";
    Regex::new(pattern).expect("the pattern is a regular expression")
});
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d{2}-\d{2}").expect("the pattern is a regular expression")
});

/// What is masked.
#[derive(Clone, Debug, Default)]
pub struct Mask(Option<BTreeSet<String>>);

impl Mask {
    /// Nothing.
    pub fn nothing() -> Self {
        Self(None)
    }

    /// Personal data; `addresses` are the traits that channels take addresses from.
    pub fn personal<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let known = PERSONAL_NAMES.into_iter().map(str::to_owned);
        Self(Some(known.chain(addresses.into_iter().map(plain)).collect()))
    }

    /// Whether anything is masked.
    pub fn is_masking(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the value of a trait or property of this name is masked whatever it is.
    pub fn hides(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|names| names.contains(&plain(name)))
    }

    /// A text without what looks like an address.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.is_none() {
            return Cow::Borrowed(text);
        }
        match EMAIL.replace_all(text, MASKED) {
            Cow::Borrowed(text) => without_numbers(text),
            Cow::Owned(text) => Cow::Owned(without_numbers(&text).into_owned()),
        }
    }

    /// Whether [`Self::text`] would change it.
    pub fn changes(&self, text: &str) -> bool {
        self.text(text) != text
    }

    /// A named value as text.
    pub fn property(&self, name: &str, value: &Value) -> String {
        if self.hides(name) {
            return MASKED.to_owned();
        }
        match value {
            Value::Text(text) => self.text(text).into_owned(),
            other => {
                let mut json = other.to_json();
                self.json(&mut json);
                json.to_string()
            }
        }
    }

    /// Masks within a JSON value.
    pub fn json(&self, value: &mut serde_json::Value) {
        use serde_json::Value as Json;
        if self.0.is_none() {
            return;
        }
        match value {
            Json::Null | Json::Bool(_) => {}
            Json::Number(number) => {
                let text = number.to_string();
                if self.changes(&text) {
                    *value = MASKED.into();
                }
            }
            Json::String(text) => *text = self.text(text).into_owned(),
            Json::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Json::Object(fields) => {
                for (name, item) in fields.iter_mut() {
                    match self.hides(name) {
                        true => *item = MASKED.into(),
                        false => self.json(item),
                    }
                }
                // Whoever keeps something per address has the addresses for names.
                if fields.keys().any(|name| self.changes(name)) {
                    let all = std::mem::take(fields).into_iter();
                    *fields =
                        all.map(|(name, item)| (self.text(&name).into_owned(), item)).collect();
                }
            }
        }
    }
}

/// A name without case, `_` and `-`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// A text without what looks like a telephone number.
fn without_numbers(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for found in DIGITS.find_iter(text) {
        let before = text[..found.start()].chars().next_back();
        let after = text[found.end()..].chars().next();
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if in_word(before) || in_word(after) || DATE.is_match(found.as_str()) {
            continue;
        }
        let digits = found.as_str().bytes().filter(u8::is_ascii_digit).count();
        let international = found.as_str().starts_with('+') || found.as_str().starts_with("00");
        let fewest = if international { DIGITS_INTERNATIONAL_MIN } else { DIGITS_NATIONAL_MIN };
        if digits >= fewest {
            out.push_str(&text[copied..found.start()]);
            out.push_str(MASKED);
            copied = found.end();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expected: &str) {
        assert_eq!(Mask::personal([]).text(given), expected);
        assert_eq!(Mask::nothing().text(given), given);
    }

    #[test]
    fn addresses_in_texts_are_masked() {
        check("550 <anna.berg@example.com>: user unknown", "550 <***>: user unknown");
        check("a+b@x.example, and öl@käse.example.", "***, and ***");
        check("\"anna berg\"@example.com", "***");
        check("/customers/anna%40example.com", "***");
        check("to=anna@example.com", "to=***");
        check("call +34 600 000 000 now", "call *** now");
        check("(0)30/123456-78", "***");
        check("0034600000000", "***");
        check("+1 (555) 010-9999", "***");
    }

    #[test]
    fn what_is_no_address_stays() {
        for text in [
            "held until 2026-03-05T08:00:00Z",
            "2026-03-05 to 2026-03-08",
            "250 2.0.0 Ok: queued as 4A5B6C7D8E",
            "order 12345678, price 19.90",
            "send 0f9a1b2c3d4e5f60718293a4b5c6d7e8",
            "@ home, at 5",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn personal_names_are_masked_whatever_they_hold() {
        let mask = Mask::personal(["work_mail"]);
        for name in ["email", "First_Name", "lastName", "workMail", "work-mail", "phone"] {
            assert!(mask.hides(name), "{name}");
        }
        assert!(!mask.hides("tier") && !Mask::nothing().hides("email"));
        let mut json = serde_json::json!({
            "firstName": "Anna", "tier": "gold", "count": 3, "tel": 34_600_000_000_i64,
            "list": ["x", {"address": {"street": "S 1"}, "note": "to anna@example.com"}],
            "seen": {"anna@example.com": 1, "shop": 2},
        });
        mask.json(&mut json);
        assert_eq!(
            json,
            serde_json::json!({
                "firstName": "***", "tier": "gold", "count": 3, "tel": "***",
                "list": ["x", {"address": "***", "note": "to ***"}],
                "seen": {"***": 1, "shop": 2},
            })
        );
    }
}
