//! Lines as records: quoted CSV over several lines, NDJSON; each bounded, each bad one told.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde_json::Value as Json;

use super::input::Input;
use super::reject::Reject;
use super::{RECORD_MAX_BYTES, RECORD_MAX_FIELDS, RECORD_MAX_LINES};

/// Index of a column in the mapping's list of columns.
pub(super) type ColumnId = usize;

/// What one column of a record holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell<'a> {
    /// Nothing: not there, empty, or null.
    Missing,
    Text(&'a str),
    Json(&'a Json),
}

impl<'a> Cell<'a> {
    /// As text: numbers and other JSON as they are written.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Cell::Missing => None,
            Cell::Text(text) => (!text.is_empty()).then_some(Cow::Borrowed(text)),
            Cell::Json(Json::String(text)) => Cell::Text(text).text(),
            Cell::Json(json) => Some(Cow::Owned(json.to_string())),
        }
    }
}

/// One record of the file.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Line on which it starts, from 1.
    pub(super) line: u64,
    /// As it stood in the file.
    pub(super) raw: Vec<u8>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Fields side by side, with the place in them of each column of the mapping.
    Csv { text: String, ends: Vec<usize>, places: Vec<usize> },
    /// An object, with the path of each column of the mapping.
    Json { object: Json, paths: Vec<Vec<String>> },
}

impl Default for Content {
    fn default() -> Self {
        Self::Json { object: Json::Null, paths: Vec::new() }
    }
}

impl Row {
    /// What the column holds.
    pub(super) fn cell(&self, column: ColumnId) -> Cell<'_> {
        match &self.content {
            Content::Csv { text, ends, places } => {
                let place = places[column];
                let start = if place == 0 { 0 } else { ends[place - 1] };
                match &text[start..ends[place]] {
                    "" => Cell::Missing,
                    field => Cell::Text(field),
                }
            }
            Content::Json { object, paths } => {
                let found = paths[column].iter().try_fold(object, |at, key| at.get(key));
                match found {
                    None | Some(Json::Null) => Cell::Missing,
                    Some(json) => Cell::Json(json),
                }
            }
        }
    }

    /// The whole object, of an NDJSON line.
    pub(super) fn object(&self) -> &Json {
        match &self.content {
            Content::Json { object, .. } => object,
            Content::Csv { .. } => &Json::Null,
        }
    }
}

/// What reading on has brought.
pub(super) enum Step {
    /// A record, in [`Rows::row`].
    Row,
    Rejected(Reject),
    End,
}

/// Reads records one after the other.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) input: Input,
    pub(super) row: Row,
    /// Number of the last line taken.
    pub(super) line: u64,
    /// Lines handed back, because the record that they were taken for never ended.
    pending: VecDeque<Vec<u8>>,
    csv: Option<Csv>,
}

#[derive(Debug)]
struct Csv {
    /// Kept, because building its tables takes longer than reading a record.
    parser: Reader,
    /// Number of fields that every record must have.
    fields: usize,
    buffer: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    /// NDJSON, with the path of each column.
    pub(super) fn ndjson(input: Input, columns: &[String]) -> Self {
        let split = |column: &String| column.split('.').map(str::to_owned).collect();
        let paths = columns.iter().map(split).collect();
        let content = Content::Json { object: Json::Null, paths };
        Self::new(input, None, Row { content, ..Row::default() })
    }

    /// CSV; `names` are those of a file without a header. The error says what is wrong with the
    /// header.
    pub(super) fn csv(
        input: Input,
        delimiter: u8,
        names: Option<&[String]>,
        columns: &[String],
    ) -> io::Result<Result<Self, String>> {
        let ends = vec![0; RECORD_MAX_FIELDS + 1];
        let parser = ReaderBuilder::new().delimiter(delimiter).build();
        let csv = Csv { parser, fields: 0, buffer: Vec::new(), ends };
        let content = Content::Csv { text: String::new(), ends: Vec::new(), places: Vec::new() };
        let mut rows = Self::new(input, Some(csv), Row { content, ..Row::default() });
        let header = match names {
            Some(names) => names.to_vec(),
            None => match rows.step()? {
                Step::End => return Ok(Err("the file is empty, its header is missing".into())),
                Step::Rejected(reject) => return Ok(Err(format!("header: {}", reject.reason))),
                Step::Row => rows.fields(),
            },
        };
        let mut found = Vec::with_capacity(columns.len());
        for column in columns {
            match header.iter().position(|name| name == column) {
                Some(place) => found.push(place),
                None => {
                    let known = header.join("`, `");
                    return Ok(Err(format!("no column `{column}` among `{known}`")));
                }
            }
        }
        if let Content::Csv { places, .. } = &mut rows.row.content {
            *places = found;
        }
        if let Some(csv) = &mut rows.csv {
            csv.fields = header.len();
        }
        Ok(Ok(rows))
    }

