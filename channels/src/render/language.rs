//! The template language: its tags and filters, in one list.
//!
//! Left out on purpose: `include` and `render` (a template is one whole), `cycle`, `increment`,
//! `decrement`, `ifchanged` and `tablerow` (they would write past the escaping).

use std::sync::LazyLock;

use liquid_core::{Language, ParseBlock, ParseFilter, ParseTag};
use liquid_lib::stdlib;

use super::{arithmetic, bounded, capture, date, escape, json, turn};

/// The one language of all templates.
pub(super) static LANGUAGE: LazyLock<Language> = LazyLock::new(|| {
    let mut language = Language::empty();
    add_tags(&mut language);
    add_filters(&mut language);
    language
});

fn add_tags(language: &mut Language) {
    let tags: [Box<dyn ParseTag>; 3] =
        [stdlib::AssignTag.into(), stdlib::BreakTag.into(), stdlib::ContinueTag.into()];
    for tag in tags {
        language.tags.register(tag.reflection().tag().to_owned(), tag);
    }
    let blocks: [Box<dyn ParseBlock>; 8] = [
        stdlib::RawBlock.into(),
        stdlib::CommentBlock.into(),
        stdlib::IfBlock.into(),
        stdlib::UnlessBlock.into(),
        stdlib::CaseBlock.into(),
        stdlib::ForBlock.into(),
        capture::CaptureBlock.into(),
        turn::TurnBlock.into(),
    ];
    for block in blocks {
        language.blocks.register(block.reflection().start_tag().to_owned(), block);
    }
}

fn add_filters(language: &mut Language) {
    let own: [Box<dyn ParseFilter>; 21] = [
        arithmetic::Abs.into(),
        arithmetic::DividedBy.into(),
        arithmetic::Minus.into(),
        arithmetic::Modulo.into(),
        arithmetic::Plus.into(),
        arithmetic::Times.into(),
        bounded::Append.into(),
        bounded::Join.into(),
        bounded::Prepend.into(),
        bounded::Replace.into(),
        bounded::Slice.into(),
        date::Date.into(),
        escape::HtmlPlace.into(),
        escape::UrlPlace.into(),
        escape::UrlPathPlace.into(),
        escape::UrlComponentPlace.into(),
        escape::CssPlace.into(),
        json::JsonPlace.into(),
        json::JsonTextPlace.into(),
        escape::Raw.into(),
        escape::Safe.into(),
    ];
    let library: [Box<dyn ParseFilter>; 31] = [
        stdlib::AtLeast.into(),
        stdlib::AtMost.into(),
        stdlib::Capitalize.into(),
        stdlib::Ceil.into(),
        stdlib::Compact.into(),
        stdlib::Default.into(),
        stdlib::Downcase.into(),
        stdlib::Escape.into(),
        stdlib::EscapeOnce.into(),
        stdlib::First.into(),
        stdlib::Floor.into(),
        stdlib::Last.into(),
        stdlib::Lstrip.into(),
        stdlib::Map.into(),
        stdlib::NewlineToBr.into(),
        stdlib::Remove.into(),
        stdlib::RemoveFirst.into(),
        stdlib::Reverse.into(),
        stdlib::Round.into(),
        stdlib::Rstrip.into(),
        stdlib::Size.into(),
        stdlib::Sort.into(),
        stdlib::SortNatural.into(),
        stdlib::Split.into(),
        stdlib::Strip.into(),
        stdlib::StripHtml.into(),
        stdlib::StripNewlines.into(),
        stdlib::Uniq.into(),
        stdlib::Upcase.into(),
        stdlib::UrlDecode.into(),
        stdlib::UrlEncode.into(),
    ];
    let more: [Box<dyn ParseFilter>; 3] =
        [stdlib::Truncate.into(), stdlib::TruncateWords.into(), stdlib::Where.into()];
    for filter in own.into_iter().chain(library).chain(more) {
        language.filters.register(filter.reflection().name().to_owned(), filter);
    }
}

/// Names of the filters that authors may use, for "did you mean".
pub(super) fn filter_names() -> Vec<&'static str> {
    LANGUAGE.filters.plugin_names().filter(|name| !name.starts_with('_')).collect()
}
