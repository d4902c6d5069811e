//! How results are printed: a table for people, JSON or YAML for programs.

use clap::ValueEnum;

/// Format of results on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

impl Format {
    /// Prints a value; `table` makes the form for people.
    pub fn print<T: serde::Serialize>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), super::Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            super::Failure::new(crate::error::Exit::Problems, format!("cannot print: {error}"))
        };
        match self {
            Self::Table => print!("{}", table(value)),
            Self::Json => {
                println!("{}", serde_json::to_string_pretty(value).map_err(|e| failed(&e))?);
            }
            Self::Yaml => print!("{}", serde_saphyr::to_string(value).map_err(|e| failed(&e))?),
        }
        Ok(())
    }
}
