//! The contact policy: may this message go to this customer now, and if not, why and when.
//!
//! Owns the rules, one file each, the gate that asks them all, the ledger row that caps count, and
//! the order in which competing sends ask. Called by the engine inside a turn, and by whoever
//! validates definitions. It must never read a clock or a store, reserve anything, or log: the
//! request, the customer's history, the policy set and the instant are arguments.

mod arbitrate;
mod gate;
mod ledger;
mod lint;
mod policy;
mod request;
pub mod rules;
mod set;
mod yaml;

pub use arbitrate::{Candidate, arbitrate, release_spread};
pub use gate::{HOLD_ROUNDS_MAX, allows, decide, stands_in_the_way};
pub use ledger::{CountState, Counts, History, LEDGER_ROW_BYTES, LedgerRow, LedgerRowError, Marks};
pub use lint::{Lint, lint};
pub use policy::{ContactPolicy, DocumentProblem, PolicyDocument, RULES_MAX, Rule, RuleBody};
pub use request::{Request, Subject};
pub use rules::Outcome;
pub use rules::consent::ConsentNeed;
pub use set::{
    ADVERTISING, BUILT_IN_RULES, ClassBits, MARKETING, NameKind, Names, PolicySet, TRANSACTIONAL,
};
pub use yaml::{RawClass, RawContactPolicy, RawRule};
