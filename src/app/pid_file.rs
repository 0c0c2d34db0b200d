//! The file that tells scripts which process to signal.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A written process id; the file goes with it.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes our process id.
    pub(super) fn write(path: &Path) -> Result<Self> {
        let file = Self(path.to_owned());
        file.put()?;
        Ok(file)
    }

    /// Writes it again, if a process that was to take our place has written its own.
    pub(super) fn restore(&self) -> Result<()> {
        if self.is_ours() { Ok(()) } else { self.put() }
    }

    /// Whole, so that a reader never sees half of it, where the directory permits that: who has given up privileges may
    /// have nothing left but the file itself.
    fn put(&self) -> Result<()> {
        let path = &self.0;
        let text = format!("{}\n", std::process::id());
        let next = path.with_extension("new");
        let written = fs::write(&next, &text).and_then(|()| fs::rename(&next, path));
        match written {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => fs::write(path, &text),
            written => written,
        }
        .with_context(|| format!("cannot write the pid file {}", path.display()))
    }

    fn is_ours(&self) -> bool {
        let ours = std::process::id().to_string();
        fs::read_to_string(&self.0).is_ok_and(|text| text.trim() == ours)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A successor may have written its own there meanwhile.
        if self.is_ours() && fs::remove_file(&self.0).is_err() {
            // A number that may soon be a stranger's must not stay.
            let _ = fs::write(&self.0, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_successor_stays_and_that_of_a_failed_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let ours = format!("{}\n", std::process::id());
        let file = PidFile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), ours);
        fs::write(&path, "1\n").unwrap();
        file.restore().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), ours);
        fs::remove_file(&path).unwrap();
        file.restore().unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
        drop(PidFile::write(&path).unwrap());
        assert!(!path.exists());
    }
}
