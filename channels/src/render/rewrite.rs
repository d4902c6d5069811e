//! From the author's source to the source that is compiled: outputs get the filter of their place,
//! bodies of loops are wrapped, and what the language does not have is refused with its place.

use domain::problem::nearest;

use super::html::{Where, filter_at};
use super::scan::{Kind, Piece, split_outside_quotes};
use super::template::{Place, TemplateProblem};
use super::{BLOCK_DEPTH_MAX, LOOP_TURNS_MAX, index, turn};

/// Blocks, each with the tags that divide it.
const BLOCKS: [(&str, &[&str]); 5] = [
    ("if", &["elsif", "else"]),
    ("unless", &["elsif", "else"]),
    ("case", &["when", "else"]),
    ("for", &["else"]),
    ("capture", &[]),
];

const TAGS: [&str; 3] = ["assign", "break", "continue"];

/// All tag names, for "did you mean".
const ALL_TAGS: [&str; 17] = [
    "if",
    "elsif",
    "else",
    "endif",
    "unless",
    "endunless",
    "case",
    "when",
    "endcase",
    "for",
    "endfor",
    "capture",
    "endcapture",
    "assign",
    "break",
    "continue",
    "comment",
];

/// An open block.
struct Block<'a> {
    name: &'a str,
    offset: usize,
    /// Where in the document the block began.
    opened: Where,
    /// Where its finished branches ended.
    ended: Vec<Where>,
    /// Whether one of its branches always runs.
    has_else: bool,
}

/// Rewrites a source for its place.
pub(super) fn rewrite(
    source: &str,
    pieces: &[Piece<'_>],
    place: Place,
) -> Result<String, TemplateProblem> {
    let mut rewriter = Rewriter {
        source,
        place,
        document: if place == Place::Json { Where::Json } else { Where::default() },
        blocks: Vec::new(),
        output: String::with_capacity(source.len() + source.len() / 4),
    };
    for piece in pieces {
        rewriter.piece(piece)?;
    }
    match rewriter.blocks.last() {
        None => Ok(rewriter.output),
        Some(block) => Err(TemplateProblem::at(
            source,
            block.offset,
            format!("`{}` without `end{}`", block.name, block.name),
        )),
    }
}

struct Rewriter<'a> {
    source: &'a str,
    place: Place,
    document: Where,
    blocks: Vec<Block<'a>>,
    output: String,
}

impl<'a> Rewriter<'a> {
    /// Whether it matters where in the document an output stands.
    fn has_places(&self) -> bool {
        matches!(self.place, Place::Html | Place::Json)
    }

    fn piece(&mut self, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        match piece.kind {
            Kind::Text => {
                self.document.read(piece.inner);
                self.output.push_str(piece.whole);
            }
            Kind::Comment => self.output.push_str(piece.whole),
            Kind::Output => self.output_piece(piece)?,
            Kind::Tag => self.tag(piece)?,
        }
        Ok(())
    }

    fn problem(&self, piece: &Piece<'_>, message: impl Into<String>) -> TemplateProblem {
        TemplateProblem::at(self.source, piece.offset, message)
    }

    fn output_piece(&mut self, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        if !self.has_places() {
            self.output.push_str(&index::fold(piece.whole));
            return Ok(());
        }
        let filters = split_outside_quotes(piece.inner, '|');
        let last = filters.last().filter(|_| filters.len() > 1).map(|last| last.trim());
        if !matches!(last, Some("raw" | "safe")) {
            let mut filter =
                filter_at(&self.document).map_err(|reason| self.problem(piece, reason))?;
            if filter == "_url_component" && last == Some("url_encode") {
                // Encoded by the author already: once is right, twice is not.
                filter = "_html";
            }
            let end = piece.whole.len() - if piece.trims_right() { 3 } else { 2 };
            self.output.push_str(&index::fold(&piece.whole[..end]));
            self.output.push_str(" | ");
            self.output.push_str(filter);
            self.output.push_str(if piece.trims_right() { " -}}" } else { " }}" });
        } else {
            self.output.push_str(&index::fold(piece.whole));
        }
        self.document.pass_output();
        Ok(())
    }

    fn tag(&mut self, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        let name = piece.name();
        if let Some(&(name, _)) = BLOCKS.iter().find(|(block, _)| *block == name) {
            return self.open(name, piece);
        }
        if let Some(block) = name.strip_prefix("end")
            && BLOCKS.iter().any(|(known, _)| *known == block)
        {
            return self.close(block, piece);
        }
        if BLOCKS.iter().any(|(_, dividers)| dividers.contains(&name)) {
            return self.divide(name, piece);
        }
        if TAGS.contains(&name) {
            self.output.push_str(&index::fold(piece.whole));
            return Ok(());
        }
        let hint = nearest(name, ALL_TAGS)
            .map(|tag| format!("; did you mean `{tag}`?"))
            .unwrap_or_default();
        Err(self.problem(piece, format!("there is no tag `{name}`{hint}")))
    }

