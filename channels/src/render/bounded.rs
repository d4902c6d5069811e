//! Writers and filters that stop at a limit, in place of those that do not.

use std::io::{self, Write};

use liquid_core::error::Error;
use liquid_core::{
    Display_filter, Expression, Filter, FilterParameters, FilterReflection, FromFilterParameters,
    ParseFilter, Result, Runtime, Value, ValueView,
};

use super::VALUE_BYTES_MAX;
use super::filter::filter_of_one;

/// Collects bytes up to a limit, then fails.
#[derive(Debug)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl Bounded {
    pub(super) fn new(limit: usize, expected: usize) -> Self {
        Self { bytes: Vec::with_capacity(expected.min(limit)), limit, full: false }
    }

    /// Whether something did not fit.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            self.full = true;
            return Err(io::Error::other("the text is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn text_of(length: usize, make: impl FnOnce() -> String) -> Result<Value> {
    if length > VALUE_BYTES_MAX {
        return Err(Error::with_msg("the filter makes a text that is too long"));
    }
    Ok(Value::scalar(make()))
}

#[derive(Debug, FilterParameters)]
struct TextArgs {
    #[parameter(description = "The text to put there.", arg_type = "str")]
    text: Expression,
}

filter_of_one!(Append, append, "append", "Puts a text behind.", TextArgs, |input, args| {
    let (front, back) = (input.to_kstr(), args.text);
    text_of(front.len() + back.len(), || format!("{front}{back}"))
});
filter_of_one!(Prepend, prepend, "prepend", "Puts a text in front.", TextArgs, |input, args| {
    let (front, back) = (args.text, input.to_kstr());
    text_of(front.len() + back.len(), || format!("{front}{back}"))
});

#[derive(Debug, FilterParameters)]
struct ReplaceArgs {
    #[parameter(description = "The text to look for.", arg_type = "str")]
    search: Expression,
    #[parameter(description = "What to put there instead; nothing by default.", arg_type = "str")]
    replace: Option<Expression>,
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(
    name = "replace",
    description = "Replaces a text wherever it occurs.",
    parameters(ReplaceArgs),
    parsed(ReplaceFilter)
)]
pub(super) struct Replace;

#[derive(Debug, FromFilterParameters, Display_filter)]
#[name = "replace"]
struct ReplaceFilter {
    #[parameters]
    args: ReplaceArgs,
}

impl Filter for ReplaceFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let args = self.args.evaluate(runtime)?;
        let input = input.to_kstr();
        let search = args.search.as_str();
        let by = args.replace.unwrap_or_else(|| "".into());
        // An empty text "occurs" between all characters.
        let times = input.matches(search).count();
        text_of(input.len() + times.saturating_mul(by.len()), || input.replace(search, by.as_str()))
    }
}

#[derive(Debug, FilterParameters)]
struct JoinArgs {
    #[parameter(description = "What to put between; a space by default.", arg_type = "str")]
    separator: Option<Expression>,
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(
    name = "join",
    description = "Makes one text of a list.",
    parameters(JoinArgs),
    parsed(JoinFilter)
)]
pub(super) struct Join;

#[derive(Debug, FromFilterParameters, Display_filter)]
#[name = "join"]
struct JoinFilter {
    #[parameters]
    args: JoinArgs,
}

impl Filter for JoinFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let args = self.args.evaluate(runtime)?;
        let separator = args.separator.unwrap_or_else(|| " ".into());
        let Some(list) = input.as_array() else {
            return Ok(input.to_value());
        };
        let mut text = Bounded::new(VALUE_BYTES_MAX, 256);
        for (at, item) in list.values().enumerate() {
            let between = if at == 0 { "" } else { separator.as_str() };
            write!(text, "{between}{}", item.render())
                .map_err(|error| Error::with_msg(error.to_string()))?;
        }
        Ok(Value::scalar(String::from_utf8_lossy(&text.into_bytes()).into_owned()))
    }
}

#[derive(Debug, FilterParameters)]
struct SliceArgs {
    #[parameter(description = "Where to start; negative from the end.", arg_type = "integer")]
    offset: Expression,
    #[parameter(description = "How many; one by default.", arg_type = "integer")]
    length: Option<Expression>,
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(
    name = "slice",
    description = "Takes a part of a text or a list.",
    parameters(SliceArgs),
    parsed(SliceFilter)
)]
pub(super) struct Slice;

#[derive(Debug, FromFilterParameters, Display_filter)]
#[name = "slice"]
struct SliceFilter {
    #[parameters]
    args: SliceArgs,
}

impl Filter for SliceFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let args = self.args.evaluate(runtime)?;
        let take = usize::try_from(args.length.unwrap_or(1)).unwrap_or(0);
        let skip = |length: usize| {
            let back = usize::try_from(args.offset.unsigned_abs()).unwrap_or(usize::MAX);
            if args.offset < 0 { length.saturating_sub(back) } else { back }
        };
        if let Some(list) = input.as_array() {
            let from = skip(usize::try_from(list.size()).unwrap_or(0));
            let part = list.values().skip(from).take(take).map(ValueView::to_value).collect();
            return Ok(Value::Array(part));
        }
        let text = input.to_kstr();
        let from = skip(text.chars().count());
        Ok(Value::scalar(text.chars().skip(from).take(take).collect::<String>()))
    }
}
