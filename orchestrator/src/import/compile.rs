//! From the YAML of a mapping to a mapping that reads lines: everything is checked here, and all
//! problems are told at once.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use domain::problem::{Path, Problem};
use domain::value::{Text, Value};

use super::mapping::{
    MAPPING_KIND, RawConsent, RawCustomer, RawEvent, RawFormat, RawMapping, RawProperty, RawRecord,
    RawValue,
};
use super::record::{ConsentSpec, CustomerRecord, EventRecord, Group, Property, Record};
use super::table::Table;
use super::value::From;
use super::{GROUP_WITHIN_DEFAULT, HELD_MAX, RECORD_MAX_FIELDS};

/// A checked mapping. A clone costs one reference count.
#[derive(Clone, Debug)]
pub struct Mapping(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) source: String,
    pub(super) format: Format,
    /// Every column that some record reads; a [`ColumnId`] is an index into it.
    pub(super) columns: Vec<String>,
    pub(super) records: Vec<Record>,
}

#[derive(Debug)]
pub(super) enum Format {
    Csv { delimiter: u8, names: Option<Vec<String>> },
    Ndjson,
    Segment,
}

/// Why a mapping file is refused.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// It is not YAML of the right shape; the text says where.
    #[error("mapping: {0}")]
    Shape(String),
    /// It is, but it makes no sense: every problem, with its path.
    #[error("mapping: {}", lines(.0))]
    Problems(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let advice = problem.suggestion.as_ref().map(|text| format!(" ({text})"));
        format!("{}: {}{}", problem.path, problem.message, advice.unwrap_or_default())
    };
    problems.iter().map(line).collect::<Vec<_>>().join("; ")
}

impl Mapping {
    /// From the text of a mapping file; lookup tables are read from `folder`.
    pub fn parse(text: &str, folder: &FilePath) -> Result<Self, MappingError> {
        let raw: RawMapping =
            serde_saphyr::from_str(text).map_err(|error| MappingError::Shape(error.to_string()))?;
        Self::new(raw, folder)
    }

    /// Lines in the shape of Segment's API: what an NDJSON file without a mapping is taken to be.
    pub fn segment(source: &str) -> Self {
        let (columns, records) = (Vec::new(), Vec::new());
        let source = source.to_owned();
        Self(Arc::new(Inner { source, format: Format::Segment, columns, records }))
    }

    /// From a mapping that was deserialised elsewhere.
    pub fn new(raw: RawMapping, folder: &FilePath) -> Result<Self, MappingError> {
        let mut compiler = Compiler::default();
        compiler.header(&raw);
        let spec = Path::root().key("spec");
        compiler.tables(&raw, &spec, folder);
        let format = compiler.format(&raw.spec.format, &spec.key("format"));
        let mut records = Vec::new();
        for (at, record) in raw.spec.records.iter().enumerate() {
            let path = spec.key("records").index(at);
            records.extend(match record {
                RawRecord::Event(raw) => compiler.event(raw, &path.key("event")),
                RawRecord::Customer(raw) => compiler.customer(raw, &path.key("customer")),
            });
        }
        match (&format, records.is_empty()) {
            (Format::Segment, false) => {
                let message = "the format `segment` has its own records";
                compiler.problem(&spec.key("records"), message);
            }
            (Format::Csv { .. } | Format::Ndjson, true) if compiler.problems.is_empty() => {
                compiler.problem(&spec.key("records"), "no record: nothing would be imported");
            }
            _ => {}
        }
        if !compiler.problems.is_empty() {
            return Err(MappingError::Problems(compiler.problems));
        }
        let source = raw.metadata.name;
        Ok(Self(Arc::new(Inner { source, format, columns: compiler.columns, records })))
    }

    /// The source: the first part of every message id.
    pub fn source(&self) -> &str {
        &self.0.source
    }
}

/// What has been found so far.
#[derive(Default)]
pub(super) struct Compiler {
    pub(super) problems: Vec<Problem>,
    /// Columns named so far; their places are the ids.
    pub(super) columns: Vec<String>,
    pub(super) tables: BTreeMap<String, Arc<Table>>,
    /// All declared tables, those that could not be read included.
    pub(super) table_names: Vec<String>,
}

impl Compiler {
    pub(super) fn problem(&mut self, path: &Path, message: impl Into<String>) {
        self.problems.push(Problem::new(path.clone(), message));
    }

    fn header(&mut self, raw: &RawMapping) {
        let root = Path::root();
        if raw.api_version != "cadencia/v1" {
            self.problem(&root.key("apiVersion"), "expected `cadencia/v1`");
        }
        if raw.kind != MAPPING_KIND {
            self.problem(&root.key("kind"), format!("expected `{MAPPING_KIND}`"));
        }
        if raw.metadata.name.is_empty() || raw.metadata.name.len() > 64 {
            self.problem(&root.key("metadata").key("name"), "1 to 64 bytes are allowed");
        }
    }

    fn tables(&mut self, raw: &RawMapping, spec: &Path, folder: &FilePath) {
        for (name, table) in &raw.spec.tables {
            self.table_names.push(name.clone());
            match Table::read(table, folder) {
                Ok(table) => drop(self.tables.insert(name.clone(), Arc::new(table))),
                Err(message) => self.problem(&spec.key("tables").key(name), message),
            }
        }
    }

