//! Tests of Cadencia through its public interfaces, with the real counterparts.

pub mod store_contract;
