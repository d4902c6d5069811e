//! Ends of the process that nothing can be done about: the store is gone from under it. What was
//! not durable was acknowledged to nobody, so ending at once loses nothing.

use engine::codec::DecodeError;
use store::{CommitError, ReadError, Reason};

/// The store cannot be read.
pub fn store_failed(error: &ReadError) -> ! {
    tracing::error!(%error, "ending the process: the store cannot be read");
    std::process::abort();
}

/// A row that the process cannot go on without makes no sense.
pub fn row_damaged(error: &DecodeError) -> ! {
    tracing::error!(%error, "ending the process: the store is damaged");
    std::process::abort();
}

/// A barrier failed: nothing after it can become durable.
pub fn commit_failed(error: &CommitError) -> ! {
    tracing::error!(%error, "ending the process: a commit failed");
    std::process::abort();
}

/// The committer takes nothing more, for another reason than being full.
pub fn store_refused(reason: &Reason) -> ! {
    tracing::error!(%reason, "ending the process: the store takes no transactions");
    std::process::abort();
}
