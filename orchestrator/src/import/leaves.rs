//! The leaves of a mapping: values, conditions, times and columns, checked.

use std::sync::Arc;

use domain::problem::{Path, Problem, nearest};
use domain::time::Zone;
use domain::value::Value;

use super::compile::Compiler;
use super::decimal::Decimal;
use super::mapping::{RawCondition, RawTime, RawValue};
use super::row::ColumnId;
use super::table::Table;
use super::timestamp::{Format, TimeSpec};
use super::value::{Condition, From, Piece, Test, ValueSpec};

impl Compiler {
    pub(super) fn value(&mut self, raw: &RawValue, path: &Path) -> Option<ValueSpec> {
        let from = match (&raw.column, &raw.literal, &raw.template) {
            (Some(name), None, None) => From::Column(self.column(name), name.clone()),
            (None, Some(json), None) => match Value::from_json(json) {
                Ok(value) => From::Literal(value),
                Err(error) => {
                    self.problem(&path.key("literal"), error.to_string());
                    return None;
                }
            },
            (None, None, Some(text)) => From::Template(self.template(text, path)?),
            _ => {
                self.problem(path, "exactly one of `column`, `literal` and `template` is needed");
                return None;
            }
        };
        let lookup = match &raw.lookup {
            None => None,
            Some(name) => Some(self.lookup(name, &path.key("lookup"))?),
        };
        Some(ValueSpec { from, kind: raw.kind, lookup, optional: raw.optional })
    }

    fn lookup(&mut self, name: &str, path: &Path) -> Option<Arc<Table>> {
        if let Some(table) = self.tables.get(name) {
            return Some(Arc::clone(table));
        }
        // A table that could not be read has its own problem already.
        if !self.table_names.iter().any(|known| known == name) {
            let near = nearest(name, self.table_names.iter().map(String::as_str));
            let problem = Problem::new(path.clone(), format!("unknown table `{name}`"));
            let problem = match near {
                Some(near) => problem.suggest(format!("did you mean `{near}`?")),
                None => problem,
            };
            self.problems.push(problem);
        }
        None
    }

    fn template(&mut self, text: &str, path: &Path) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let Some((name, after)) =
                rest[open..].strip_prefix('{').and_then(|s| s.split_once('}'))
            else {
                self.problem(&path.key("template"), "a brace without its counterpart");
                return None;
            };
            pieces.push(Piece::Text(rest[..open].to_owned()));
            pieces.push(Piece::Column(self.column(name), name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Some(pieces)
    }

    pub(super) fn conditions(&mut self, raw: &[RawCondition], path: &Path) -> Vec<Condition> {
        let condition = |(at, raw)| self.condition(raw, &path.key("where").index(at));
        raw.iter().enumerate().filter_map(condition).collect()
    }

    fn condition(&mut self, raw: &RawCondition, path: &Path) -> Option<Condition> {
        let number = |text: &String| Decimal::parse(text);
        let mut tests = Vec::new();
        tests.extend(raw.equals.iter().map(|text| Some(Test::OneOf(vec![text.clone()]))));
        tests.extend(raw.one_of.iter().map(|texts| Some(Test::OneOf(texts.clone()))));
        tests.extend(raw.starts_with.iter().map(|text| Some(Test::StartsWith(text.clone()))));
        tests.extend(raw.above.iter().map(|text| number(text).map(Test::Above)));
        tests.extend(raw.below.iter().map(|text| number(text).map(Test::Below)));
        tests.extend(raw.present.map(|wanted| Some(Test::Present(wanted))));
        if tests.len() != 1 {
            self.problem(path, "exactly one comparison is needed");
            return None;
        }
        let Some(test) = tests.pop().flatten() else {
            self.problem(path, "not a decimal number");
            return None;
        };
        let column = self.column(&raw.column);
        Some(Condition { column, name: raw.column.clone(), test, not: raw.not })
    }

    pub(super) fn time(&mut self, raw: &RawTime, path: &Path) -> Option<TimeSpec> {
        let zone = match raw.zone.as_deref().map(Zone::parse) {
            None => None,
            Some(Ok(zone)) => Some(zone),
            Some(Err(error)) => {
                let problem = Problem::new(path.key("zone"), error.to_string());
                let advice = error.suggestion.map(|near| format!("did you mean `{near}`?"));
                self.problems.push(match advice {
                    Some(advice) => problem.suggest(advice),
                    None => problem,
                });
                return None;
            }
        };
        let format = match raw.format.as_deref() {
            None | Some("rfc3339") => Format::Rfc3339,
            Some("unix_s") => Format::UnixSeconds,
            Some("unix_ms") => Format::UnixMilliseconds,
            Some(pattern) => {
                let offset = ["%z", "%:z", "%Q", "%s"].iter().any(|part| pattern.contains(part));
                if zone.is_none() && !offset {
                    let message = "a pattern without an offset needs a zone";
                    self.problem(&path.key("zone"), message);
                }
                if !pattern.contains('%') {
                    self.problem(&path.key("format"), format!("unknown format `{pattern}`"));
                }
                Format::Pattern(pattern.to_owned(), zone)
            }
        };
        Some(TimeSpec { column: self.column(&raw.column), name: raw.column.clone(), format })
    }

    pub(super) fn columns(&mut self, names: &[String], path: &Path) -> Vec<(ColumnId, String)> {
        if names.iter().any(String::is_empty) {
            self.problem(path, "a column needs a name");
        }
        names.iter().map(|name| (self.column(name), name.clone())).collect()
    }

    pub(super) fn column(&mut self, name: &str) -> ColumnId {
        if let Some(at) = self.columns.iter().position(|known| known == name) {
            return at;
        }
        self.columns.push(name.to_owned());
        self.columns.len() - 1
    }
}
