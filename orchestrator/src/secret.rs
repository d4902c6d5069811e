//! The process's own secret: what signs links. Made once, kept beside the store, read by its owner
//! alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The file with the secret that signs links, in a data directory.
pub const LINKS: &str = "secrets/links.key";
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// Reads a secret that the operator gave: at least as long as one that we would make.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let secret = fs::read(path).map_err(named)?;
    if secret.len() < SECRET_BYTES {
        let text = format!("{} has fewer than {SECRET_BYTES} bytes", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(secret)
}

/// Reads the secret that signs links, or makes it: 32 bytes of the system's randomness. `data` is
/// the data directory.
pub fn links(data: &Path) -> io::Result<Vec<u8>> {
    let path = data.join(LINKS);
    match fs::read(&path) {
        Ok(secret) if secret.len() == SECRET_BYTES => return Ok(secret),
        Ok(_) => {
            let text = format!("{} is not a secret of {SECRET_BYTES} bytes", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut secret = vec![0; SECRET_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    Ok(secret)
}