    fn new(input: Input, csv: Option<Csv>, row: Row) -> Self {
        Self { input, row, line: 0, pending: VecDeque::new(), csv }
    }

    /// Reads the next record; empty lines are passed over.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        loop {
            self.row.raw.clear();
            let Some(fits) = self.take_line()? else { return Ok(Step::End) };
            self.row.line = self.line;
            if !fits {
                return Ok(self.reject(format!("longer than {RECORD_MAX_BYTES} bytes")));
            }
            if self.row.raw.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return if self.csv.is_some() { self.csv_record() } else { Ok(self.json_record()) };
        }
    }

    /// Appends the next line to the row's bytes.
    fn take_line(&mut self) -> io::Result<Option<bool>> {
        if let Some(line) = self.pending.pop_front() {
            self.line += 1;
            self.row.raw.extend_from_slice(&line);
            return Ok(Some(true));
        }
        let room = RECORD_MAX_BYTES.saturating_sub(self.row.raw.len());
        let taken = self.input.line(&mut self.row.raw, room)?;
        if taken.is_some() {
            self.line += 1;
        }
        if self.line == 1 && self.row.raw.starts_with(b"\xef\xbb\xbf") {
            self.row.raw.drain(..3);
        }
        Ok(taken)
    }

    fn reject(&self, reason: impl Into<String>) -> Step {
        Step::Rejected(Reject::new(self.row.line, reason, &self.row.raw))
    }

    fn json_record(&mut self) -> Step {
        match serde_json::from_slice::<Json>(&self.row.raw) {
            Ok(json @ Json::Object(_)) => {
                if let Content::Json { object, .. } = &mut self.row.content {
                    *object = json;
                }
                Step::Row
            }
            Ok(_) => self.reject("not a JSON object"),
            Err(error) => self.reject(format!("not JSON: {error}")),
        }
    }

    fn csv_record(&mut self) -> io::Result<Step> {
        if let Some(csv) = &mut self.csv {
            csv.parser.reset();
        }
        let (mut fed, mut out, mut fields, mut starts) = (0, 0, 0, Vec::new());
        loop {
            // A last line without line end is complete all the same.
            if !self.row.raw.ends_with(b"\n") {
                self.row.raw.push(b'\n');
            }
            let Some(csv) = &mut self.csv else { return Ok(Step::End) };
            csv.buffer.resize(self.row.raw.len() + 1, 0);
            let (result, _, written, ended) = csv.parser.read_record(
                &self.row.raw[fed..],
                &mut csv.buffer[out..],
                &mut csv.ends[fields..],
            );
            (out, fields) = (out + written, fields + ended);
            match result {
                ReadRecordResult::Record => return Ok(self.csv_fields(out, fields)),
                ReadRecordResult::OutputEndsFull => {
                    return Ok(self.reject(format!("more than {RECORD_MAX_FIELDS} fields")));
                }
                // The line end belongs to a quoted field: the record goes on on the next line.
                _ => {}
            }
            fed = self.row.raw.len();
            starts.push(fed);
            let more = starts.len() < RECORD_MAX_LINES && self.take_line()? == Some(true);
            if !more {
                return Ok(self.unclosed(&starts));
            }
        }
    }

    /// Rejects the first line of a record whose quote is never closed and hands back the others.
    fn unclosed(&mut self, starts: &[usize]) -> Step {
        let first = starts[0];
        let mut rest = &self.row.raw[first..];
        let mut lines = Vec::new();
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            lines.push(rest[..end].to_vec());
            rest = &rest[end..];
        }
        self.line = self.row.line;
        for line in lines.into_iter().rev() {
            self.pending.push_front(line);
        }
        self.row.raw.truncate(first);
        self.reject(format!("a quote is not closed within {RECORD_MAX_LINES} lines"))
    }

    fn csv_fields(&mut self, out: usize, fields: usize) -> Step {
        let Some(csv) = &self.csv else { return Step::End };
        if csv.fields != 0 && fields != csv.fields {
            return self.reject(format!("{fields} fields instead of {}", csv.fields));
        }
        let Ok(all) = std::str::from_utf8(&csv.buffer[..out]) else {
            return self.reject("not UTF-8");
        };
        if let Content::Csv { text, ends, .. } = &mut self.row.content {
            text.clear();
            text.push_str(all);
            ends.clear();
            ends.extend_from_slice(&csv.ends[..fields]);
            // Fields end at ASCII characters; were it otherwise, slicing must not panic.
            if !ends.iter().all(|end| text.is_char_boundary(*end)) {
                return self.reject("not UTF-8");
            }
        }
        Step::Row
    }

    fn fields(&self) -> Vec<String> {
        let Content::Csv { text, ends, .. } = &self.row.content else { return Vec::new() };
        let mut start = 0;
        ends.iter()
            .map(|end| {
                let field = text[start..*end].trim().to_owned();
                start = *end;
                field
            })
            .collect()
    }
}
