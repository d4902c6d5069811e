//! Exports of audiences to a folder: versions, what changed between them, and what a folder may
//! have gone through.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use cadencia::actors::audience::{EXPORT_LIMIT_MS, hand_over};
use channels::audience::{Folder, Hashed, Manifest, Members};
use channels::{Always, Attempt, Channel, Content, Message, Outcome, Recipient, Retry};
use domain::channel::audience::{Audience, Format, Identifier};
use domain::ids::SendId;
use futures_util::FutureExt as _;
use runtime::SimulatedClock;

use super::NOW;

/// E-mail addresses and telephone numbers as CSV; two versions are kept.
pub(super) fn settings() -> Audience {
    Audience {
        folder: String::new(),
        format: Format::Csv,
        identifiers: vec![
            (Identifier::Email, "email".to_owned()),
            (Identifier::Phone, "phone".to_owned()),
        ],
        every_ms: 60_000,
        keep: 2,
    }
}

fn of(names: &[&str]) -> Members {
    let member = |name: &&str| {
        let address = format!("{name}@example.org");
        Hashed::of([(Identifier::Email, address.as_str())])
    };
    names.iter().filter_map(member).collect()
}

async fn export(folder: &Folder, members: Members) -> Outcome {
    let attempt = Attempt {
        send: SendId(0),
        number: 1,
        now: NOW,
        deadline: NOW.plus_ms(60_000),
        message: Message {
            to: Recipient { address: "ads".to_owned(), name: None },
            content: Content::Audience(members),
        },
        permit: Box::new(Always),
    };
    folder.attempt(attempt).await
}

async fn exported(folder: &Folder, names: &[&str]) -> Manifest {
    let outcome = export(folder, of(names)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    folder.manifest().expect("it can be read").expect("there is one")
}

/// Version, members, who came, who went, and the version that these start from.
fn numbers(manifest: &Manifest) -> (u64, u64, u64, u64, Option<u64>) {
    let Manifest { version, members, joined, left, previous, .. } = manifest;
    (*version, members.rows, joined.rows, left.rows, *previous)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn each_version_says_what_changed() {
    for format in [Format::Csv, Format::Ndjson] {
        let place = tempfile::tempdir().expect("a folder");
        let settings = Audience { format, ..settings() };
        let folder = Folder::new("ads", &settings, place.path().join("deep/ads"));
        assert_eq!(folder.manifest().expect("no folder"), None);
        for (members, expected) in [
            (&["ann", "bob", "bob"][..], (1, 2, 2, 0, None)),
            (&["bob", "cid", "dan"], (2, 3, 2, 1, Some(1))),
            (&["dan", "cid", "bob"], (2, 3, 2, 1, Some(1))),
            (&[], (3, 0, 0, 3, Some(2))),
            (&["ann"], (4, 1, 1, 0, Some(3))),
        ] {
            let manifest = exported(&folder, members).await;
            assert_eq!(numbers(&manifest), expected, "{format:?}");
            let again = Folder::new("ads", &settings, place.path().join("deep/ads"));
            assert_eq!(again.manifest().expect("reads"), Some(manifest));
        }
        let end = if format == Format::Csv { "csv" } else { "ndjson" };
        let of = |version: u8| {
            ["joined", "left", "members"].map(|what| format!("v00000{version}-{what}.{end}"))
        };
        let kept: Vec<String> =
            ["manifest.json".to_owned()].into_iter().chain(of(3)).chain(of(4)).collect();
        assert_eq!(names(&place.path().join("deep/ads")), kept);
    }
}

type Harm = fn(&Path, &Manifest);

#[tokio::test]
async fn a_folder_that_lost_something_starts_over_with_a_whole_set() {
    let harms: [(&str, Harm); 5] = [
        ("no manifest", |folder, _| {
            fs::remove_file(folder.join("manifest.json")).expect("it is removed");
        }),
        ("a manifest of nonsense", |folder, _| {
            fs::write(folder.join("manifest.json"), "{\"audience\": 1").expect("it is written");
        }),
        ("no members", |folder, manifest| {
            fs::remove_file(folder.join(&manifest.members.file)).expect("it is removed");
        }),
        ("other members", |folder, manifest| {
            let file = folder.join(&manifest.members.file);
            let text = fs::read_to_string(&file).expect("it is read");
            let line = text.lines().nth(1).expect("a member");
            let other = line.replace(['0', '1', '2'], "f");
            fs::write(&file, text.replace(line, &other)).expect("it is written");
        }),
        ("a file elsewhere", |folder, manifest| {
            let mut other = manifest.clone();
            other.members.file = "../elsewhere.csv".to_owned();
            let members = folder.join(&manifest.members.file);
            fs::copy(members, folder.join("../elsewhere.csv")).expect("it is copied");
            let text = serde_json::to_string(&other).expect("JSON");
            fs::write(folder.join("manifest.json"), text).expect("it is written");
        }),
    ];
    for (harm, does) in harms {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("ads");
        let folder = Folder::new("ads", &settings(), path.clone());
        let manifest = exported(&folder, &["ann", "bob"]).await;
        does(&path, &manifest);
        let manifest = exported(&folder, &["ann", "bob"]).await;
        assert_eq!(numbers(&manifest), (2, 2, 2, 0, None), "{harm}");
        let manifest = exported(&folder, &["ann"]).await;
        assert_eq!(numbers(&manifest), (3, 1, 0, 1, Some(2)), "{harm}");
    }
}

#[tokio::test]
async fn what_was_never_finished_is_removed_and_its_number_not_used_again() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = Folder::new("ads", &settings(), place.path().to_owned());
    exported(&folder, &["ann"]).await;
    // As a process leaves it that was killed between the lists and the manifest of version 2.
    for name in ["v000002-members.csv", "v000002-joined.csv.unfinished"] {
        fs::write(place.path().join(name), "email,phone\n").expect("it is written");
    }
    fs::write(place.path().join("notes.txt"), "mine").expect("it is written");
    let manifest = exported(&folder, &["ann", "bob"]).await;
    assert_eq!(numbers(&manifest), (3, 2, 1, 0, Some(1)));
    let left = names(place.path());
    assert!(left.iter().all(|name| !name.ends_with(".unfinished")), "{left:?}");
    assert!(left.contains(&"notes.txt".to_owned()), "{left:?}");
}

#[tokio::test]
async fn another_format_is_a_new_beginning() {
    let place = tempfile::tempdir().expect("a folder");
    let csv = Folder::new("ads", &settings(), place.path().to_owned());
    exported(&csv, &["ann", "bob"]).await;
    let other = Audience { format: Format::Ndjson, ..settings() };
    let ndjson = Folder::new("ads", &other, place.path().to_owned());
    let manifest = exported(&ndjson, &["ann"]).await;
    assert_eq!(numbers(&manifest), (2, 1, 1, 0, None));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_and_tried_again() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("file"), "").expect("it is written");
    let folder = Folder::new("ads", &settings(), place.path().join("file/ads"));
    assert!(folder.probe().await.is_err());
    let outcome = export(&folder, of(&["ann"])).await;
    let Outcome::NotSent { reason, retry: Retry::Configuration, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("file/ads"), "{reason}");
    fs::remove_file(place.path().join("file")).expect("it is removed");
    assert!(folder.probe().await.is_ok());
    assert!(!place.path().join("file").exists(), "a look makes nothing");
    assert_eq!(numbers(&exported(&folder, &["ann"]).await), (1, 1, 1, 0, None));
}

