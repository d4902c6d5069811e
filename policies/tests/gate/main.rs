//! Tests of the contact policy against its rules (orchestrator/docs/semantics.md 15 to 24).

mod arbitration;

mod caps;
mod codec;
mod depth;
mod edge_cases;
mod examples;
mod fixture;
mod hours;
mod lints;
mod oracle;
mod properties;
mod quarters;
mod verdicts;
mod worked_example;
mod yaml;
