//! What the embedded store does with files that are not as it left them.

use super::subject::{Heard, PATIENCE, PEOPLE, ear, settings};
use std::{fs, os::unix::fs::FileExt, path::Path, path::PathBuf};
use store::{
    Access, OpenError, Read, Recovered, Settings, Store, TableSpec, Transaction, Write, embedded,
};
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const COMMITS: u64 = 200;

/// A change of settings, with a table to put in.
type Change = fn(&mut Settings, TableSpec);

fn options(directory: &Path) -> embedded::Options {
    embedded::Options::new(directory)
}

fn open_with(directory: &Path, settings: &Settings) -> Result<(Store, Recovered), OpenError> {
    embedded::open(&options(directory), settings, ear().0)
}

fn open(directory: &Path) -> Result<(Store, Recovered), OpenError> {
    open_with(directory, &settings())
}

/// A closed store with 200 commits, one row each.
fn filled() -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (sink, heard) = ear();
    let opened = embedded::open(&options(directory.path()), &settings(), sink);
    let (store, recovered) = opened.expect("opens");
    assert!(recovered.created);
    for seq in 1..=COMMITS {
        let row = Write::put(PEOPLE, seq.to_be_bytes(), vec![seq as u8; 100]);
        let transaction = Transaction { partition: 0, seq, writes: vec![row], note: vec![] };
        store.submit(vec![transaction]).expect("taken");
        let heard = heard.recv_timeout(PATIENCE).expect("goes on");
        assert!(matches!(heard, Heard::Durable(_)));
    }
    store.close();
    directory
}

fn refusal(directory: &Path) -> String {
    open(directory).expect_err("refused").to_string()
}

fn assert_whole(directory: &Path) {
    let (store, recovered) = open(directory).expect("opens");
    assert_eq!(recovered.last_commit, COMMITS);
    for seq in 1..=COMMITS {
        let row = store.get(PEOPLE, &seq.to_be_bytes()).expect("readable");
        assert_eq!(row, Some(vec![seq as u8; 100]));
    }
}

/// The engine's journal, which holds all rows of so small a store.
fn journal(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory.join("data")).expect("listable");
    let mut paths = files.map(|file| file.expect("listable").path());
    paths.find(|path| path.extension().is_some_and(|e| e == "jnl")).expect("a journal")
}

#[test]
fn a_store_opens_again_and_knows_itself() {
    let directory = filled();
    assert_whole(directory.path());
    assert_whole(directory.path());
}

#[test]
fn counters_and_disk_use_can_be_read() {
    let directory = filled();
    let (sink, heard) = ear();
    let opened = embedded::open(&options(directory.path()), &settings(), sink);
    let (store, _) = opened.expect("opens");
    let row = Write::put(PEOPLE, "k", vec![0; 100]);
    let transaction =
        Transaction { partition: 0, seq: COMMITS + 1, writes: vec![row], note: vec![] };
    store.submit(vec![transaction]).expect("taken");
    let heard = heard.recv_timeout(PATIENCE).expect("goes on");
    assert!(matches!(heard, Heard::Durable(group) if group.rows == 2));
    let stats = store.stats();
    assert_eq!((stats.commits, stats.transactions, stats.rows), (1, 1, 2));
    assert_eq!((stats.last_commit, stats.queued_transactions), (COMMITS + 1, 0));
    assert!(stats.bytes > 100 && stats.bytes < 200, "{stats:?}");
    let usage = store.usage();
    assert!(usage.disk_bytes >= usage.journal_bytes && usage.journal_bytes > 0, "{usage:?}");
}

/// The engine's own way of writing buffers out stops for ever once its queue of 1,000 is full.
#[test]
fn buffers_are_written_out_under_many_small_commits() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (sink, heard) = ear();
    let mut options = options(directory.path());
    options.memory.write_buffer_bytes = 1024 * 1024;
    let (store, _) = embedded::open(&options, &settings(), sink).expect("opens");
    let mut written = 0;
    for seq in 1..=1500 {
        // Rows that can't be compressed, 45 MB in all.
        let word = |at: u64| xxh3_64(&[seq, at].map(u64::to_be_bytes).concat()).to_be_bytes();
        let value: Vec<u8> = (0..3750).flat_map(word).collect();
        written += value.len() as u64;
        let row = Write::put(PEOPLE, word(0), value);
        let transaction = Transaction { partition: 0, seq, writes: vec![row], note: vec![] };
        store.submit(vec![transaction]).expect("taken");
        let heard = heard.recv_timeout(PATIENCE).expect("goes on");
        assert!(matches!(heard, Heard::Durable(_)));
    }
    let usage = store.usage();
    let in_tables = usage.disk_bytes - usage.journal_bytes;
    // The engine holds commits back while four buffers wait to be written out.
    assert!(in_tables + 6 * 1024 * 1024 > written, "{usage:?}");
    assert!(usage.pending_flushes < 6, "{usage:?}");
}