#[tokio::test]
async fn a_folder_that_holds_another_audience_is_left_alone() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| Folder::new(name, &settings(), place.path().to_owned());
    let ads = exported(&folder("ads"), &["ann", "bob"]).await;
    let outcome = export(&folder("others"), of(&["cid"])).await;
    let Outcome::NotSent { reason, retry: Retry::Configuration, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("it holds the audience `ads`"), "{reason}");
    assert_eq!(folder("ads").manifest().expect("it can be read"), Some(ads));
    // Once nobody is in it any more, another one may have it, from a whole set on.
    exported(&folder("ads"), &[]).await;
    let others = exported(&folder("others"), &["cid"]).await;
    assert_eq!(others.audience, "others");
    assert_eq!(numbers(&others), (3, 1, 1, 0, None));
}

#[tokio::test]
async fn a_place_that_is_left_is_emptied_once_and_keeps_only_that() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("ads");
    let folder = Folder::new("ads", &settings(), path.clone());
    let kept = folder.place().expect("a place");
    let leaving = || Folder::leaving(kept.clone(), path.clone());
    // Nothing is made where nothing is.
    assert!(matches!(export(&leaving(), of(&[])).await, Outcome::Accepted { .. }));
    assert!(!path.exists());
    exported(&folder, &["ann"]).await;
    exported(&folder, &["ann", "bob"]).await;
    for _ in 0..2 {
        let manifest = exported(&leaving(), &[]).await;
        assert_eq!(numbers(&manifest), (3, 0, 0, 2, Some(2)));
    }
    let files = names(&path);
    assert_eq!(files.iter().filter(|name| name.starts_with("v000003")).count(), 3);
    assert_eq!(files.len(), 4, "older versions name people who have left: {files:?}");
    // What is another one's by now stays as it is.
    let others = exported(&Folder::new("others", &settings(), path.clone()), &["cid"]).await;
    assert_eq!(exported(&leaving(), &[]).await, others);
}

/// Holds a reader of a named pipe for as long as it lives: as a network's folder may.
async fn held(pipe: &Path) -> fs::File {
    loop {
        // Without waiting it can only be opened once the reader is there.
        let open = fs::OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(pipe);
        match open {
            Ok(writer) => return writer,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn an_export_that_hangs_is_given_up_and_replaces_nothing_later() {
    let place = tempfile::tempdir().expect("a folder");
    let pipe = place.path().join("manifest.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let folder = Folder::new("ads", &settings(), place.path().to_owned());
    let time = SimulatedClock::new(NOW.0);
    let clock = time.clock();
    let mut first = Box::pin(hand_over(&clock, &folder, "ads", of(&["ann"]), NOW));
    assert!((&mut first).now_or_never().is_none());
    let held = held(&pipe).await;
    time.advance_by(u64::from(EXPORT_LIMIT_MS));
    let Outcome::Unknown { reason, .. } = first.await else { panic!("it cannot have ended") };
    assert_eq!(reason, "the export did not end within 10 minutes");
    // Whoever comes next does not wait for it.
    let next = export(&folder, of(&["bob"])).await;
    assert!(matches!(next, Outcome::NotSent { .. }), "{next:?}");
    // It goes on at last, too late to be the newest.
    fs::remove_file(&pipe).expect("it is removed");
    drop(held);
    while !matches!(export(&folder, of(&["bob"])).await, Outcome::Accepted { .. }) {}
    let manifest = folder.manifest().expect("it can be read").expect("there is one");
    assert_eq!(numbers(&manifest), (2, 1, 1, 0, None));
}
