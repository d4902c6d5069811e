//! Where the steps of a journey stand in its picture. Steps are a tree whose arms join again: an
//! arm gets columns of its own, and what follows stands centred below. Knows no pixels.

use domain::ids::StepId;
use domain::journey::definition::{Journey, NodeIndex};
use domain::journey::steps::Step;

/// A step in its place. Columns are counted in widths of one step, from the left edge to its
/// middle; rows from the top.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) node: NodeIndex,
    pub(super) column: f64,
    pub(super) row: usize,
}

/// A way from one step to the next one, or to the end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Way {
    /// Column and row of the step that it leaves.
    pub(super) from: (f64, usize),
    /// The column in which it goes down.
    pub(super) by: f64,
    /// Column and row that it leads to.
    pub(super) to: (f64, usize),
    /// What must hold to take it.
    pub(super) label: Option<String>,
}

/// The picture of a journey.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Picture {
    pub(super) steps: Vec<Placed>,
    pub(super) ways: Vec<Way>,
    /// The end of those who have done every step.
    pub(super) end: Option<(f64, usize)>,
    /// Its width.
    pub(super) columns: f64,
    /// Its height.
    pub(super) rows: usize,
}

/// A way whose end is not placed yet.
struct Open {
    from: (f64, usize),
    by: f64,
    label: Option<String>,
}

/// An arm: what must hold, and its first step.
struct Arm {
    label: String,
    first: Option<NodeIndex>,
}

/// Places every step.
pub(super) fn picture(journey: &Journey, otherwise: &str) -> Picture {
    let drawing = Drawing { journey, otherwise };
    let (columns, rows) = drawing.measure(Some(0), None);
    let mut picture = Picture { columns, rows, ..Picture::default() };
    let open = drawing.place(Span { first: Some(0), stop: None }, (0.0, 0), vec![], &mut picture);
    if !open.is_empty() {
        let end = (columns / 2.0, rows);
        picture.ways.extend(open.into_iter().map(|way| way.to(end)));
        picture.end = Some(end);
        picture.rows += 1;
    }
    picture
}

impl Open {
    fn to(self, to: (f64, usize)) -> Way {
        Way { from: self.from, by: self.by, to, label: self.label }
    }
}

/// Steps in a row: from the first one up to, and without, what follows them.
#[derive(Clone, Copy)]
struct Span {
    first: Option<NodeIndex>,
    stop: Option<NodeIndex>,
}

struct Drawing<'a> {
    journey: &'a Journey,
    otherwise: &'a str,
}

impl Drawing<'_> {
    fn arms(&self, at: NodeIndex) -> Vec<Arm> {
        let Some(node) = self.journey.nodes.get(usize::from(at)) else { return Vec::new() };
        match &node.step {
            Step::Branch(branch) => {
                let arms = branch.arms.iter();
                let arms = arms.map(|(when, first)| Arm { label: when.to_string(), first: *first });
                let label = self.otherwise.to_owned();
                arms.chain([Arm { label, first: branch.otherwise }]).collect()
            }
            Step::Split(split) => {
                let total: u64 = split.variants.iter().map(|one| u64::from(one.weight)).sum();
                let share = |weight: u32| u64::from(weight) * 100 / total.max(1);
                let arm = |one: &domain::journey::steps::split::Variant| Arm {
                    label: format!("{} {} %", one.name, share(one.weight)),
                    first: one.first,
                };
                split.variants.iter().map(arm).collect()
            }
            _ => Vec::new(),
        }
    }

    fn next(&self, at: NodeIndex) -> Option<NodeIndex> {
        self.journey.nodes.get(usize::from(at)).and_then(|node| node.next)
    }

    /// Columns and rows of steps in a row, arms included. An arm without a step is one column.
    fn measure(&self, first: Option<NodeIndex>, stop: Option<NodeIndex>) -> (f64, usize) {
        let (mut columns, mut rows) = (1.0_f64, 0);
        let mut next = first.filter(|first| Some(*first) != stop);
        while let Some(at) = next {
            next = self.next(at);
            let arms = self.arms(at);
            let sizes = arms.iter().map(|arm| self.measure(arm.first, next));
            let (width, height) = sizes.fold((0.0, 0), |(width, height), (columns, rows)| {
                (width + columns, rows.max(height))
            });
            columns = columns.max(width);
            rows += 1 + height;
            next = next.filter(|following| Some(*following) != stop);
        }
        (columns, rows)
    }

    /// Places steps in a row, from a left edge and a row on; gives back the ways out of them.
    fn place(
        &self,
        span: Span,
        (left, top): (f64, usize),
        mut open: Vec<Open>,
        picture: &mut Picture,
    ) -> Vec<Open> {
        let (columns, _) = self.measure(span.first, span.stop);
        let (column, mut row) = (left + columns / 2.0, top);
        let mut next = span.first.filter(|first| Some(*first) != span.stop);
        while let Some(at) = next {
            picture.steps.push(Placed { node: at, column, row });
            picture.ways.extend(open.drain(..).map(|way| way.to((column, row))));
            next = self.next(at);
            let arms = self.arms(at);
            let from = (column, row);
            row += 1;
            if arms.is_empty() && !self.ends(at) {
                open.push(Open { from, by: column, label: None });
            }
            let width: f64 = arms.iter().map(|arm| self.measure(arm.first, next).0).sum();
            let mut edge = column - width / 2.0;
            let mut height = 0;
            for arm in arms {
                let (columns, rows) = self.measure(arm.first, next);
                let way = Open { from, by: edge + columns / 2.0, label: Some(arm.label) };
                let within = Span { first: arm.first, stop: next };
                open.extend(match arm.first {
                    Some(first) if Some(first) != next => {
                        self.place(within, (edge, row), vec![way], picture)
                    }
                    _ => vec![way],
                });
                edge += columns;
                height = rows.max(height);
            }
            row += height;
            next = next.filter(|following| Some(*following) != span.stop);
        }
        open
    }

    fn ends(&self, at: NodeIndex) -> bool {
        let node = self.journey.nodes.get(usize::from(at));
        node.is_some_and(|node| matches!(node.step, Step::Exit(_)))
    }
}

