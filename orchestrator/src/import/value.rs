//! Values of a line: a column, a literal or a template; looked up, typed.

use std::borrow::Cow;
use std::sync::Arc;

use domain::value::Value;
use serde_json::Value as Json;

use super::decimal::Decimal;
use super::mapping::RawKind;
use super::row::{Cell, ColumnId, Row};
use super::table::Table;

/// Where a value comes from, and what it becomes.
#[derive(Clone, Debug)]
pub(super) struct ValueSpec {
    pub(super) from: From,
    pub(super) kind: Option<RawKind>,
    pub(super) lookup: Option<Arc<Table>>,
    pub(super) optional: bool,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum From {
    Column(ColumnId, String),
    Literal(Value),
    Template(Vec<Piece>),
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Column(ColumnId, String),
}

impl ValueSpec {
    /// The value; `None` if it is optional and missing. The error says why the line is bad.
    pub(super) fn read(&self, row: &Row) -> Result<Option<Value>, String> {
        if self.lookup.is_none() {
            match &self.from {
                From::Literal(value) => return Ok(Some(value.clone())),
                From::Column(column, name) if matches!(row.cell(*column), Cell::Json(_)) => {
                    return self.typed_json(row.cell(*column), name);
                }
                From::Column(..) | From::Template(_) => {}
            }
        }
        let Some(text) = self.text(row)? else { return Ok(None) };
        typed(&text, self.kind.unwrap_or(RawKind::Text))
            .map(Some)
            .ok_or_else(|| format!("{}`{text}` is not {}", self.label(), self.kind_name()))
    }

    /// The value as text, whatever its type; for ids, keys, names and zones.
    pub(super) fn text<'r>(&'r self, row: &'r Row) -> Result<Option<Cow<'r, str>>, String> {
        let text = match &self.from {
            From::Column(column, _) => row.cell(*column).text(),
            From::Literal(Value::Text(text)) => Some(Cow::Borrowed(&**text)),
            From::Literal(value) => Some(Cow::Owned(value.to_json().to_string())),
            From::Template(pieces) => fill(pieces, row, self.optional)?,
        };
        let Some(text) = text else {
            return if self.optional { Ok(None) } else { Err(format!("{}no value", self.label())) };
        };
        match &self.lookup {
            None => Ok(Some(text)),
            Some(table) => match table.get(&text) {
                Some(found) => Ok(Some(Cow::Borrowed(found))),
                None => Err(format!("{}`{text}` is not in the table", self.label())),
            },
        }
    }

    fn typed_json(&self, cell: Cell<'_>, name: &str) -> Result<Option<Value>, String> {
        let Cell::Json(json) = cell else { return Ok(None) };
        let same = match self.kind {
            None | Some(RawKind::Json) => true,
            Some(RawKind::Bool) => json.is_boolean(),
            Some(RawKind::Int) => json.is_i64(),
            Some(RawKind::Float) => json.is_number(),
            Some(RawKind::Text) => json.is_string(),
        };
        if same {
            let value = Value::from_json(json).map_err(|error| format!("`{name}`: {error}"))?;
            return Ok(Some(value));
        }
        let text = cell.text().unwrap_or_default();
        typed(&text, self.kind.unwrap_or(RawKind::Json))
            .map(Some)
            .ok_or_else(|| format!("`{name}`: `{text}` is not {}", self.kind_name()))
    }

    fn label(&self) -> String {
        match &self.from {
            From::Column(_, name) => format!("`{name}`: "),
            From::Literal(_) | From::Template(_) => String::new(),
        }
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            Some(RawKind::Int) => "a whole number",
            Some(RawKind::Float) => "a number",
            Some(RawKind::Bool) => "true or false",
            Some(RawKind::Json) => "JSON",
            Some(RawKind::Text) | None => "text",
        }
    }
}

/// Fills a template; `None` if a column is missing and the value is optional.
fn fill<'r>(pieces: &[Piece], row: &Row, optional: bool) -> Result<Option<Cow<'r, str>>, String> {
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Column(column, name) => match row.cell(*column).text() {
                Some(text) => filled.push_str(&text),
                None if optional => return Ok(None),
                None => return Err(format!("`{name}`: no value")),
            },
        }
    }
    Ok(Some(Cow::Owned(filled)))
}

/// A text as a value of a type.
fn typed(text: &str, kind: RawKind) -> Option<Value> {
    Some(match kind {
        RawKind::Text => Value::from(text),
        RawKind::Int => Value::Int(text.trim().parse().ok()?),
        RawKind::Float => {
            let number: f64 = text.trim().parse().ok()?;
            // `NaN` and `inf` are no numbers of a shop.
            number.is_finite().then_some(Value::Float(number))?
        }
        RawKind::Bool => Value::Bool(match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true,
            "false" | "no" | "0" => false,
            _ => return None,
        }),
        RawKind::Json => Value::from_json(&serde_json::from_str::<Json>(text).ok()?).ok()?,
    })
}

/// A condition on one column.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) column: ColumnId,
    pub(super) name: String,
    pub(super) test: Test,
    pub(super) not: bool,
}

/// What is compared.
#[derive(Clone, Debug)]
pub(super) enum Test {
    OneOf(Vec<String>),
    StartsWith(String),
    Above(Decimal),
    Below(Decimal),
    Present(bool),
}

impl Condition {
    /// Whether a line meets it. The error says why the line is bad.
    pub(super) fn holds(&self, row: &Row) -> Result<bool, String> {
        let text = row.cell(self.column).text();
        let words = text.as_deref().unwrap_or_default();
        let compare = |limit: &Decimal| {
            let number = Decimal::parse(words);
            number
                .and_then(|number| number.compare(*limit))
                .ok_or_else(|| format!("`{}`: `{words}` is not a number", self.name))
        };
        let holds = match &self.test {
            Test::OneOf(wanted) => wanted.iter().any(|wanted| wanted == words),
            Test::StartsWith(start) => words.starts_with(start.as_str()),
            Test::Above(limit) => compare(limit)?.is_gt(),
            Test::Below(limit) => compare(limit)?.is_lt(),
            Test::Present(wanted) => text.is_some() == *wanted,
        };
        Ok(holds != self.not)
    }
}
