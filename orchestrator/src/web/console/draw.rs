//! The picture of a journey as SVG: each step with how many came, wait and left, as a link to the
//! customers there.

use domain::journey::definition::Journey;
use maud::{Markup, PreEscaped, html};

use super::counts::JourneyCounts;
use super::graph::{self, Picture, Placed, Way};
use super::reader::Reader;
use super::steps;
use super::text;

/// Sizes in pixels.
const WIDTH: f64 = 204.0;
const HEIGHT: f64 = 92.0;
const COLUMN: f64 = 232.0;
const ROW: f64 = 146.0;
const MARGIN: f64 = 8.0;
const END: f64 = 9.0;
/// Characters of a line in a step, and of what stands at a way.
const LINE_CHARS: usize = 30;
const LABEL_CHARS: usize = 32;
/// Characters of a number from which on it is written smaller.
const NUMBER_CHARS: usize = 5;
/// Width of a character of it, about, and its height.
const LABEL_CHAR: f64 = 6.0;
const LABEL_HEIGHT: f64 = 18.0;

/// Left edges of the three counts of a step, from its own.
const COUNTS: [f64; 3] = [12.0, 78.0, 144.0];

/// The picture of a version with its counts.
pub(super) fn journey(reader: &Reader, journey: &Journey, counts: &JourneyCounts) -> Markup {
    let picture = graph::picture(journey, reader.t(text::OTHERWISE));
    let width = picture.columns * COLUMN + 2.0 * MARGIN;
    let height = picture.rows as f64 * ROW + 2.0 * MARGIN - (ROW - HEIGHT)
        + if picture.end.is_some() { 2.0 * END - HEIGHT } else { 0.0 };
    let label = reader.fill(text::GRAPH_OF, &[&journey.name]);
    html! {
        div.scroll.graph tabindex="0" role="region" aria-label=(label) {
            svg width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
                @for way in &picture.ways { (line(way, &picture)) }
                @for step in &picture.steps { (box_of(reader, journey, counts, step)) }
                @if let Some((column, row)) = picture.end {
                    g.end {
                        circle cx=(x(column)) cy=(top(row) + END) r=(END - 2.0) {}
                        title { (reader.word("completed")) }
                    }
                }
                // Above the lines: a label must not be crossed by one.
                @for way in &picture.ways { (label_of(way)) }
            }
        }
    }
}

fn x(column: f64) -> f64 {
    MARGIN + column * COLUMN
}

fn top(row: usize) -> f64 {
    MARGIN + row as f64 * ROW
}

fn bottom(row: usize) -> f64 {
    top(row) + HEIGHT
}

/// A line: over to its column, down, and over to where it leads, with an arrow.
fn line(way: &Way, picture: &Picture) -> Markup {
    let ((from, from_row), (to, to_row)) = (way.from, way.to);
    let (start, end) = ((x(from), bottom(from_row)), (x(to), top(to_row)));
    let mut path = format!("M{:.1} {:.1}", start.0, start.1);
    if to_row > from_row + 1 {
        let by = x(way.by);
        path.push_str(&curve(start, (by, top(from_row + 1))));
        let before = bottom(to_row - 1);
        path.push_str(&format!("V{before:.1}"));
        path.push_str(&curve((by, before), end));
    } else {
        path.push_str(&curve(start, end));
    }
    html! {
        path.way d=(path) {}
        @if picture.end != Some(way.to) {
            path.tip d=(format!("M{:.1} {:.1}l4 0l-4 6l-4 -6z", end.0, end.1 - 6.0)) {}
        }
    }
}

/// From one row down to the next, leaving and arriving upright.
fn curve(from: (f64, f64), to: (f64, f64)) -> String {
    let turn = (ROW - HEIGHT) / 2.0;
    let (leave, arrive) = (from.1 + turn, to.1 - turn);
    format!("C{:.1} {leave:.1} {:.1} {arrive:.1} {:.1} {:.1}", from.0, to.0, to.0, to.1)
}

fn label_of(way: &Way) -> Markup {
    let Some(label) = &way.label else { return PreEscaped(String::new()) };
    let shown = cut(label, LABEL_CHARS);
    let width = shown.chars().count() as f64 * LABEL_CHAR + 14.0;
    // Where the line has reached its column.
    let (middle, bottom) = (x(way.by), top(way.from.1 + 1) - 9.0);
    html! {
        g.label {
            rect x=(format!("{:.1}", middle - width / 2.0)) y=(bottom - LABEL_HEIGHT)
                width=(format!("{width:.1}")) height=(LABEL_HEIGHT) rx="9" {}
            text x=(middle) y=(bottom - 5.0) text-anchor="middle" { (shown) }
            title { (label) }
        }
    }
}

fn box_of(reader: &Reader, journey: &Journey, counts: &JourneyCounts, step: &Placed) -> Markup {
    let Some(node) = journey.nodes.get(usize::from(step.node)) else {
        return PreEscaped(String::new());
    };
    let (left, top) = (x(step.column) - WIDTH / 2.0, top(step.row));
    let count = counts.steps.get(usize::from(step.node));
    let (entered, waiting) = count.map_or((0, 0), |count| (count.entered, count.standing));
    let kind = node.step.kind();
    let said = steps::described(reader, &node.step);
    let numbers =
        [(text::ENTERED, entered), (text::WAITING, waiting), (text::LEFT, entered - waiting)];
    let link = steps::link(journey.name.as_str(), node.id.as_str(), counts.version);
    html! {
        a.step href=(link) {
            rect.{ "k-" (kind) } x=(left) y=(top) width=(WIDTH) height=(HEIGHT) rx="8" {}
            text.kind x=(left + 12.0) y=(top + 20.0) {
                (reader.word(kind)) " " tspan.id { (cut(node.id.as_str(), LINE_CHARS - 9)) }
            }
            text.said x=(left + 12.0) y=(top + 39.0) { (cut(&said, LINE_CHARS)) title { (said) } }
            @for ((label, number), at) in numbers.into_iter().zip(COUNTS) {
                @let number = reader.number(number);
                text.number.long[number.len() > NUMBER_CHARS] x=(left + at) y=(top + 64.0) {
                    (number)
                }
                text.unit x=(left + at) y=(top + 80.0) { (reader.t(label)) }
            }
        }
    }
}

/// The beginning of a text, with a sign that it goes on.
fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars - 1).chain(['…']).collect()
}
