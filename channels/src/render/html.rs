//! Where in an HTML or JSON document an output stands: a small state machine over the literal text.
//!
//! It errs on the safe side: a place that cannot be escaped well is a problem at publication.

use std::mem;

/// Attributes that hold an address.
const ADDRESS_ATTRIBUTES: [&str; 10] = [
    "href",
    "src",
    "action",
    "formaction",
    "background",
    "poster",
    "cite",
    "longdesc",
    "srcset",
    "xlink:href",
];

/// Elements whose content is not markup.
const RAW_TEXT_ELEMENTS: [&str; 4] = ["script", "style", "title", "textarea"];

/// Where the text read so far ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Where {
    /// Between tags.
    #[default]
    Text,
    /// In a comment; what was read of its end (`-->`).
    Comment(String),
    /// In the name of a tag; the name so far.
    TagName(String),
    /// Within a tag, outside values. Holds the element and the attribute name so far.
    Tag { element: String, attribute: String },
    /// Behind the `=` of an attribute, before its value.
    BeforeValue { element: String, attribute: String },
    /// In the value of an attribute.
    Value { element: String, attribute: String, quote: Option<char>, address: Address },
    /// In the content of an element that holds no markup; what was read of a possible end tag.
    RawText { element: String, tail: String },
    /// In JSON, outside its texts.
    Json,
    /// In a text of JSON; whether the last character was a `\\` that is not escaped itself.
    JsonText { escape: bool },
}

/// How far an address has come. Ordered: the earlier, the more an output must be mistrusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Address {
    /// Nothing of it yet: an output decides the scheme.
    Start,
    /// Something without a delimiter: an output could still complete a scheme.
    Word,
    /// Behind the scheme or the first slash.
    Path,
    /// In the query or the fragment.
    Query,
}

/// The escaping filter for an output at a place; `Err` says why there can be none.
pub(super) fn filter_at(place: &Where) -> Result<&'static str, String> {
    match place {
        Where::Json => Ok("_json"),
        Where::JsonText { .. } => Ok("_json_text"),
        Where::Text | Where::Comment(_) => Ok("_html"),
        Where::RawText { element, .. } => match element.as_str() {
            "script" => Err("a value cannot be put into a script".to_owned()),
            "style" => Ok("_css"),
            _ => Ok("_html"),
        },
        Where::TagName(_) | Where::Tag { .. } => Err(
            "a value cannot be part of a tag itself; put it into a quoted attribute or between tags"
                .to_owned(),
        ),
        Where::BeforeValue { attribute, .. } | Where::Value { attribute, quote: None, .. } => {
            Err(format!("put the value of `{attribute}` in quotes"))
        }
        Where::Value { attribute, address, .. } => attribute_filter(attribute, *address),
    }
}

fn attribute_filter(attribute: &str, address: Address) -> Result<&'static str, String> {
    if attribute.starts_with("on") {
        return Err(format!("a value cannot be put into the script of `{attribute}`"));
    }
    if attribute == "style" {
        return Ok("_css");
    }
    if !ADDRESS_ATTRIBUTES.contains(&attribute) {
        return Ok("_html");
    }
    Ok(match address {
        Address::Start => "_url",
        Address::Path => "_url_path",
        Address::Word | Address::Query => "_url_component",
    })
}

impl Where {
    /// Reads literal text.
    pub(super) fn read(&mut self, text: &str) {
        for character in text.chars() {
            *self = mem::take(self).step(character);
        }
    }

    /// Steps over an output: an address has begun, and may be anywhere before its query.
    pub(super) fn pass_output(&mut self) {
        if let Self::Value { address, .. } = self
            && *address < Address::Path
        {
            *address = Address::Path;
        }
    }

    /// The place where branches that end at `self` and `other` meet again; `None` if there is no
    /// common one.
    pub(super) fn join(self, other: Self) -> Option<Self> {
        match (self, other) {
            (
                Self::Value { element, attribute, quote, address },
                Self::Value {
                    element: other_element,
                    attribute: other_attribute,
                    quote: other_quote,
                    address: other_address,
                },
            ) if (&element, &attribute, quote)
                == (&other_element, &other_attribute, other_quote) =>
            {
                Some(Self::Value { element, attribute, quote, address: address.min(other_address) })
            }
            // What was read of an attribute's name does not matter once a blank follows, and two
            // branches with an attribute each end in different names.
            (Self::Tag { element, .. }, Self::Tag { element: other, .. }) if element == other => {
                Some(Self::Tag { element, attribute: String::new() })
            }
            (Self::RawText { element, .. }, Self::RawText { element: other, .. })
                if element == other =>
            {
                Some(Self::RawText { element, tail: String::new() })
            }
            (one, other) => (one == other).then_some(one),
        }
    }

