//! What a scenario found: one JSON object, or a table.

use serde::Serialize;
use serde_json::{Map, Value};

use super::machine::{Machine, load_average};

/// A measurement.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Its scenario.
    pub scenario: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Where it was measured.
    pub machine: Machine,
    /// What was measured, and what the load generator took.
    pub settings: Map<String, Value>,
    /// What was found.
    pub figures: Map<String, Value>,
    /// What the machine could do at most, measured in the same run.
    pub limits: Map<String, Value>,
    /// Figures over limits.
    pub ratios: Map<String, Value>,
}

impl Report {
    pub(super) fn new(scenario: &'static str) -> Self {
        let mut report = Self {
            scenario,
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::this(),
            settings: Map::new(),
            figures: Map::new(),
            limits: Map::new(),
            ratios: Map::new(),
        };
        report.set("load_average_before", rounded(load_average()));
        report
    }

    /// Says how it was measured.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// Says what was found.
    pub(super) fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), rounded(value));
    }

    /// Says what would be possible at most.
    pub(super) fn limit(&mut self, name: &str, value: f64) {
        self.limits.insert(name.to_owned(), rounded(value));
    }

    /// Holds a figure against a limit.
    pub(super) fn ratio(&mut self, name: &str, figure: f64, limit: f64) {
        let ratio = if limit > 0.0 { figure / limit } else { 0.0 };
        self.ratios.insert(name.to_owned(), rounded(ratio));
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} (cadencia {}, {} cores, {} GiB)\n",
            self.scenario, self.version, self.machine.cores, self.machine.memory_gib
        );
        let parts = [
            ("figures", &self.figures),
            ("limits", &self.limits),
            ("ratios", &self.ratios),
            ("settings", &self.settings),
        ];
        for (title, values) in parts.into_iter().filter(|(_, values)| !values.is_empty()) {
            text.push_str(&format!("  {title}\n"));
            for (name, value) in values {
                text.push_str(&format!("    {name:<28} {value:>14}\n"));
            }
        }
        text
    }
}

/// With as many digits as mean something.
pub(super) fn rounded(value: f64) -> Value {
    let scale = if value.abs() >= 100.0 { 1.0 } else { 1_000.0 };
    Value::from((value * scale).round() / scale)
}
