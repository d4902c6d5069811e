//! Reading recorded customers and events: files in, a stream of [`domain::event::Event`] out.
//!
//! Owns the mapping language (how columns become customers and events), the readers for CSV and
//! NDJSON (plain or `.gz`), and the rejects. Called by the `import` and `simulate` subcommands. It
//! must never touch the engine or the store, never read a clock (`now` is an argument), and never
//! panic on what a file holds: a bad line becomes a [`Reject`], the rest goes on.
//!
//! ```no_run
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use cadencia::import::{Input, Item, Mapping, Options, Reader};
//! # let (text, now) = (String::new(), domain::time::Instant(0));
//! let folder = std::path::Path::new("orchestrator/examples/online-retail");
//! let mapping = Mapping::parse(&text, folder)?;
//! let input = Input::open("lines.csv.gz".as_ref())?;
//! let mut reader = Reader::new(&mapping, input, Options::at(now))?;
//! while let Some(item) = reader.next() {
//!     match item? {
//!         Item::Event(event) => println!("{}", event.message_id),
//!         Item::Alias(alias) => println!("{} is {}", alias.previous, alias.into),
//!         Item::Reject(reject) => eprintln!("line {}: {}", reject.line, reject.reason),
//!     }
//!     let done = reader.progress(); // bytes read of bytes in all, for a progress bar
//! #   let _ = done;
//! }
//! # Ok(()) }
//! ```
//!
//! Events come in the order of their first line. A group of lines (an order) is held until no line
//! of it has come for `within` lines, so memory is bounded by that window, not by the file.

mod compile;
mod decimal;
mod group;
mod input;
mod leaves;
mod mapping;
mod options;
mod reader;
mod record;
mod reject;
mod row;
mod segment;
mod sort;
mod table;
mod timestamp;
mod value;

pub use compile::{Mapping, MappingError};
pub use input::{Input, Progress};
pub use mapping::{MAPPING_KIND, RawMapping};
pub use options::Options;
pub use reader::{Item, ReadError, Reader};
pub use reject::{Reject, RejectsFile};
pub use segment::to_json as to_segment_json;
pub use sort::replay_order;

use domain::customer::ZONE_TRAIT;
use options::Receipt;

/// Longest record in bytes, a quoted CSV record over several lines included. It is also the most
/// that one record can take of memory; a longer one is rejected and reading goes on after it.
pub const RECORD_MAX_BYTES: usize = 1024 * 1024;
/// Most lines of one quoted CSV record. A quote that is never closed would otherwise swallow what
/// follows; beyond this only the line with the quote is rejected.
pub const RECORD_MAX_LINES: usize = 100;
/// Most fields of one CSV record; a record with more is rejected.
pub const RECORD_MAX_FIELDS: usize = 1024;
/// Longest row or group key in bytes: it becomes part of the message id.
pub const KEY_MAX_BYTES: usize = 256;
/// For how many lines a group stays open after its last line, unless the mapping says otherwise.
pub const GROUP_WITHIN_DEFAULT: u64 = 10_000;
/// Most groups and finished records held at one time; at the limit the import ends with an error
/// that advises a smaller `within` or a sorted file.
pub const HELD_MAX: usize = 1_000_000;
/// Most keys remembered for `distinct` and for groups that were closed (16 bytes each).
pub const KEYS_MAX: usize = 16_000_000;
/// Most bytes of a bad record that the rejects file keeps.
pub const REJECT_RAW_MAX_BYTES: usize = 16 * 1024;
/// Most rows of a lookup table; the table is held in memory.
pub const TABLE_MAX_ROWS: usize = 1_000_000;
