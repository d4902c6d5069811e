//! `cadencia schema`

use super::Failure;
use crate::config::schema;
use crate::error::Exit;

pub(super) fn run() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&schema::schema())
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    println!("{text}");
    Ok(())
}