    fn open(&mut self, name: &'static str, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        if self.blocks.len() == BLOCK_DEPTH_MAX {
            let message = format!("blocks are nested deeper than {BLOCK_DEPTH_MAX} levels");
            return Err(self.problem(piece, message));
        }
        if name == "for" {
            check_range(piece.arguments()).map_err(|reason| self.problem(piece, reason))?;
        }
        let opened = self.document.clone();
        self.blocks.push(Block {
            name,
            offset: piece.offset,
            opened,
            ended: Vec::new(),
            has_else: name == "capture",
        });
        self.output.push_str(&index::fold(piece.whole));
        if name == "for" {
            self.start_turn(piece.trims_right());
        }
        Ok(())
    }

    fn divide(&mut self, name: &str, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        let Some(block) = self.blocks.last_mut() else {
            return Err(self.problem(piece, format!("`{name}` outside a block")));
        };
        let dividers = BLOCKS.iter().find(|(known, _)| *known == block.name);
        if block.has_else || !dividers.is_some_and(|(_, dividers)| dividers.contains(&name)) {
            let message = format!("`{name}` does not belong here, within `{}`", block.name);
            return Err(self.problem(piece, message));
        }
        let here = std::mem::replace(&mut self.document, block.opened.clone());
        block.ended.push(here);
        block.has_else = name == "else";
        let in_loop = block.name == "for";
        if in_loop {
            self.end_turn(piece.trims_left());
        }
        self.output.push_str(&index::fold(piece.whole));
        Ok(())
    }

    fn close(&mut self, name: &str, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        let block = match self.blocks.pop() {
            Some(block) if block.name == name => block,
            Some(block) => {
                let message = format!("`end{name}` closes `{}`", block.name);
                return Err(self.problem(piece, message));
            }
            None => return Err(self.problem(piece, format!("`end{name}` without `{name}`"))),
        };
        if name == "for" && !block.has_else {
            self.end_turn(piece.trims_left());
        }
        self.output.push_str(&index::fold(piece.whole));
        if self.has_places() {
            self.meet(&block, piece)?;
        }
        Ok(())
    }

    /// All ways through a block must lead to one place in the document.
    fn meet(&mut self, block: &Block<'a>, piece: &Piece<'a>) -> Result<(), TemplateProblem> {
        let mut place = std::mem::take(&mut self.document);
        if block.name == "capture" {
            // What is captured shows up elsewhere; here the document goes on as if it were not.
            self.document = block.opened.clone();
            return Ok(());
        }
        let skipped = (!block.has_else || block.name == "for").then(|| block.opened.clone());
        for other in block.ended.iter().cloned().chain(skipped) {
            place = place.join(other).ok_or_else(|| {
                let message = format!(
                    "the branches of this `{}` end in different places of the {}",
                    block.name,
                    if self.place == Place::Json {
                        "JSON, such as inside and outside a text"
                    } else {
                        "HTML, such as inside and outside a tag"
                    },
                );
                self.problem(piece, message)
            })?;
        }
        self.document = place;
        Ok(())
    }

    fn start_turn(&mut self, trims: bool) {
        let (open, close) = if trims { ("{%- ", " -%}") } else { ("{% ", " %}") };
        self.output.extend([open, turn::START, close]);
    }

    fn end_turn(&mut self, trims: bool) {
        let (open, close) = if trims { ("{%- ", " -%}") } else { ("{% ", " %}") };
        self.output.extend([open, turn::END, close]);
    }
}

/// A range is built as a list before the loop starts, so its size must be known and small.
fn check_range(arguments: &str) -> Result<(), String> {
    let Some((_, list)) = arguments.split_once(" in ") else { return Ok(()) };
    let Some(range) = list.trim().strip_prefix('(') else { return Ok(()) };
    let Some((from, rest)) = range.split_once("..") else { return Ok(()) };
    let Some((to, _)) = rest.split_once(')') else { return Ok(()) };
    let (Ok(from), Ok(to)) = (from.trim().parse::<i64>(), to.trim().parse::<i64>()) else {
        return Err("the ends of a range must be whole numbers, not variables".to_owned());
    };
    if to.checked_sub(from).is_none_or(|size| size >= LOOP_TURNS_MAX as i64) {
        return Err(format!("a range must have less than {LOOP_TURNS_MAX} members"));
    }
    Ok(())
}