/// The step of an id, with its place in the version.
pub(super) fn step_by_id<'a>(journey: &'a Journey, id: &str) -> Option<(NodeIndex, &'a StepId)> {
    let at = journey.node_by_id(id)?;
    Some((at, &journey.nodes.get(usize::from(at))?.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Source};

    /// The picture of the steps of a journey: `step column row`, then `from -> to`.
    fn drawn(steps: &str) -> String {
        let text = format!(
            "apiVersion: cadencia/v1\nkind: ContactPolicy\nmetadata: {{name: open}}\n\
             spec: {{fallback_zone: UTC, rules: []}}\n---\napiVersion: cadencia/v1\n\
             kind: Journey\nmetadata: {{name: j}}\nspec:\n  enter: {{event: E}}\n  steps:\n{steps}"
        );
        let loaded = config::load_sources(&[Source::new("test", text.as_str())]);
        let definitions = loaded.definitions.unwrap_or_else(|| panic!("{:?}", loaded.report));
        let journey = definitions.journeys.values().next().expect("a journey");
        let picture = picture(journey, "else");
        let name = |at: (f64, usize)| {
            let step = picture.steps.iter().find(|step| (step.column, step.row) == at);
            step.map_or("end", |step| journey.nodes[usize::from(step.node)].id.as_str())
        };
        let mut lines: Vec<String> = picture
            .steps
            .iter()
            .map(|step| format!("{} {} {}", name((step.column, step.row)), step.column, step.row))
            .collect();
        lines.extend(picture.ways.iter().map(|way| {
            let label = way.label.as_deref().map_or(String::new(), |label| format!(" ({label})"));
            format!("{} -> {}{label}", name(way.from), name(way.to))
        }));
        lines.join("\n")
    }

    #[test]
    fn steps_in_a_row_stand_below_each_other() {
        let steps = "    - wait: {id: a, for: PT1H}\n    - wait: {id: b, for: PT1H}\n";
        assert_eq!(drawn(steps), "a 0.5 0\nb 0.5 1\na -> b\nb -> end");
    }

    #[test]
    fn arms_stand_beside_each_other_and_join_again() {
        let steps = "    - split:
        id: s
        variants:
          - {name: x, weight: 3, steps: [{wait: {id: a, for: PT1H}}, {wait: {id: b, for: PT1H}}]}
          - {name: y, weight: 1, steps: []}
    - wait: {id: c, for: PT1H}
";
        assert_eq!(
            drawn(steps),
            "s 1 0\na 0.5 1\nb 0.5 2\nc 1 3\n\
             s -> a (x 75 %)\na -> b\nb -> c\ns -> c (y 25 %)\nc -> end"
        );
    }

    #[test]
    fn an_exit_leads_nowhere_and_nested_arms_have_room() {
        let steps = "    - branch:
        - when: customer.traits.a == 1
          steps:
            - branch:
                - when: customer.traits.b == 1
                  steps: [{exit: {id: x}}]
                - else: [{wait: {id: w, for: PT1H}}]
        - else: [{exit: {id: y}}]
";
        assert_eq!(
            drawn(steps),
            "branch-1 1.5 0\nbranch-2 1 1\nx 0.5 2\nw 1.5 2\ny 2.5 1\n\
             branch-1 -> branch-2 (customer.traits.a == 1)\n\
             branch-2 -> x (customer.traits.b == 1)\nbranch-2 -> w (else)\n\
             branch-1 -> y (else)\nw -> end"
        );
    }
}
