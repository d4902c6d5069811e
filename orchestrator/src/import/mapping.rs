//! The YAML shape of a mapping file. What it means is checked in `compile`.
//!
//! ```yaml
//! apiVersion: cadencia/v1
//! kind: ImportMapping
//! metadata: {name: shop}          # also the source: the first part of every message id
//! spec:
//!   format: {csv: {delimiter: ";"}}
//!   tables:
//!     zones: {file: zones.csv, key: country, value: zone, default: Europe/London}
//!   records:
//!     - customer:
//!         distinct: [Customer]            # only the first line of each customer
//!         id: {column: Customer}
//!         zone: {column: Country, lookup: zones}
//!         traits: {email: {column: Mail}, age: {column: Age, as: int, optional: true}}
//!         consent: [{channel: email, granted: {column: OptIn, as: bool}}]
//!     - event:
//!         name: {literal: Order Completed}
//!         where: [{column: Order, starts_with: C, not: true}, {column: Quantity, above: "0"}]
//!         group: {by: [Order], within: 1000}     # order lines -> one event
//!         customer: {column: Customer}
//!         at: {column: Date, format: "%Y-%m-%d %H:%M:%S", zone: Europe/London}
//!         properties:
//!           order_id: {column: Order}
//!           total: {sum: {product: [Quantity, Price], decimals: 2}}
//!           lines: {count: {}}
//! ```
//!
//! Other formats: `{ndjson: {}}`, where a column is a path into the object (`traits.email`), and
//! `{segment: {}}`, lines in the shape of Segment's API, which needs no records.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// The `kind` of a mapping document.
pub const MAPPING_KIND: &str = "ImportMapping";

/// A mapping document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RawMapping {
    /// `cadencia/v1`.
    pub api_version: String,
    /// `ImportMapping`.
    pub kind: String,
    /// Its name.
    pub metadata: RawMetadata,
    /// How lines become customers and events.
    pub spec: RawSpec,
}

/// Name of the document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMetadata {
    /// The source: first part of every message id, so a file is safe to import again.
    pub name: String,
    /// Free labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// How lines become customers and events.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSpec {
    /// What the file looks like.
    pub format: RawFormat,
    /// Tables for `lookup`, by name.
    #[serde(default)]
    pub tables: BTreeMap<String, RawTable>,
    /// What a line (or a group of lines) becomes; every record is tried on every line.
    #[serde(default)]
    pub records: Vec<RawRecord>,
}

/// What the file looks like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RawFormat {
    /// Comma-separated values.
    Csv(RawCsv),
    /// One JSON object per line; a column is a path with dots.
    Ndjson(RawEmpty),
    /// One call of Segment's API per line (`track`, `identify`).
    Segment(RawEmpty),
}

/// No settings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEmpty {}

/// Settings of CSV.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCsv {
    /// One ASCII character; default comma.
    pub delimiter: Option<String>,
    /// Names of the columns of a file without a header line.
    pub columns: Option<Vec<String>>,
}

/// A lookup table: a CSV file with a header, beside the mapping file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTable {
    /// File name, relative to the mapping file.
    pub file: String,
    /// Column to look up.
    pub key: String,
    /// Column of the answer.
    pub value: String,
    /// The answer for what the table does not name; without it such a line is rejected.
    pub default: Option<String>,
}

/// What a line becomes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RawRecord {
    /// An event.
    Event(RawEvent),
    /// Traits, zone and consent of a customer.
    Customer(RawCustomer),
}

/// An event from a line or a group of lines.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEvent {
    /// Name of the event.
    pub name: RawValue,
    /// Conditions that a line must meet; all of them.
    #[serde(default, rename = "where")]
    pub conditions: Vec<RawCondition>,
    /// Makes one event of all lines with the same key.
    pub group: Option<RawGroup>,
    /// Customer id.
    pub customer: RawValue,
    /// When it happened; in a group: on its first line.
    pub at: RawTime,
    /// Columns that identify the line, for the message id. A group has its own key.
    #[serde(default)]
    pub row_key: Vec<String>,
    /// Message id, where the file has one.
    pub message_id: Option<RawValue>,
    /// Properties.
    #[serde(default)]
    pub properties: BTreeMap<String, RawProperty>,
}

