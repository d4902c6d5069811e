//! A full disk: the barrier fails, it is said once, and nothing that was durable is lost.
//!
//! Needs a file system of its own, which only root can mount; without that the test says loudly
//! that it did not run.

use super::subject::{Heard, LOG, PATIENCE, ear, settings};
use std::{path::Path, process::Command};
use store::{Read, Transaction, Write, embedded};
use xxhash_rust::xxh3::xxh3_64;

/// A small file system in memory, unmounted at the end.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(mib: u32) -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let size = format!("size={mib}m");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], directory.path()).then_some(Mount(directory))
    }

    fn grow(&self, mib: u32) -> bool {
        mount(&["-o", &format!("remount,size={mib}m")], self.0.path())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Left mounted when this fails; the directory's removal then fails too and shows it.
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

/// 100 kB that can't be compressed.
fn noise(seq: u64) -> Vec<u8> {
    let word = |at: u64| xxh3_64(&[seq.to_be_bytes(), at.to_be_bytes()].concat());
    (0..12_500).flat_map(|at| word(at).to_be_bytes()).collect()
}

#[test]
fn a_full_disk_fails_the_store_and_loses_nothing() {
    let Some(disk) = Mount::new(20) else {
        eprintln!("NOT RUN: the full-disk test needs root to mount a small file system");
        return;
    };
    let options = embedded::Options::new(disk.0.path().join("store"));
    let (sink, heard) = ear();
    let (store, _) = embedded::open(&options, &settings(), sink).expect("opens");
    let mut durable: u64 = 0;
    let error = loop {
        let seq = durable + 1;
        let row = Write::put(LOG, seq.to_be_bytes(), noise(seq));
        let transaction = Transaction { partition: 0, seq, writes: vec![row], note: vec![] };
        store.submit(vec![transaction]).expect("taken while nothing failed");
        match heard.recv_timeout(PATIENCE).expect("goes on") {
            Heard::Durable(_) => durable = seq,
            Heard::Failed(error) => break error,
            Heard::Stalled(stall) => panic!("unexpected {stall:?}"),
        }
    };
    // Whichever meets the end first: the journal, or the engine's background work before it.
    let told = ["No space left", "an earlier write failed"];
    assert!(told.iter().any(|text| error.reason.contains(text)), "{error}");
    assert!(durable > 50, "{durable} rows of 100 kB fit on 20 MiB");
    drop(store);

    assert!(disk.grow(200), "a mounted file system can grow");
    let (store, recovered) = embedded::open(&options, &settings(), ear().0).expect("opens");
    let last = recovered.sequences[0];
    assert!(last == durable || last == durable + 1, "{last} after {durable}");
    for seq in 1..=last {
        let row = store.get(LOG, &seq.to_be_bytes()).expect("readable");
        assert!(row == Some(noise(seq)), "row {seq} is not as it was written");
    }
}
