//! The directory of sockets and generated files.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory of this process; it is removed when it is dropped.
///
/// Applications may run as other users: these may pass through, to names that they know, and not look around.
#[derive(Debug)]
pub struct RuntimeDir(TempDir);

impl RuntimeDir {
    /// Makes one in this directory.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make(parent: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder
            .prefix("bridgehead-")
            .permissions(Permissions::from_mode(0o711));
        builder.tempdir_in(parent).map(Self)
    }

    /// The path of a file of a generation.
    pub(super) fn file(&self, app: &str, generation: u32, what: &str) -> PathBuf {
        self.0.path().join(format!("{app}.{generation}.{what}"))
    }
}
