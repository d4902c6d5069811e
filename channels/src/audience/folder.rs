//! The provider `folder`: versions of an audience as files, for whoever uploads or fetches them.
//!
//! ```text
//! manifest.json          the newest version, written last
//! v000007-members.csv    everybody
//! v000007-joined.csv     who came since version 6
//! v000007-left.csv       who went since version 6
//! ```

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::channel::audience::Audience;
use domain::time::Instant;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::files::{MANIFEST, Manifest, Shape, UNFINISHED};
use super::hashed::{Hashed, Members};
use crate::channel::{Attempt, Channel, Content, Outcome, Permit, Phase, Retry};

/// One export at a time: each hands over the whole set.
const SLOTS: usize = 1;
/// What a reader is told about hashes.
const HASHING: &str = "sha256 in lower-case hexadecimal of the e-mail address trimmed and in \
                       lower case, of the telephone number's digits with the country's code";

/// The provider. Clones share one folder.
#[derive(Clone, Debug)]
pub struct Folder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    audience: String,
    folder: PathBuf,
    shape: Shape,
    keep: u64,
    /// An export that nobody waits for any more may still be writing.
    writing: Mutex<()>,
}

impl Folder {
    /// A provider for an audience whose files lie in this folder. It is made with the first export.
    pub fn new(audience: &str, settings: &Audience, folder: PathBuf) -> Self {
        let identifiers = settings.identifiers.iter().map(|(kind, _)| *kind).collect();
        let shape = Shape { format: settings.format, identifiers };
        let (audience, keep) = (audience.to_owned(), u64::from(settings.keep));
        let writing = Mutex::new(());
        Self { shared: Arc::new(Shared { audience, folder, shape, keep, writing }) }
    }

    /// What the folder holds now, if anything.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn manifest(&self) -> io::Result<Option<Manifest>> {
        Manifest::read(&self.shared.folder)
    }
}

impl Shared {
    fn run(&self, attempt: Attempt) -> Outcome {
        let Content::Audience(members) = &attempt.message.content else {
            let reason = "this channel mirrors audiences only".to_owned();
            return Outcome::Rejected { code: None, enhanced: None, reason, suppress: false };
        };
        if attempt.now >= attempt.deadline {
            return not_sent("the deadline of the attempt passed", Retry::Expired);
        }
        // The lock says nothing of the files: they are read anew.
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.export(members, attempt.now, attempt.permit.as_ref()) {
            Ok(Some(reply)) => Outcome::Accepted { reply, parts: 1 },
            Ok(None) => not_sent("the permit of the attempt was withdrawn", Retry::Expired),
            Err(error) => {
                let retry = match error.kind() {
                    ErrorKind::PermissionDenied | ErrorKind::NotADirectory => Retry::Configuration,
                    _ => Retry::Unreachable,
                };
                not_sent(&format!("{}: {error}", self.folder.display()), retry)
            }
        }
    }

    /// Writes the next version, if it differs from the one that is there. `None` if the permit was
    /// withdrawn before it was complete.
    fn export(
        &self,
        members: &Members,
        now: Instant,
        permit: &dyn Permit,
    ) -> io::Result<Option<String>> {
        let folder = &self.folder;
        fs::create_dir_all(folder)?;
        let known = Manifest::read(folder)?;
        let before = match &known {
            Some(manifest) if manifest.shape() == self.shape => {
                self.shape.read(folder, &manifest.members)?
            }
            _ => None,
        };
        let (joined, left) = changes(before.as_deref().unwrap_or_default(), &members.0);
        if let (Some(manifest), true, true) =
            (&known, before.is_some(), joined.is_empty() && left.is_empty())
        {
            let (count, version) = (members.len(), manifest.version);
            return Ok(Some(format!("no change since version {version}: {count} members")));
        }
        let newest = known.as_ref().map_or(0, |manifest| manifest.version);
        let version = newest.max(newest_file(folder)?) + 1;
        let write = |what, members: &[Hashed]| self.shape.write(folder, version, what, members);
        let manifest = Manifest {
            audience: self.audience.clone(),
            version,
            at: now.to_string(),
            format: self.shape.format,
            identifiers: self.shape.identifiers.clone(),
            hashing: HASHING.to_owned(),
            members: write("members", &members.0)?,
            joined: write("joined", &joined)?,
            left: write("left", &left)?,
            previous: before.map(|_| newest),
        };
        if !permit.holds() {
            return Ok(None);
        }
        manifest.write(folder)?;
        self.tidy(version)?;
        let (count, came, went) = (members.len(), joined.len(), left.len());
        Ok(Some(format!("version {version}: {count} members, {came} joined, {went} left")))
    }

    /// Removes files of versions that are not kept, and what was never finished.
    fn tidy(&self, newest: u64) -> io::Result<()> {
        for (path, name) in names(&self.folder)? {
            let old = version_of(&name)
                .is_some_and(|version| version > newest || version + self.keep <= newest);
            if old || name.ends_with(UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn not_sent(reason: &str, retry: Retry) -> Outcome {
    let reason = reason.to_owned();
    Outcome::NotSent { reason, phase: Phase::Body, retry, retry_after_ms: None }
}

/// Who came and who went, of two lists in order.
fn changes(before: &[Hashed], now: &[Hashed]) -> (Vec<Hashed>, Vec<Hashed>) {
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    loop {
        match (before.peek(), now.peek()) {
            (None, None) => return (joined, left),
            (Some(old), Some(new)) if old == new => {
                before.next();
                now.next();
            }
            (Some(old), new) if new.is_none_or(|new| old < new) => {
                left.push(**old);
                before.next();
            }
            (_, Some(new)) => {
                joined.push(**new);
                now.next();
            }
            (Some(old), None) => {
                left.push(**old);
                before.next();
            }
        }
    }
}

/// The newest version of which a file is there, finished or not: its number is never used again.
fn newest_file(folder: &Path) -> io::Result<u64> {
    let versions = names(folder)?.into_iter().filter_map(|(_, name)| version_of(&name));
    Ok(versions.max().unwrap_or(0))
}

fn names(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push((entry.path(), name));
        }
    }
    Ok(names)
}

/// The version of a file of ours; nothing else in the folder is touched.
fn version_of(name: &str) -> Option<u64> {
    let (version, what) = name.strip_prefix('v')?.split_once('-')?;
    let ours = ["members.", "joined.", "left."].iter().any(|part| what.starts_with(part));
    ours.then(|| version.parse().ok()).flatten()
}

impl Channel for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn slots(&self) -> usize {
        SLOTS
    }

    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Outcome> {
        let shared = self.shared.clone();
        async move {
            let written = tokio::task::spawn_blocking(move || shared.run(attempt)).await;
            written.unwrap_or_else(|error| Outcome::Unknown {
                reason: error.to_string(),
                phase: Phase::Body,
            })
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<String, String>> {
        let folder = &self.shared.folder;
        // The folder is made with the first export, not by a look.
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
        let trial = there.join(format!("{MANIFEST}.trial{UNFINISHED}"));
        let tried = fs::write(&trial, "").and_then(|()| fs::remove_file(&trial));
        let place = there.display();
        ready(match tried {
            Ok(()) => Ok(format!("{place} can be written to")),
            Err(error) => Err(format!("{place}: {error}")),
        })
        .boxed()
    }
}
