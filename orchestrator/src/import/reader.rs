//! The loop: records from rows, events out of records, rejects beside them.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::io;

use domain::event::{Alias, Event};

use super::compile::{Format, Inner, Mapping};
use super::group::{GroupContent, GroupState, Held, Queue, hash_of};
use super::input::{Input, Progress};
use super::options::Options;
use super::record::{CustomerRecord, EventRecord, Group, Record, applies, key};
use super::reject::Reject;
use super::row::{Rows, Step};
use super::{GROUP_WITHIN_DEFAULT, HELD_MAX, KEYS_MAX, segment};

/// One result of reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An event.
    Event(Event),
    /// Two customers become one.
    Alias(Alias),
    /// A line or group that made none.
    Reject(Reject),
}

/// Why reading ended before the end of the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read or unpacked.
    #[error("line {line}: {source}")]
    Io {
        /// The last line that was read.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The first line does not name the columns that the mapping reads.
    #[error("{0}")]
    Header(String),
    /// A line belongs to a group whose event has gone out already.
    #[error(
        "line {line}: group `{key}` comes back after its event was made: raise `within` of the \
         group, or sort the file by the group's columns"
    )]
    GroupCameBack {
        /// Key of the group.
        key: String,
        /// The line.
        line: u64,
    },
    /// More than [`HELD_MAX`] groups and events were waiting for a group to end.
    #[error(
        "more than {HELD_MAX} groups are open: lower `within` of the group, or sort the file by \
         the group's columns"
    )]
    TooManyHeld,
    /// More than [`KEYS_MAX`] keys of groups or `distinct`.
    #[error("more than {KEYS_MAX} different keys: split the file")]
    TooManyKeys,
    /// More rejects than the caller allows.
    #[error("more than {0} rejects: the mapping probably does not fit the file")]
    TooManyRejects(u64),
}

/// Reads a file by a mapping: an iterator over events and rejects.
#[derive(Debug)]
pub struct Reader {
    mapping: Mapping,
    options: Options,
    rows: Rows,
    queue: Queue,
    /// Keys seen, by (record, key), of records with `distinct`.
    seen: HashSet<u128>,
    ready: VecDeque<Item>,
    progress: Progress,
    /// The file has ended; the queue empties.
    ended: bool,
    failed: bool,
}

impl Reader {
    /// Starts to read; the header of a CSV file is read and checked at once.
    pub fn new(mapping: &Mapping, input: Input, options: Options) -> Result<Self, ReadError> {
        let Inner { format, columns, .. } = &*mapping.0;
        let bytes_total = input.bytes_total();
        let rows = match format {
            Format::Ndjson | Format::Segment => Rows::ndjson(input, columns),
            Format::Csv { delimiter, names } => {
                Rows::csv(input, *delimiter, names.as_deref(), columns)
                    .map_err(|source| ReadError::Io { line: 0, source })?
                    .map_err(ReadError::Header)?
            }
        };
        Ok(Self {
            mapping: mapping.clone(),
            options,
            rows,
            queue: Queue::default(),
            seen: HashSet::new(),
            ready: VecDeque::new(),
            progress: Progress { bytes_total, ..Progress::default() },
            ended: false,
            failed: false,
        })
    }

    /// How far the file has been read.
    pub fn progress(&self) -> Progress {
        let bytes_read = self.rows.input.bytes_read();
        Progress { bytes_read, lines: self.rows.line, ..self.progress }
    }

    /// The next result; `None` when there is none without reading on.
    fn waiting(&mut self) -> Result<Option<Item>, ReadError> {
        if let Some(item) = self.ready.pop_front() {
            return Ok(Some(item));
        }
        let mapping = self.mapping.clone();
        let line = (!self.ended).then_some(self.rows.line);
        Ok(match self.queue.pop(line, |record| within(&mapping.0.records[record]))? {
            None => None,
            Some(Held::Event(event)) => Some(Item::Event(event)),
            Some(Held::Group(group)) => Some(self.close(group)),
        })
    }

    fn close(&self, group: GroupState) -> Item {
        let reason = match group.content {
            GroupContent::Spoiled(line) => {
                format!("group `{}` makes no event: line {line} was rejected", group.key)
            }
            GroupContent::Draft(draft) => match &self.mapping.0.records[group.record] {
                Record::Event(record) => match record.finish(draft, self.options.receipt) {
                    Ok(event) => return Item::Event(event),
                    Err(reason) => format!("group `{}`: {reason}", group.key),
                },
                // Only event records open groups.
                Record::Customer(_) => format!("group `{}` of a customer", group.key),
            },
        };
        Item::Reject(Reject::new(group.first_line, reason, &[]))
    }

    /// Reads one record and puts what it makes where it belongs.
    fn read(&mut self) -> Result<(), ReadError> {
        let line = self.rows.line;
        match self.rows.step().map_err(|source| ReadError::Io { line, source })? {
            Step::End => self.ended = true,
            Step::Rejected(reject) => self.ready.push_back(Item::Reject(reject)),
            Step::Row => {
                let reasons = self.row()?;
                if !reasons.is_empty() {
                    let reason = reasons.into_iter().collect::<Vec<_>>().join("; ");
                    let row = &self.rows.row;
                    let reject = Reject::new(row.line, reason, &row.raw);
                    self.ready.push_back(Item::Reject(reject));
                }
            }
        }
        Ok(())
    }