    fn format(&mut self, raw: &RawFormat, path: &Path) -> Format {
        match raw {
            RawFormat::Ndjson(_) => Format::Ndjson,
            RawFormat::Segment(_) => Format::Segment,
            RawFormat::Csv(csv) => {
                let path = path.key("csv");
                let delimiter = match csv.delimiter.as_deref().map(str::as_bytes) {
                    None => b',',
                    Some([byte]) if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
                    Some(_) => {
                        self.problem(&path.key("delimiter"), "expected one ASCII character");
                        b','
                    }
                };
                let count = csv.columns.as_ref().map_or(1, Vec::len);
                if count == 0 || count > RECORD_MAX_FIELDS {
                    let message = format!("1 to {RECORD_MAX_FIELDS} columns are allowed");
                    self.problem(&path.key("columns"), message);
                }
                Format::Csv { delimiter, names: csv.columns.clone() }
            }
        }
    }

    fn event(&mut self, raw: &RawEvent, path: &Path) -> Option<Record> {
        let before = self.problems.len();
        let conditions = self.conditions(&raw.conditions, path);
        let name = self.value(&raw.name, &path.key("name"));
        let customer = self.value(&raw.customer, &path.key("customer"));
        let at = self.time(&raw.at, &path.key("at"));
        let message_id =
            raw.message_id.as_ref().map(|raw| self.value(raw, &path.key("message_id")));
        let row_key = self.columns(&raw.row_key, &path.key("row_key"));
        let group = raw.group.as_ref().map(|raw| {
            let path = path.key("group");
            let within = raw.within.unwrap_or(GROUP_WITHIN_DEFAULT);
            if raw.by.is_empty() {
                self.problem(&path.key("by"), "a group needs at least one column");
            }
            if within > HELD_MAX as u64 {
                self.problem(&path.key("within"), format!("at most {HELD_MAX} lines"));
            }
            Group { by: self.columns(&raw.by, &path.key("by")), within }
        });
        if group.is_none() && message_id.is_none() && row_key.is_empty() {
            let problem = Problem::new(path.clone(), "nothing identifies a line");
            let advice = "name its columns in `row_key`, or give a `message_id`, so that the file \
                          can be imported again safely";
            self.problems.push(problem.suggest(advice));
        }
        let mut properties = Vec::new();
        for (name, raw) in &raw.properties {
            let path = path.key("properties").key(name);
            if let Some(property) = self.property(raw, group.is_some(), &path) {
                properties.push((Text::from(name.as_str()), property));
            }
        }
        (self.problems.len() == before).then_some(())?;
        let (name, customer, at, message_id) = (name?, customer?, at?, message_id.flatten());
        Some(Record::Event(EventRecord {
            conditions,
            name,
            customer,
            at,
            message_id,
            row_key,
            group,
            properties,
        }))
    }

    fn customer(&mut self, raw: &RawCustomer, path: &Path) -> Option<Record> {
        let before = self.problems.len();
        let conditions = self.conditions(&raw.conditions, path);
        let distinct = self.columns(&raw.distinct, &path.key("distinct"));
        let id = self.value(&raw.id, &path.key("id"));
        let at = raw.at.as_ref().map(|raw| self.time(raw, &path.key("at")));
        let zone = raw.zone.as_ref().map(|raw| self.value(raw, &path.key("zone")));
        let mut traits = Vec::new();
        for (name, raw) in &raw.traits {
            if let Some(value) = self.value(raw, &path.key("traits").key(name)) {
                traits.push((Text::from(name.as_str()), value));
            }
        }
        let mut consent = Vec::new();
        for (at, raw) in raw.consent.iter().enumerate() {
            consent.extend(self.consent(raw, &path.key("consent").index(at)));
        }
        (self.problems.len() == before).then_some(())?;
        let (id, at, zone) = (id?, at.flatten(), zone.flatten());
        Some(Record::Customer(CustomerRecord {
            conditions,
            distinct,
            id,
            at,
            zone,
            traits,
            consent,
        }))
    }

    fn consent(&mut self, raw: &RawConsent, path: &Path) -> Option<ConsentSpec> {
        let granted = self.value(&raw.granted, &path.key("granted"))?;
        if let From::Literal(value) = &granted.from
            && !matches!(value, Value::Bool(_))
        {
            self.problem(&path.key("granted").key("literal"), "expected true or false");
        }
        Some(ConsentSpec {
            channel: raw.channel.as_deref().map(Into::into),
            topic: raw.topic.as_deref().map(Into::into),
            granted,
            source: raw.source.clone().unwrap_or_else(|| "import".to_owned()),
        })
    }

    fn property(&mut self, raw: &RawProperty, grouped: bool, path: &Path) -> Option<Property> {
        let plain = RawValue {
            column: raw.column.clone(),
            literal: raw.literal.clone(),
            template: raw.template.clone(),
            kind: raw.kind,
            lookup: raw.lookup.clone(),
            optional: raw.optional,
        };
        let sources = [
            plain.column.is_some() || plain.literal.is_some() || plain.template.is_some(),
            raw.sum.is_some(),
            raw.count.is_some(),
        ];
        if sources.iter().filter(|there| **there).count() > 1 {
            self.problem(path, "only one of a value, `sum` and `count` is allowed");
            return None;
        }
        if (raw.sum.is_some() || raw.count.is_some()) && !grouped {
            self.problem(path, "`sum` and `count` need a `group`");
            return None;
        }
        if raw.count.is_some() {
            return Some(Property::Count);
        }
        let Some(sum) = &raw.sum else { return self.value(&plain, path).map(Property::Value) };
        let path = path.key("sum");
        if sum.product.is_empty() || sum.product.len() > 4 {
            self.problem(&path.key("product"), "1 to 4 columns are allowed");
        }
        let decimals = sum.decimals.unwrap_or(2);
        if decimals > 12 {
            self.problem(&path.key("decimals"), "0 to 12 are allowed");
        }
        let columns = sum.product.iter().map(|name| (self.column(name), name.clone())).collect();
        Some(Property::Sum { columns, decimals })
    }
}
