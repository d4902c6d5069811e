//! The physical limit: appending the same payload to a plain file with one sync per full group.

use super::{NOTE_BYTES, RECORD_BYTES, ROW_BYTES};
use crate::{error::OpenError, group::GROUP_TRANSACTIONS_MAX, open::Monotonic};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::Duration,
};

/// How long the limit is measured.
const DURATION: Duration = Duration::from_secs(1);

/// Events per second that a plain append with `fdatasync` per 512 events reaches in `directory`.
pub fn append_fsync_per_s(directory: &Path, monotonic: &Monotonic) -> Result<f64, OpenError> {
    let io = || OpenError::io(format!("append in {}", directory.display()));
    fs::create_dir_all(directory).map_err(io())?;
    let path = directory.join("append.bench");
    let mut file = File::create(&path).map_err(io())?;
    let group = vec![0x5a; (RECORD_BYTES + ROW_BYTES + NOTE_BYTES + 64) * GROUP_TRANSACTIONS_MAX];
    let began = monotonic();
    let (mut events, mut took) = (0, Duration::ZERO);
    while took < DURATION {
        file.write_all(&group).map_err(io())?;
        file.sync_data().map_err(io())?;
        events += GROUP_TRANSACTIONS_MAX;
        took = monotonic().saturating_sub(began);
    }
    drop(file);
    fs::remove_file(&path).map_err(io())?;
    Ok(events as f64 / took.as_secs_f64())
}