    /// Tries every record on the row. Gives the reasons why it is bad, each once.
    fn row(&mut self) -> Result<BTreeSet<String>, ReadError> {
        let mapping = self.mapping.clone();
        let Inner { source, format, records, .. } = &*mapping.0;
        let mut reasons = BTreeSet::new();
        if matches!(format, Format::Segment)
            && let Err(reason) = self.segment(source)?
        {
            reasons.insert(reason);
        }
        for (at, record) in records.iter().enumerate() {
            let done = match record {
                Record::Customer(record) => self.customer(record, at, source)?,
                Record::Event(record) => match &record.group {
                    None => self.event(record, source)?,
                    Some(group) => self.grouped(record, group, at, source)?,
                },
            };
            reasons.extend(done.err());
        }
        Ok(reasons)
    }

    /// What a line in Segment's shape makes.
    fn segment(&mut self, source: &str) -> Result<Result<(), String>, ReadError> {
        let (line, receipt) = (self.rows.row.object(), self.options.receipt);
        let events = match segment::alias(line, receipt) {
            Ok(Some(alias)) => {
                self.ready.push_back(Item::Alias(alias));
                Ok(Vec::new())
            }
            Ok(None) => segment::events(line, source, receipt),
            Err(reason) => Err(reason),
        };
        let events = match events {
            Ok(events) => events,
            Err(reason) => return Ok(Err(reason)),
        };
        for event in events {
            self.queue.push_event(event)?;
        }
        Ok(Ok(()))
    }

    fn event(
        &mut self,
        record: &EventRecord,
        source: &str,
    ) -> Result<Result<(), String>, ReadError> {
        let row = &self.rows.row;
        let made = (|| {
            if !applies(&record.conditions, row)? {
                return Ok(None);
            }
            let key = key(&record.row_key, row)?;
            record.finish(record.draft(row, source, &key)?, self.options.receipt).map(Some)
        })();
        match made {
            Ok(Some(event)) => self.queue.push_event(event).map(Ok),
            Ok(None) => Ok(Ok(())),
            Err(reason) => Ok(Err(reason)),
        }
    }

    fn customer(
        &mut self,
        record: &CustomerRecord,
        at: usize,
        source: &str,
    ) -> Result<Result<(), String>, ReadError> {
        let row = &self.rows.row;
        let made = (|| {
            if !applies(&record.conditions, row)? {
                return Ok(None);
            }
            let key = hash_of(at, &key(&record.distinct, row)?);
            if !record.distinct.is_empty() && self.seen.contains(&key) {
                return Ok(None);
            }
            Ok(Some((key, record.events(row, source, self.options.receipt)?)))
        })();
        let (key, events) = match made {
            Ok(Some(made)) => made,
            Ok(None) => return Ok(Ok(())),
            Err(reason) => return Ok(Err(reason)),
        };
        if !record.distinct.is_empty() {
            if self.seen.len() >= KEYS_MAX {
                return Err(ReadError::TooManyKeys);
            }
            self.seen.insert(key);
        }
        for event in events {
            self.queue.push_event(event)?;
        }
        Ok(Ok(()))
    }

    fn grouped(
        &mut self,
        record: &EventRecord,
        group: &Group,
        at: usize,
        source: &str,
    ) -> Result<Result<(), String>, ReadError> {
        let row = &self.rows.row;
        let line = row.line;
        let meets = applies(&record.conditions, row);
        if meets == Ok(false) {
            return Ok(Ok(()));
        }
        // Without its key a bad line cannot spoil its group.
        let key = match key(&group.by, row) {
            Ok(key) => key,
            Err(reason) => return Ok(Err(reason)),
        };
        let (content, done) = match self.queue.group(at, &key, line)? {
            Some(state) => {
                state.last_line = line;
                let added = match (&mut state.content, meets) {
                    (_, Err(reason)) => Err(reason),
                    (GroupContent::Draft(draft), Ok(_)) => record.add(draft, row),
                    (GroupContent::Spoiled(_), Ok(_)) => Ok(()),
                };
                if added.is_err() && matches!(state.content, GroupContent::Draft(_)) {
                    state.content = GroupContent::Spoiled(line);
                }
                return Ok(added);
            }
            None => {
                let made = meets.and_then(|_| {
                    let mut draft = record.draft(row, source, &key)?;
                    record.add(&mut draft, row)?;
                    Ok(draft)
                });
                match made {
                    Ok(draft) => (GroupContent::Draft(draft), Ok(())),
                    Err(reason) => (GroupContent::Spoiled(line), Err(reason)),
                }
            }
        };
        let state = GroupState { record: at, key, first_line: line, last_line: line, content };
        self.queue.open(state)?;
        Ok(done)
    }

    fn advance(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            if let Some(item) = self.waiting()? {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            self.read()?;
        }
    }

    fn count(&mut self, item: &Item) -> Result<(), ReadError> {
        match item {
            Item::Event(_) | Item::Alias(_) => self.progress.events += 1,
            Item::Reject(_) => self.progress.rejects += 1,
        }
        match self.options.rejects_max {
            Some(max) if self.progress.rejects > max => Err(ReadError::TooManyRejects(max)),
            _ => Ok(()),
        }
    }
}

fn within(record: &Record) -> u64 {
    match record {
        Record::Event(EventRecord { group: Some(group), .. }) => group.within,
        Record::Event(_) | Record::Customer(_) => GROUP_WITHIN_DEFAULT,
    }
}

impl Iterator for Reader {
    type Item = Result<Item, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = match self.advance() {
            Ok(None) => return None,
            Ok(Some(item)) => self.count(&item).map(|()| item),
            Err(error) => Err(error),
        };
        self.failed = next.is_err();
        Some(next)
    }
}
