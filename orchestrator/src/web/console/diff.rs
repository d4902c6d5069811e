//! What differs between two texts, line by line: a sign in front of each line says it, colour only
//! repeats it.

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::parts;
use super::reader::Reader;
use super::text;

/// Lines around a change.
const CONTEXT_LINES: usize = 4;

pub(super) fn shown(reader: &Reader, old: &str, new: &str) -> Markup {
    if old == new {
        return parts::empty(reader.t(text::NO_DIFFERENCE), reader.t(text::NO_DIFFERENCE_ADVICE));
    }
    let diff = TextDiff::from_lines(old, new);
    html! {
        div.scroll.diff tabindex="0" role="region" aria-label=(reader.t(text::DIFFERENCE)) {
            @for group in diff.grouped_ops(CONTEXT_LINES) {
                pre {
                    @for op in &group {
                        @for change in diff.iter_changes(op) {
                            (line(change.tag(), change.value()))
                        }
                    }
                }
            }
        }
    }
}

fn line(tag: ChangeTag, text: &str) -> Markup {
    let text = text.trim_end_matches('\n');
    match tag {
        ChangeTag::Equal => html! { span.same { "  " (text) "\n" } },
        ChangeTag::Delete => html! { del { "- " (text) "\n" } },
        ChangeTag::Insert => html! { ins { "+ " (text) "\n" } },
    }
}
