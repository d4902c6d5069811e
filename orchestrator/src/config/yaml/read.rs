//! From text to trees, one per document, with every flaw of the text at its place.
//!
//! A syntax error ends its document; reading goes on at the next `---`. The builder keeps its own
//! stack, so that no input can exhaust the thread's.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Content, Entry, Node, Quote, scalar};

/// Deepest nesting of one document. A journey at its own limits needs about 40.
pub(crate) const DEPTH_MAX: usize = 64;
/// Most nodes of one file after aliases are expanded, so that a few lines of nested aliases
/// cannot fill the memory.
pub(crate) const NODES_MAX: usize = 100_000;
/// Most flaws reported for one file: beyond this it is not YAML.
const FLAWS_MAX: usize = 100;

/// Something wrong with the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Where, in bytes of the file.
    pub(crate) span: Range<usize>,
    /// What.
    pub(crate) message: String,
    /// What to do.
    pub(crate) suggestion: Option<String>,
}

/// What was read from one file.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The documents that could be read; empty ones are left out.
    pub(crate) documents: Vec<Node>,
    /// What is wrong with the text.
    pub(crate) flaws: Vec<Flaw>,
    /// Whether a document was lost to a syntax error or a limit.
    pub(crate) incomplete: bool,
}

/// Reads all documents of a file.
pub(crate) fn read(text: &str) -> Reading {
    let mut reading = Reading::default();
    let mut nodes_left = NODES_MAX;
    let mut base = 0;
    loop {
        let stopped = read_from(text, base, &mut nodes_left, &mut reading);
        let Some(stopped) = stopped else { break };
        reading.incomplete = true;
        if nodes_left == 0 || reading.flaws.len() >= FLAWS_MAX {
            break;
        }
        // `---` at the start of a line begins a document wherever it stands in the text.
        let Some(next) = text.get(stopped..).and_then(|rest| rest.find("\n---")) else { break };
        base = stopped + next + 1;
    }
    reading.flaws.truncate(FLAWS_MAX);
    reading
}

/// Reads documents from `base` on. Answers with the place at which a syntax error stopped it.
fn read_from(
    text: &str,
    base: usize,
    nodes_left: &mut usize,
    reading: &mut Reading,
) -> Option<usize> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    let mut builder = Builder { base, text, ..Builder::default() };
    for event in Parser::new_from_str_with_options(&text[base..], options) {
        let outcome = match event {
            Ok((event, span)) => builder.event(event, &span, nodes_left, reading),
            Err(error) => Err(syntax_flaw(&error, text, base)),
        };
        if let Err(flaw) = outcome {
            let at = flaw.span.start;
            reading.flaws.push(flaw);
            return Some(at.max(base));
        }
    }
    None
}

fn syntax_flaw(error: &ScanError, text: &str, base: usize) -> Flaw {
    let info = error.info();
    let at = (base + error.marker().byte_offset().unwrap_or(0)).min(text.len());
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let (at, suggestion) = match indenting_tab(text, line_start, &info) {
        Some(tab) => (tab, Some("indent with spaces".to_owned())),
        None => (at, advice(&info).map(str::to_owned)),
    };
    Flaw { span: at..at, message: format!("not valid YAML: {info}"), suggestion }
}

/// The tab that indents this line or, if a tab is complained about, the next one.
fn indenting_tab(text: &str, line_start: usize, info: &str) -> Option<usize> {
    let mut start = line_start;
    for line in text[line_start..].split_inclusive('\n').take(2) {
        let indent = &line[..line.len() - line.trim_start().len()];
        if let Some(tab) = indent.find('\t') {
            return Some(start + tab);
        }
        if !info.contains("tab") {
            return None;
        }
        start += line.len();
    }
    None
}

fn advice(info: &str) -> Option<&'static str> {
    if info.contains("mapping values are not allowed") {
        Some("put a value that contains `: ` in quotes, or check the indentation")
    } else if info.contains("flow mapping") || info.contains("flow sequence") {
        Some("put a value that contains `: `, `,` or a bracket in quotes")
    } else if info.contains("trailing content") || info.contains("unexpected character") {
        Some("text that starts with a special character needs quotes around all of it")
    } else {
        None
    }
}

/// A collection whose end has not come yet.
#[derive(Debug)]
enum Open {
    List { items: Vec<Node>, start: usize, anchor: usize },
    Map { entries: Vec<Entry>, key: Key, start: usize, anchor: usize },
}

/// The key of the pair that is being read.
#[derive(Debug)]
enum Key {
    None,
    Read(String, Range<usize>),
    /// A key that was reported: its value is read and dropped.
    Bad,
}

#[derive(Debug, Default)]
struct Builder<'a> {
    text: &'a str,
    base: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
}

