//! Files that nothing but our own user may read.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use tempfile::NamedTempFile;

/// Held while files of a directory are made, against other processes.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Makes the directory if need be, and waits until no other process makes files in it.
    pub(super) fn acquire(directory: &Path) -> io::Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| named(directory, error))?;
        let path = directory.join("lock");
        let lock = || {
            let file = File::options().create(true).append(true).open(&path)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.lock()?;
            Ok(Self(file))
        };
        lock().map_err(|error| named(&path, error))
    }

    /// Puts a file there as a whole, and on the disk.
    pub(super) fn write(&self, path: &Path, content: &str) -> io::Result<()> {
        let write = || {
            let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
            // Its mode is 0600 from the beginning.
            let mut file = NamedTempFile::with_prefix_in(".new-", directory)?;
            file.write_all(content.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            File::open(directory)?.sync_all()
        };
        write().map_err(|error| named(path, error))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that is just being started may hold the file a moment longer.
        let _ = self.0.unlock();
    }
}

/// A file; `None`: there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(path, error)),
    }
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
