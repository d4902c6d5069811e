//! What is published: the definitions in force, every journey version that may still have
//! enrollments, and what has been paused. One row of the store, replaced as a whole.

mod plan;
mod publication;

pub use plan::{Change, ChangeKind, FieldChange, InFlight, Plan, differences, plan};
pub use publication::{
    Built, Publication, PublicationError, StoredDocument, StoredVersion, publication_key,
};
