//! The file that tells scripts which process to signal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A written process id; the file goes with it.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes our process id. Whole, so that a reader never sees half of it, where the directory permits that: who has
    /// given up privileges may have nothing left but the file itself.
    pub(super) fn write(path: &Path) -> Result<Self> {
        let text = format!("{}\n", std::process::id());
        let next = path.with_extension("new");
        let written = fs::write(&next, &text).and_then(|()| fs::rename(&next, path));
        match written {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => fs::write(path, &text),
            written => written,
        }
        .with_context(|| format!("cannot write the pid file {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A successor may have written its own there meanwhile. Gone already is as good.
        let ours =
            fs::read_to_string(&self.0).is_ok_and(|text| text.trim() == std::process::id().to_string());
        if ours && fs::remove_file(&self.0).is_err() {
            // A number that may soon be a stranger's must not stay.
            let _ = fs::write(&self.0, "");
        }
    }
}
