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
use std::sync::{Arc, Mutex, TryLockError};

use domain::channel::audience::Audience;
use domain::time::Instant;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::files::{MANIFEST, Manifest, Shape, UNFINISHED};
use super::hashed::{Hashed, Members};
use crate::channel::{Attempt, Channel, Content, Outcome, Permit, Phase, Retry};

/// One export at a time: each hands over the whole set.
const SLOTS: usize = 1;
/// What a reader is told about hashes.
const HASHING: &str = "sha256 in lower-case hexadecimal of the e-mail address trimmed and in \
                       lower case, of the telephone number's digits with the country's code";

/// Where an audience is exported to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The audience.
    pub audience: String,
    /// The folder, as its definition says.
    pub folder: String,
    shape: Shape,
    keep: u64,
}

impl Place {
    /// The folder, where relative ones lie in this one. It may have moved since then.
    pub fn within(&self, exports: &Path) -> PathBuf {
        exports.join(&self.folder)
    }
}

/// The provider. Clones share one folder.
#[derive(Clone, Debug)]
pub struct Folder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    place: Place,
    folder: PathBuf,
    /// The last export of all, of nobody: what lies there is emptied, and nothing is made.
    leaving: bool,
    /// An export that nobody waits for any more may still be writing.
    writing: Mutex<()>,
}

impl Folder {
    /// A provider for an audience whose files lie in this folder. It is made with the first export.
    pub fn new(audience: &str, settings: &Audience, folder: PathBuf) -> Self {
        let identifiers = settings.identifiers.iter().map(|(kind, _)| *kind).collect();
        let shape = Shape { format: settings.format, identifiers };
        let (audience, keep) = (audience.to_owned(), u64::from(settings.keep));
        Self::at(Place { audience, folder: settings.folder.clone(), shape, keep }, folder, false)
    }

    /// A provider that empties the files of an audience that is exported there no more, and keeps
    /// only the version that says so. What is another audience's by now stays as it is.
    pub fn leaving(place: Place, folder: PathBuf) -> Self {
        Self::at(Place { keep: 1, ..place }, folder, true)
    }

    fn at(place: Place, folder: PathBuf, leaving: bool) -> Self {
        Self { shared: Arc::new(Shared { place, folder, leaving, writing: Mutex::new(()) }) }
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
            return Outcome::Rejected { code: None, enhanced: None, reason, suppress: None };
        };
        if attempt.now >= attempt.deadline {
            return not_sent("the deadline of the attempt passed", Retry::Expired);
        }
        // The lock says nothing of the files: they are read anew.
        let _writing = match self.writing.try_lock() {
            Ok(writing) => writing,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let reason = "an export that took too long has not ended yet";
                return not_sent(reason, Retry::Unreachable);
            }
        };
        match self.export(members, attempt.now, attempt.permit.as_ref()) {
            Ok(Some(reply)) => Outcome::Accepted { reply, parts: 1 },
            Ok(None) => not_sent("the permit of the attempt was withdrawn", Retry::Expired),
            Err(error) => {
                let retry = match error.kind() {
                    ErrorKind::PermissionDenied
                    | ErrorKind::NotADirectory
                    | ErrorKind::AlreadyExists => Retry::Configuration,
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
        let (Place { audience, shape, .. }, folder) = (&self.place, &self.folder);
        if !self.leaving {
            fs::create_dir_all(folder)?;
        }
        let known = Manifest::read(folder)?;
        let others = known.as_ref().filter(|manifest| manifest.audience != *audience);
        if self.leaving && (known.is_none() || others.is_some()) {
            return Ok(Some("nothing of it is there".to_owned()));
        }
        if let Some(other) = others.filter(|other| other.members.rows > 0) {
            let other = &other.audience;
            let why = format!("it holds the audience `{other}`: name another `folder`");
            return Err(io::Error::new(ErrorKind::AlreadyExists, why));
        }
        let before = match &known {
            Some(manifest) if others.is_none() && manifest.shape() == *shape => {
                shape.read(folder, &manifest.members)?
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
        let write = |what, members: &[Hashed]| shape.write(folder, version, what, members);
        let manifest = Manifest {
            audience: audience.clone(),
            version,
            at: now.to_string(),
            format: shape.format,
            identifiers: shape.identifiers.clone(),
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
                .is_some_and(|version| version > newest || version + self.place.keep <= newest);
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
        let (done, outcome) = oneshot::channel();
        // A thread of its own: the end of the process waits for those of the runtime, and one that
        // hangs on a network's folder would hold it up for ever.
        let thread = std::thread::Builder::new().name("audience-export".to_owned());
        let writes = thread.spawn(move || done.send(shared.run(attempt)));
        async move {
            let unknown = |reason| Outcome::Unknown { reason, phase: Phase::Body };
            match writes {
                Err(error) => not_sent(&error.to_string(), Retry::Unreachable),
                Ok(_) => outcome.await.unwrap_or_else(|error| unknown(error.to_string())),
            }
        }
        .boxed()
    }

    fn place(&self) -> Option<Place> {
        Some(self.shared.place.clone())
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
