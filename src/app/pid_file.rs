//! The file that tells scripts which process to signal.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A written process id; the file goes with it.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes our process id. Whole: a reader never sees half of it.
    pub(super) fn write(path: &Path) -> Result<Self> {
        let failed = || format!("cannot write the pid file {}", path.display());
        let next = path.with_extension("new");
        std::fs::write(&next, format!("{}\n", std::process::id())).with_context(failed)?;
        std::fs::rename(&next, path).with_context(failed)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A successor may have written its own there meanwhile. Gone already is as good.
        let ours =
            std::fs::read_to_string(&self.0).is_ok_and(|text| text.trim() == std::process::id().to_string());
        if ours {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}