#[test]
fn a_second_opening_is_refused_with_the_holder() {
    let directory = filled();
    let (store, _) = open(directory.path()).expect("opens");
    match open(directory.path()).expect_err("in use") {
        OpenError::InUse { pid, .. } => assert_eq!(pid, Some(std::process::id())),
        other => panic!("unexpected {other}"),
    }
    drop(store);
    assert_whole(directory.path());
}

#[test]
fn a_directory_with_other_files_is_not_taken() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("notes.txt"), "mine").expect("writable");
    assert!(refusal(directory.path()).contains("holds no store"));
    let left = fs::read_dir(directory.path()).expect("listable").count();
    assert_eq!(left, 1, "nothing was written");
}

#[test]
fn settings_that_are_fixed_at_creation_are_compared() {
    let directory = filled();
    let spec = |name| TableSpec { name, access: Access::Random };
    let cases: [(&str, Change); 3] = [
        ("created with partitions 8, but 16 is configured", |s, _| s.partitions = 16),
        ("created with hash xxh3-64, but other is configured", |s, _| s.hash = "other"),
        ("created with tables groups,people,log,open, but", |s, spec| s.tables[2] = spec),
    ];
    for (expected, change) in cases {
        let mut changed = settings();
        change(&mut changed, spec("else"));
        let error = open_with(directory.path(), &changed).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_whole(directory.path());
}

#[test]
fn a_bad_layout_is_a_mistake_of_the_program() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let spec = |name| TableSpec { name, access: Access::Random };
    let names: [&[&'static str]; 5] =
        [&["a", "b", "c", "d", "e", "f"], &["a", "a"], &["groups"], &["Upper"], &[""]];
    for names in names {
        let mut changed = settings();
        changed.tables = names.iter().map(|name| spec(name)).collect();
        let error = open_with(directory.path(), &changed).expect_err("refused");
        assert!(matches!(error, OpenError::Layout(_)), "{error}");
    }
    for partitions in [0, 5000] {
        let error = open_with(directory.path(), &Settings { partitions, ..settings() });
        assert!(matches!(error, Err(OpenError::Layout(_))));
    }
}

#[test]
fn a_damaged_or_newer_marker_is_refused() {
    let sealed = |body: String| format!("{body}checksum {:016x}\n", xxh3_64(body.as_bytes()));
    let directory = filled();
    let path = directory.path().join("store.format");
    let good = fs::read_to_string(&path).expect("readable");
    let body = good[..good.rfind("checksum").expect("a checksum")].to_owned();
    let cases = [
        (good.replace("partitions 8", "partitions 9"), "store.format is damaged"),
        (good[..good.len() - 5].to_owned(), "store.format is damaged"),
        (String::new(), "store.format is damaged"),
        (sealed("format x\n".to_owned()), "store.format is damaged"),
        (sealed(format!("{body}more 1\n")), "store.format is damaged"),
        (sealed(body.replace("format 1", "format 2")), "format 2, this program reads up to 1"),
        (sealed(body.replace("fjall-3", "fjall-4")), "created with engine fjall-4"),
    ];
    for (text, expected) in cases {
        fs::write(&path, &text).expect("writable");
        let error = refusal(directory.path());
        assert!(error.contains(expected), "{error}");
    }
    fs::write(&path, good).expect("writable");
    assert_whole(directory.path());
}

#[test]
fn a_creation_that_was_cut_short_begins_anew() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path();
    fs::write(path.join("store.creating"), "").expect("writable");
    fs::create_dir(path.join("data")).expect("writable");
    fs::write(path.join("data/0.jnl"), "half").expect("writable");
    let (store, recovered) = open(path).expect("opens");
    assert!(recovered.created);
    drop(store);
    assert!(!path.join("store.creating").exists());
    assert!(!open(path).expect("opens").1.created);
}

#[test]
fn a_torn_entry_of_the_side_file_is_survived_and_a_lost_one_is_not() {
    let directory = filled();
    let path = directory.path().join("store.durable");
    let good = fs::read(&path).expect("readable");
    assert_eq!(embedded::noted_commit(directory.path()).expect("readable"), COMMITS);
    for slot in [0, 4096] {
        let mut torn = good.clone();
        torn[slot + 15] ^= 1;
        fs::write(&path, &torn).expect("writable");
        assert_whole(directory.path());
    }
    fs::write(&path, vec![0; 8192]).expect("writable");
    assert!(refusal(directory.path()).contains("no valid entry"));
    fs::remove_file(&path).expect("removable");
    assert!(refusal(directory.path()).contains("store.durable is missing"));
    fs::write(&path, good).expect("writable");
    assert_whole(directory.path());
}

#[test]
fn a_side_file_that_lags_is_raised_at_open() {
    let (directory, new) = (filled(), tempfile::tempdir().expect("a temporary directory"));
    drop(open(new.path()).expect("opens"));
    fs::copy(new.path().join("store.durable"), directory.path().join("store.durable"))
        .expect("writable");
    assert_eq!(embedded::noted_commit(directory.path()).expect("readable"), 0);
    assert_whole(directory.path());
    assert_eq!(embedded::noted_commit(directory.path()).expect("readable"), COMMITS);
}

#[test]
fn a_missing_data_directory_is_refused() {
    let directory = filled();
    fs::remove_dir_all(directory.path().join("data")).expect("removable");
    assert!(refusal(directory.path()).contains("data is missing"));
}

#[test]
fn a_cut_journal_is_refused_until_the_loss_is_accepted() {
    let directory = filled();
    let path = journal(directory.path());
    let bytes = fs::read(&path).expect("readable");
    let used = bytes.iter().rposition(|byte| *byte != 0).expect("rows") + 1;
    fs::write(&path, &bytes[..used / 2]).expect("writable");
    for _ in 0..2 {
        match open(directory.path()).expect_err("refused, also the second time") {
            OpenError::Truncated { expected, found } => {
                assert_eq!(expected, COMMITS);
                assert!(found > 0 && found < COMMITS, "{found}");
            }
            other => panic!("unexpected {other}"),
        }
    }
    let mut accepting = options(directory.path());
    accepting.accept_lost_commits = true;
    let (store, recovered) = embedded::open(&accepting, &settings(), ear().0).expect("opens");
    assert_eq!(recovered.sequences[0], recovered.last_commit);
    drop(store);
    let (_, again) = open(directory.path()).expect("opens as usual from now on");
    assert_eq!(again.last_commit, recovered.last_commit);
}

/// Copies a closed store.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("listable") {
        let path = entry.expect("listable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("writable");
        }
    }
}

#[test]
fn a_flipped_bit_in_the_journal_is_never_silently_wrong() {
    let pristine = filled();
    // Opening cuts the journal's unused end, so that the copies are small.
    assert_whole(pristine.path());
    let used = fs::metadata(journal(pristine.path())).expect("readable").len();
    let mut refused = 0;
    // Every 1/24 of the journal, another bit each time.
    for step in 0..24 {
        let at = used * step / 24;
        let directory = tempfile::tempdir().expect("a temporary directory");
        copy(pristine.path(), directory.path());
        let path = journal(directory.path());
        let own = fs::read(&path).expect("readable")[at as usize];
        let file = fs::OpenOptions::new().write(true).open(&path).expect("writable");
        file.write_all_at(&[own ^ (1 << (step % 8))], at).expect("writable");
        match open(directory.path()) {
            Ok(opened) => {
                drop(opened);
                assert_whole(directory.path());
            }
            Err(OpenError::Truncated { .. } | OpenError::Corrupt(_) | OpenError::Engine(_)) => {
                refused += 1;
            }
            Err(other) => panic!("unexpected {other}"),
        }
    }
    assert!(refused > 12, "only {refused} of 24 flips were noticed");
}
