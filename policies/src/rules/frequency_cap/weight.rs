//! As how many sends a message counts for a cap: the first entry of its list that the message is
//! in the scope of decides; without one it counts once.
//!
//! ```yaml
//! weights:
//!   - {scope: {channels: [sms]}, count_as: 2}
//!   - {scope: {labels: {size: big}}, count_as: 3}
//! ```

use domain::ids::NameId;
use domain::problem::{Path, Problem};
use schemars::JsonSchema;
use serde::Deserialize;

use super::scope_table::ScopeTable;
use crate::ledger::LedgerRow;
use crate::request::Request;
use crate::rules::scope::{Naming, RawScope, Scope};
use crate::set::Names;

/// Most entries of one list: more cannot be read by a person.
pub const WEIGHTS_MAX: usize = 16;
/// Heaviest message. What counts for more than a hundred is kept apart by a cap of its own.
pub const WEIGHT_MAX: u32 = 100;

/// An entry as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWeight {
    /// Which messages it is about.
    pub scope: RawScope,
    /// As how many sends each of them counts.
    #[schemars(range(min = 1, max = 100))]
    pub count_as: u32,
}

/// An entry, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight<N: Naming> {
    /// Which messages it is about.
    pub scope: Scope<N>,
    /// As how many sends each of them counts, 1 to [`WEIGHT_MAX`].
    pub count_as: u32,
}

pub(super) fn validate(
    raw: &[RawWeight],
    path: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Weight<String>> {
    if raw.len() > WEIGHTS_MAX {
        problems.push(Problem::new(path.clone(), format!("more than {WEIGHTS_MAX} weights")));
    }
    let entry = |(at, raw): (usize, &RawWeight)| {
        let path = path.index(at);
        if !(1..=WEIGHT_MAX).contains(&raw.count_as) {
            let message = format!("a message counts as 1 to {WEIGHT_MAX}");
            let problem = Problem::new(path.key("count_as"), message);
            problems.push(problem.suggest("keep what does not count out by the cap's `scope`"));
        }
        let scope = raw.scope.validate(&path.key("scope"), problems);
        Weight { scope, count_as: raw.count_as }
    };
    raw.iter().enumerate().map(entry).collect()
}

impl Weight<String> {
    pub(super) fn compile(&self, names: &impl Names) -> Weight<NameId> {
        Weight { scope: self.scope.compile(names), count_as: self.count_as }
    }
}

/// A list, laid out for looking up.
#[derive(Clone, Debug, Default)]
pub(super) struct WeightTable {
    scopes: ScopeTable,
    counts: Vec<u32>,
}

impl WeightTable {
    pub(super) fn new(weights: &[Weight<NameId>]) -> Self {
        let mut table = Self::default();
        for (at, weight) in weights.iter().enumerate() {
            table.scopes.add(1 << at, &weight.scope);
            table.counts.push(weight.count_as);
        }
        table
    }

    fn first(&self, bits: u64) -> u32 {
        self.counts.get(bits.trailing_zeros() as usize).copied().unwrap_or(1)
    }

    /// As how many sends a request counts.
    pub(super) fn of_request(&self, request: &Request<'_>) -> u32 {
        self.first(self.scopes.of_request(request))
    }

    /// As how many sends a row counts.
    pub(super) fn of_row(&self, row: &LedgerRow) -> u32 {
        self.first(self.scopes.of_row::<true>(row))
    }
}
