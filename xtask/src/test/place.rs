//! The temporary directory of all tests.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::{Builder, TempDir};

use super::summary::{Failure, Summary};

/// What tests write to instead of the system's: whatever a killed test leaves there goes with it.
#[derive(Debug)]
pub(super) struct Place(TempDir);

impl Place {
    /// An empty one. Its path is short, for sockets, and it is open to the users that tests become.
    pub(super) fn new() -> Result<Self> {
        let directory = Builder::new()
            .prefix("bh-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/tmp")
            .context("cannot make a temporary directory")?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?; // whatever the umask
        Ok(Self(directory))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Adds a failure when tests have left something behind.
    pub(super) fn report(&self, summary: &mut Summary) {
        let entries = fs::read_dir(self.path()).into_iter().flatten().flatten();
        let names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        if names.is_empty() {
            summary.pass(1);
        } else {
            let name = format!("left in the temporary directory: {}", names.join(", "));
            summary.fail(Failure::new(
                &name,
                "look for tests that were ended from outside".to_owned(),
            ));
        }
    }
}