    fn step(self, c: char) -> Self {
        match self {
            Self::Text if c == '<' => Self::TagName(String::new()),
            Self::Text => Self::Text,
            Self::Comment(end) => step_comment(end, c),
            Self::TagName(name) => step_name(name, c),
            Self::Tag { element, attribute } => step_tag(element, attribute, c),
            Self::BeforeValue { element, attribute } => match c {
                '"' | '\'' => {
                    Self::Value { element, attribute, quote: Some(c), address: Address::Start }
                }
                '>' => close_tag(element),
                c if c.is_whitespace() => Self::BeforeValue { element, attribute },
                _ => Self::Value { element, attribute, quote: None, address: Address::Word },
            },
            Self::Value { element, attribute, quote, address } => match (quote, c) {
                (Some(quote), c) if c == quote => Self::Tag { element, attribute: String::new() },
                (None, '>') => close_tag(element),
                (None, c) if c.is_whitespace() => Self::Tag { element, attribute: String::new() },
                (quote, c) => {
                    Self::Value { element, attribute, quote, address: step_address(address, c) }
                }
            },
            Self::RawText { element, tail } => step_raw_text(element, tail, c),
            Self::Json if c == '"' => Self::JsonText { escape: false },
            Self::Json => Self::Json,
            Self::JsonText { escape: false } if c == '"' => Self::Json,
            Self::JsonText { escape } => Self::JsonText { escape: !escape && c == '\\' },
        }
    }
}

fn step_comment(mut end: String, c: char) -> Where {
    match c {
        '>' if end == "--" => Where::Text,
        '-' => {
            if end.len() < 2 {
                end.push('-');
            }
            Where::Comment(end)
        }
        _ => Where::Comment(String::new()),
    }
}

fn step_name(mut name: String, c: char) -> Where {
    match c {
        '>' => close_tag(name),
        c if c.is_whitespace() || (c == '/' && !name.is_empty()) => {
            if name.is_empty() {
                // `a < b`: no tag at all.
                Where::Text
            } else {
                Where::Tag { element: name, attribute: String::new() }
            }
        }
        c => {
            name.extend(c.to_lowercase());
            if name == "!--" { Where::Comment(String::new()) } else { Where::TagName(name) }
        }
    }
}

fn step_tag(element: String, mut attribute: String, c: char) -> Where {
    match c {
        '>' => close_tag(element),
        '=' => Where::BeforeValue { element, attribute },
        '/' => Where::Tag { element, attribute: String::new() },
        // A blank may stand between the name and its `=`: the name is dropped by the next one.
        c if c.is_whitespace() => {
            if !attribute.is_empty() && !attribute.ends_with(' ') {
                attribute.push(' ');
            }
            Where::Tag { element, attribute }
        }
        c => {
            if attribute.ends_with(' ') {
                attribute.clear();
            }
            attribute.extend(c.to_lowercase());
            Where::Tag { element, attribute }
        }
    }
    .trim_attribute()
}

impl Where {
    fn trim_attribute(self) -> Self {
        match self {
            Self::BeforeValue { element, attribute } => {
                Self::BeforeValue { element, attribute: attribute.trim_end().to_owned() }
            }
            other => other,
        }
    }
}

fn close_tag(element: String) -> Where {
    if RAW_TEXT_ELEMENTS.contains(&element.as_str()) {
        Where::RawText { element, tail: String::new() }
    } else {
        Where::Text
    }
}

fn step_address(address: Address, c: char) -> Address {
    match c {
        '?' | '#' => Address::Query,
        ':' | '/' => address.max(Address::Path),
        c if c.is_whitespace() && address == Address::Start => Address::Start,
        _ => address.max(Address::Word),
    }
}

/// The content ends at `</element`; only the last few characters matter.
fn step_raw_text(element: String, mut tail: String, c: char) -> Where {
    if c == '<' {
        tail.clear();
    }
    if c == '<' || !tail.is_empty() {
        tail.extend(c.to_lowercase());
    }
    match tail.strip_prefix("</") {
        Some(name) if name == element => {
            Where::Tag { element: format!("/{element}"), attribute: String::new() }
        }
        Some(name) if !element.starts_with(name) => Where::RawText { element, tail: String::new() },
        None if !"</".starts_with(&tail) => Where::RawText { element, tail: String::new() },
        _ => Where::RawText { element, tail },
    }
}