/// A group of lines.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGroup {
    /// Columns whose values are the key.
    pub by: Vec<String>,
    /// For how many lines the group stays open after its last line.
    pub within: Option<u64>,
}

/// A customer from a line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCustomer {
    /// Conditions that a line must meet; all of them.
    #[serde(default, rename = "where")]
    pub conditions: Vec<RawCondition>,
    /// Only the first line (that meets the conditions) of each value of these columns.
    #[serde(default)]
    pub distinct: Vec<String>,
    /// Customer id.
    pub id: RawValue,
    /// Since when the traits hold; without it: the moment of the import.
    pub at: Option<RawTime>,
    /// Time zone, by its IANA name.
    pub zone: Option<RawValue>,
    /// Traits.
    #[serde(default)]
    pub traits: BTreeMap<String, RawValue>,
    /// Permissions.
    #[serde(default)]
    pub consent: Vec<RawConsent>,
}

/// A permission. Without channel or topic it stands for all of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConsent {
    /// The channel.
    pub channel: Option<String>,
    /// The topic.
    pub topic: Option<String>,
    /// Whether it is granted; a missing optional value records nothing.
    pub granted: RawValue,
    /// Where it was said; default `import`.
    pub source: Option<String>,
}

/// A value: exactly one of `column`, `literal` and `template`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawValue {
    /// The text of a column.
    pub column: Option<String>,
    /// The same for every line.
    pub literal: Option<serde_json::Value>,
    /// Text with columns in braces: `{CustomerID}@example.com`.
    pub template: Option<String>,
    /// Type; default: text in CSV, the JSON type in NDJSON.
    #[serde(rename = "as")]
    pub kind: Option<RawKind>,
    /// Table in which the text is looked up.
    pub lookup: Option<String>,
    /// An empty or missing value is left out; otherwise it rejects the line.
    #[serde(default)]
    pub optional: bool,
}

/// A property: a value, or in a group a sum or a count.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProperty {
    /// The text of a column; in a group: of its first line.
    pub column: Option<String>,
    /// The same for every line.
    pub literal: Option<serde_json::Value>,
    /// Text with columns in braces.
    pub template: Option<String>,
    /// Type; default: text in CSV, the JSON type in NDJSON.
    #[serde(rename = "as")]
    pub kind: Option<RawKind>,
    /// Table in which the text is looked up.
    pub lookup: Option<String>,
    /// An empty or missing value is left out; otherwise it rejects the line.
    #[serde(default)]
    pub optional: bool,
    /// In a group: the exact sum over its lines.
    pub sum: Option<RawSum>,
    /// In a group: the number of its lines.
    pub count: Option<RawEmpty>,
}

/// An exact decimal sum.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSum {
    /// Columns that are multiplied on each line; one column sums that column.
    pub product: Vec<String>,
    /// Decimals of the result, rounded half away from zero; default 2.
    pub decimals: Option<u32>,
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawKind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// `true`, `false`, `yes`, `no`, `1`, `0`.
    Bool,
    /// Any JSON.
    Json,
}

/// A condition on one column: exactly one of the comparisons.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCondition {
    /// The column. A missing value is the empty text.
    pub column: String,
    /// The text is this.
    pub equals: Option<String>,
    /// The text is one of these.
    pub one_of: Option<Vec<String>>,
    /// The text starts so.
    pub starts_with: Option<String>,
    /// The number is greater; what is no number rejects the line.
    pub above: Option<String>,
    /// The number is smaller; what is no number rejects the line.
    pub below: Option<String>,
    /// There is a value (or none).
    pub present: Option<bool>,
    /// Turns the condition round.
    #[serde(default)]
    pub not: bool,
}

/// An instant.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTime {
    /// The column.
    pub column: String,
    /// `rfc3339` (default), `unix_s`, `unix_ms`, or a pattern of `strptime`.
    pub format: Option<String>,
    /// Zone of a pattern without an offset.
    pub zone: Option<String>,
}
