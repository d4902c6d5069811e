//! Lookup tables: a small CSV file beside the mapping file.

use std::collections::HashMap;
use std::path::Path;

use super::TABLE_MAX_ROWS;
use super::mapping::RawTable;

/// A table, held in memory.
#[derive(Debug)]
pub(super) struct Table {
    rows: HashMap<String, String>,
    default: Option<String>,
}

impl Table {
    /// Reads it from `folder`. The error is one sentence.
    pub(super) fn read(raw: &RawTable, folder: &Path) -> Result<Self, String> {
        let path = folder.join(&raw.file);
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", raw.file);
        let mut reader = csv::Reader::from_path(&path).map_err(|error| fail(&error))?;
        let header = reader.headers().map_err(|error| fail(&error))?.clone();
        let place = |column: &str| {
            let found = header.iter().position(|name| name == column);
            found.ok_or_else(|| fail(&format!("no column `{column}`")))
        };
        let (key, value) = (place(&raw.key)?, place(&raw.value)?);
        let mut rows = HashMap::new();
        for row in reader.records() {
            let row = row.map_err(|error| fail(&error))?;
            if rows.len() == TABLE_MAX_ROWS {
                return Err(fail(&format!("more than {TABLE_MAX_ROWS} rows")));
            }
            let name = row[key].to_owned();
            if rows.insert(name.clone(), row[value].to_owned()).is_some() {
                return Err(fail(&format!("two rows for `{name}`")));
            }
        }
        Ok(Self { rows, default: raw.default.clone() })
    }

    /// The answer, or the default.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.rows.get(key).or(self.default.as_ref()).map(String::as_str)
    }
}