impl<'a> Builder<'a> {
    fn event(
        &mut self,
        event: Event<'_>,
        span: &Span,
        nodes_left: &mut usize,
        reading: &mut Reading,
    ) -> Result<(), Flaw> {
        let range = self.range(span);
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let content = self.scalar(&text, style, tag.as_deref(), &range, reading);
                let mut node = Node::new(content, range);
                node.quote = match style {
                    ScalarStyle::SingleQuoted => Quote::Single,
                    ScalarStyle::DoubleQuoted => Quote::Double,
                    _ => Quote::None,
                };
                self.remember(anchor, &node);
                self.attach(node, nodes_left, reading)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &range, reading);
                self.check_depth(&range)?;
                let start = range.start;
                self.open.push(Open::List { items: Vec::new(), start, anchor });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &range, reading);
                self.check_depth(&range)?;
                let (entries, start) = (Vec::new(), range.start);
                self.open.push(Open::Map { entries, key: Key::None, start, anchor });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&range, nodes_left, reading)?,
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => {
                    *nodes_left = nodes_left.saturating_sub(count(&node, *nodes_left));
                    self.attach(node, nodes_left, reading)?;
                }
                None => return Err(flaw(range, "an alias cannot stand inside its own anchor")),
            },
            Event::UnresolvedAlias(name) => {
                let advice = "put text that starts with `*` in quotes";
                reading.flaws.push(Flaw {
                    suggestion: Some(advice.to_owned()),
                    ..flaw(range.clone(), &format!("unknown anchor `{name}`"))
                });
                self.attach(Node::new(Content::Poison, range), nodes_left, reading)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn range(&self, span: &Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or(0..0);
        self.base + range.start..self.base + range.end
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        range: &Range<usize>,
        reading: &mut Reading,
    ) -> Content {
        if tag.is_some_and(|tag| tag.core_suffix() == Some("str")) {
            return Content::Text(text.to_owned());
        }
        self.check_tag(tag, range, reading);
        match style {
            ScalarStyle::Plain => scalar::resolve(text),
            _ => Content::Text(text.to_owned()),
        }
    }

    fn check_tag(&self, tag: Option<&Tag>, range: &Range<usize>, reading: &mut Reading) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            let message = format!("tags such as `{}` are not supported", tag.original());
            reading.flaws.push(flaw(range.clone(), &message));
        }
    }

    fn check_depth(&self, range: &Range<usize>) -> Result<(), Flaw> {
        if self.open.len() < DEPTH_MAX {
            return Ok(());
        }
        Err(flaw(range.clone(), &format!("nested deeper than {DEPTH_MAX} levels")))
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn close(
        &mut self,
        range: &Range<usize>,
        nodes_left: &mut usize,
        reading: &mut Reading,
    ) -> Result<(), Flaw> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let (content, start, anchor) = match open {
            Open::List { items, start, anchor } => (Content::List(items), start, anchor),
            Open::Map { entries, start, anchor, .. } => (Content::Map(entries), start, anchor),
        };
        let end = range.end.max(start);
        let end = start + self.text.get(start..end).map_or(0, |text| text.trim_end().len());
        let node = Node::new(content, start..end);
        self.remember(anchor, &node);
        self.attach(node, nodes_left, reading)
    }

    /// Gives a finished node to what it stands in.
    fn attach(
        &mut self,
        node: Node,
        nodes_left: &mut usize,
        reading: &mut Reading,
    ) -> Result<(), Flaw> {
        *nodes_left = nodes_left.saturating_sub(1);
        if *nodes_left == 0 {
            return Err(flaw(node.span, &format!("file has more than {NODES_MAX} values")));
        }
        match self.open.last_mut() {
            None if node.content == Content::Null => {}
            None => reading.documents.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match std::mem::replace(key, Key::None) {
                Key::None => *key = as_key(node, entries, self.text, reading),
                Key::Read(key, key_span) => entries.push(Entry { key, key_span, value: node }),
                Key::Bad => {}
            },
        }
        Ok(())
    }
}

/// Nodes below and including this one, counted up to a bound.
fn count(node: &Node, bound: usize) -> usize {
    let mut total = 1;
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if total > bound {
            break;
        }
        match &node.content {
            Content::List(items) => {
                total += items.len();
                stack.extend(items);
            }
            Content::Map(entries) => {
                total += entries.len();
                stack.extend(entries.iter().map(|entry| &entry.value));
            }
            _ => {}
        }
    }
    total
}

fn as_key(node: Node, entries: &[Entry], text: &str, reading: &mut Reading) -> Key {
    let key = match node.content {
        Content::Text(key) => key,
        Content::List(_) | Content::Map(_) | Content::Poison => {
            let advice = "put text that starts with a bracket or a brace in quotes".to_owned();
            let flaw = flaw(node.span, "a key must be text, not a list or a mapping");
            reading.flaws.push(Flaw { suggestion: Some(advice), ..flaw });
            return Key::Bad;
        }
        _ => text.get(node.span.clone()).unwrap_or_default().trim().to_owned(),
    };
    if key == "<<" {
        let advice = "write the keys out, or use an alias for a whole value".to_owned();
        let flaw = flaw(node.span, "merge keys are not supported");
        reading.flaws.push(Flaw { suggestion: Some(advice), ..flaw });
        return Key::Bad;
    }
    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
        let line = text[..first.key_span.start].matches('\n').count() + 1;
        let message = format!("duplicate key `{key}`, first set on line {line}");
        reading.flaws.push(flaw(node.span, &message));
        return Key::Bad;
    }
    Key::Read(key, node.span)
}

fn flaw(span: Range<usize>, message: &str) -> Flaw {
    Flaw { span, message: message.to_owned(), suggestion: None }
}
