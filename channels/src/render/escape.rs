//! Escaping by place: the filters that the compiler puts behind each output of an HTML template.
//!
//! Their names start with `_`, so that authors cannot confuse them with their own; `raw` (also
//! `safe`) is the one that authors write, where they mean markup.

use std::borrow::Cow;
use std::fmt::Write;

use liquid_core::{
    Display_filter, Filter, FilterReflection, ParseFilter, Result, Runtime, Value, ValueView,
};

/// Schemes that a link or an image may have when its address starts with a value.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "tel", "sms"];

/// What stands in the place of an address with any other scheme: leads nowhere.
pub(super) const REFUSED_ADDRESS: &str = "#refused";

/// Text between tags, or in a quoted attribute.
pub(super) fn html(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// A whole address, or its first part.
pub(super) fn url(text: &str) -> String {
    let text = text.trim();
    if !has_safe_scheme(text) {
        return REFUSED_ADDRESS.to_owned();
    }
    url_path(text)
}

/// A later part of an address, before its query: what is special in addresses stays special.
pub(super) fn url_path(text: &str) -> String {
    html(&percent_encode(text, |byte| {
        byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
    }))
    .into_owned()
}

/// A value within an address: nothing in it is special.
pub(super) fn url_component(text: &str) -> String {
    percent_encode(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// A value in CSS: words, numbers, colours. Anything else could end the declaration.
pub(super) fn css(text: &str) -> &str {
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '#' | '%' | '.' | ',' | '-');
    if text.chars().all(harmless) { text } else { "" }
}

/// Browsers skip control characters and blanks within a scheme, so everything up to the first `:`
/// counts, and only what is plainly a known scheme or plainly no scheme passes.
fn has_safe_scheme(text: &str) -> bool {
    let end = text.find([':', '/', '?', '#']);
    match end.map(|end| text.split_at(end)) {
        Some((scheme, rest)) if rest.starts_with(':') => {
            SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known))
        }
        _ => !text.contains("&#") && !text.contains("&colon"),
    }
}

fn percent_encode(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

macro_rules! place_filter {
    ($plugin:ident, $filter:ident, $name:literal, $description:literal, $escape:expr) => {
        #[derive(Clone, ParseFilter, FilterReflection)]
        #[filter(name = $name, description = $description, parsed($filter))]
        pub(super) struct $plugin;

        #[derive(Debug, Default, Display_filter)]
        #[name = $name]
        struct $filter;

        impl Filter for $filter {
            fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
                if input.is_nil() {
                    return Ok(Value::Nil);
                }
                let escape: fn(&str) -> String = $escape;
                Ok(Value::scalar(escape(&input.to_kstr())))
            }
        }
    };
}

place_filter!(HtmlPlace, HtmlFilter, "_html", "Text in HTML.", |text| html(text).into_owned());
place_filter!(UrlPlace, UrlFilter, "_url", "The start of an address.", url);
place_filter!(UrlPathPlace, UrlPathFilter, "_url_path", "A later part of an address.", url_path);
place_filter!(
    UrlComponentPlace,
    UrlComponentFilter,
    "_url_component",
    "A value within an \
     address.",
    url_component
);
place_filter!(CssPlace, CssFilter, "_css", "A value in CSS.", |text| css(text).to_owned());

macro_rules! raw_filter {
    ($plugin:ident, $filter:ident, $name:literal) => {
        #[derive(Clone, ParseFilter, FilterReflection)]
        #[filter(name = $name, description = "Markup on purpose: not escaped.", parsed($filter))]
        pub(super) struct $plugin;

        #[derive(Debug, Default, Display_filter)]
        #[name = $name]
        struct $filter;

        impl Filter for $filter {
            fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
                Ok(input.to_value())
            }
        }
    };
}

raw_filter!(Raw, RawFilter, "raw");
raw_filter!(Safe, SafeFilter, "safe");

/// A header must stay one line, whatever the values contain: every run of line ends and other
/// control characters becomes one space.
pub(super) fn header(text: String) -> String {
    if !text.contains(char::is_control) {
        return text.trim().to_owned();
    }
    let mut line = String::with_capacity(text.len());
    for part in text.split(char::is_control).filter(|part| !part.trim().is_empty()) {
        if !line.is_empty() && !line.ends_with(' ') && !part.starts_with(' ') {
            line.push(' ');
        }
        line.push_str(part);
    }
    line.trim().to_owned()
}
