//! The files of one version of an audience: the manifest, and lists of members in its format.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use domain::channel::audience::{Format, Identifier};
use serde::{Deserialize, Serialize};

use super::hashed::{Hashed, of_hex, to_hex};

/// Name of the manifest: what a reader opens first. Written last, so that what it names is whole.
pub(super) const MANIFEST: &str = "manifest.json";
/// Largest manifest that is read: it names three files.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The audience.
    pub audience: String,
    /// 1 for the first version; one more with each change of the members.
    pub version: u64,
    /// When it was written.
    pub at: String,
    /// Format of the files.
    pub format: Format,
    /// Columns of the files, or keys of their objects.
    pub identifiers: Vec<Identifier>,
    /// How identifiers are hashed.
    pub hashing: String,
    /// All members.
    pub members: Part,
    /// Who came in since the version before.
    pub joined: Part,
    /// Who went since the version before.
    pub left: Part,
    /// The version that `joined` and `left` start from. Without one whoever reads this must replace
    /// all that she has by `members`.
    pub previous: Option<u64>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name in the folder.
    pub file: String,
    /// Its rows, without a header.
    pub rows: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// How files are read and written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) format: Format,
    pub(super) identifiers: Vec<Identifier>,
}

impl Manifest {
    /// That of a folder, if there is one that makes sense.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(folder.join(MANIFEST)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.take(MANIFEST_BYTES_MAX).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text).ok())
    }

    /// Puts it in place of the one before.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        whole(folder, MANIFEST, |out| out.write_all(&text))
    }

    pub(super) fn shape(&self) -> Shape {
        Shape { format: self.format, identifiers: self.identifiers.clone() }
    }
}

/// Writes a file that is there as a whole or not at all, durably.
fn whole(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let mut out = BufWriter::new(File::create(&unfinished)?);
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&unfinished, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// How the name of a file ends that is still being written.
pub(super) const UNFINISHED: &str = ".unfinished";

impl Shape {
    /// How the names of its files end.
    fn extension(&self) -> &'static str {
        match self.format {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        }
    }

    /// Writes a list of members.
    pub(super) fn write(
        &self,
        folder: &Path,
        version: u64,
        what: &str,
        members: &[Hashed],
    ) -> io::Result<Part> {
        let file = format!("v{version:06}-{what}.{}", self.extension());
        let mut sum = Context::new(&SHA256);
        whole(folder, &file, |out| {
            let mut put = |line: String| {
                sum.update(line.as_bytes());
                out.write_all(line.as_bytes())
            };
            if self.format == Format::Csv {
                let names: Vec<_> = self.identifiers.iter().map(|kind| kind.as_str()).collect();
                put(names.join(",") + "\n")?;
            }
            members.iter().try_for_each(|member| put(self.line(member) + "\n"))
        })?;
        let sha256 = to_hex(sum.finish().as_ref());
        Ok(Part { file, rows: members.len() as u64, sha256 })
    }

    fn line(&self, member: &Hashed) -> String {
        let hash = |kind: &Identifier| member.get(*kind).map(|hash| to_hex(hash));
        match self.format {
            Format::Csv => {
                let fields = self.identifiers.iter().map(|kind| hash(kind).unwrap_or_default());
                fields.collect::<Vec<_>>().join(",")
            }
            Format::Ndjson => {
                let fields = self
                    .identifiers
                    .iter()
                    .filter_map(|kind| Some((kind.as_str().to_owned(), hash(kind)?.into())));
                serde_json::Value::Object(fields.collect()).to_string()
            }
        }
    }

    /// Reads a list of members again; `None` if it is not what was written.
    pub(super) fn read(&self, folder: &Path, part: &Part) -> io::Result<Option<Vec<Hashed>>> {
        // A manifest that somebody changed must not lead out of the folder.
        if part.file.contains(['/', '\\']) {
            return Ok(None);
        }
        let file = match File::open(folder.join(&part.file)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut sum = Context::new(&SHA256);
        let mut members = Vec::new();
        let mut header = self.format == Format::Csv;
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            sum.update(&line);
            sum.update(b"\n");
            if std::mem::take(&mut header) {
                continue;
            }
            let Some(member) = std::str::from_utf8(&line).ok().and_then(|line| self.member(line))
            else {
                return Ok(None);
            };
            members.push(member);
        }
        let same = to_hex(sum.finish().as_ref()) == part.sha256;
        Ok(same.then_some(members))
    }

    fn member(&self, line: &str) -> Option<Hashed> {
        let mut member = Hashed::default();
        match self.format {
            Format::Csv => {
                let mut fields = line.split(',');
                for kind in &self.identifiers {
                    let field = fields.next()?;
                    let hash = if field.is_empty() { None } else { Some(of_hex(field)?) };
                    member.set(*kind, hash);
                }
            }
            Format::Ndjson => {
                let fields: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(line).ok()?;
                for kind in &self.identifiers {
                    let hash = match fields.get(kind.as_str()) {
                        None => None,
                        Some(field) => Some(of_hex(field.as_str()?)?),
                    };
                    member.set(*kind, hash);
                }
            }
        }
        Some(member)
    }
}
