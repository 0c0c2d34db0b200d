//! Where the sockets of the demo are.

use std::fs::{DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory for sockets. Dropped, it is removed if the demo made it.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    temporary: Option<TempDir>,
    /// Named by the user, and not there before.
    made: bool,
}

impl Directory {
    /// A temporary one. Its name is not guessable and no other user may enter it: sockets in it are ours alone.
    pub(super) fn temporary() -> io::Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("bridgehead-demo-")
            .permissions(Permissions::from_mode(PRIVATE))
            .tempdir()?;
        Ok(Self {
            path: temporary.path().to_owned(),
            temporary: Some(temporary),
            made: false,
        })
    }

    /// The one at `path`, made if it is not there.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let made = match DirBuilder::new().mode(PRIVATE).create(path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: path.to_owned(),
            temporary: None,
            made,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what was made, and says whether that failed.
    pub(super) fn close(mut self) -> io::Result<()> {
        if std::mem::take(&mut self.made) {
            std::fs::remove_dir(&self.path)?;
        }
        self.temporary.take().map_or(Ok(()), TempDir::close)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.made {
            // The reason for the early end is told; this one would hide it.
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

/// For the owner alone.
const PRIVATE: u32 = 0o700;
