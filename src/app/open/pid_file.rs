//! The file that tells scripts which process to signal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::fs::{FileType, Mode, OFlags, fstat, ftruncate};
use rustix::process::geteuid;

use super::progress::Progress;
use crate::app::identity::Identity;
use crate::config::Config;
use crate::transport::DirectoryEntry;

/// A written process id; the file goes with it.
#[derive(Debug)]
pub(in crate::app) struct PidFile(DirectoryEntry);

impl PidFile {
    /// Writes our process id where the configuration wants it, and gives the file to the user that is to write it again.
    pub(super) fn open(
        config: &Config,
        owner: Option<&Identity>,
        progress: &Progress,
    ) -> Result<Option<Self>> {
        let Some(path) = &config.server.pid_file else {
            return Ok(None);
        };
        progress.at("the pid file", "[server] pid_file", path.display());
        let write = || {
            let file = Self(DirectoryEntry::find(path)?);
            file.put(owner)?;
            anyhow::Ok(file)
        };
        write().map(Some).with_context(|| failed(path))
    }

    /// Fails like [`open`](Self::open), as far as that shows without it.
    pub(super) fn look(config: &Config) -> Result<()> {
        let Some(path) = &config.server.pid_file else {
            return Ok(());
        };
        let look = || {
            let entry = DirectoryEntry::find(path)?;
            // A file that is there is replaced, or written to.
            match entry.stat() {
                Ok(_) => Ok(()),
                Err(_) => anyhow::Ok(entry.check_writable()?),
            }
        };
        look().with_context(|| failed(path))
    }

    /// Writes it again, if a process that was to take our place has written its own.
    pub(in crate::app) fn restore(&self) -> Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        self.put(None).with_context(|| failed(self.0.path()))
    }

    /// Whole, so that a reader never sees half of it, where the directory permits that: a process that has given up
    /// privileges may have nothing left but the file itself.
    fn put(&self, owner: Option<&Identity>) -> Result<()> {
        let text = format!("{}\n", std::process::id());
        match self.replace(&text, owner) {
            Err(error) if is_denied(&error) => self.overwrite(&text),
            replaced => replaced,
        }
    }

    /// Puts a fresh file in its place. A link that stands there goes, and is not followed.
    fn replace(&self, text: &str, owner: Option<&Identity>) -> Result<()> {
        let next = self.0.with_suffix(format!(".{}", std::process::id()))?;
        let file = fresh(&next)?;
        let written = write(&file, text, owner).and_then(|()| Ok(next.replace(&self.0)?));
        // Gone already is as good.
        written.inspect_err(|_| drop(next.remove()))
    }

    /// Writes to the file that is there.
    fn overwrite(&self, text: &str) -> Result<()> {
        let file = self.0.open(OFlags::WRONLY | OFlags::NONBLOCK)?;
        let stat = fstat(&file)?;
        let sole = stat.st_nlink == 1 || !geteuid().is_root();
        ensure!(
            FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && sole,
            "something that is no pid file stands there"
        );
        ftruncate(&file, 0)?;
        write(&file, text, None)
    }

    fn is_ours(&self) -> bool {
        let ours = std::process::id().to_string();
        self.read().is_ok_and(|text| text.trim() == ours)
    }

    fn read(&self) -> io::Result<String> {
        let file = self.0.open(OFlags::RDONLY | OFlags::NONBLOCK)?;
        let mut text = String::new();
        File::from(file).take(LONGEST).read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A successor may have written its own there meanwhile.
        if self.is_ours() && self.0.remove().is_err() {
            // A number that may soon be a stranger's must not stay.
            let _ = self.overwrite("");
        }
    }
}

/// A new file. One of that name was left by a process that had our id.
fn fresh(entry: &DirectoryEntry) -> io::Result<OwnedFd> {
    match entry.create(OFlags::WRONLY, MODE) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            entry.remove()?;
            entry.create(OFlags::WRONLY, MODE)
        }
        created => created,
    }
}

fn write(file: &OwnedFd, text: &str, owner: Option<&Identity>) -> Result<()> {
    File::from(file.try_clone()?).write_all(text.as_bytes())?;
    owner.map_or(Ok(()), |owner| owner.give(file))
}

fn failed(path: &Path) -> String {
    format!("cannot write the pid file {}", path.display())
}

fn is_denied(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Scripts of every user may read it.
const MODE: Mode = Mode::from_raw_mode(0o644);

/// Bytes of a process id, generously.
const LONGEST: u64 = 32;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path) -> PidFile {
        let file = PidFile(DirectoryEntry::find(path).unwrap());
        file.put(None).unwrap();
        file
    }

    #[test]
    fn the_file_of_a_successor_stays_and_that_of_a_failed_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let ours = format!("{}\n", std::process::id());
        let file = write(&path);
        assert_eq!(fs::read_to_string(&path).unwrap(), ours);
        fs::write(&path, "1\n").unwrap();
        file.restore().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), ours);
        fs::remove_file(&path).unwrap();
        file.restore().unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
        drop(write(&path));
        assert!(!path.exists());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    }

    #[test]
    fn links_in_the_way_are_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("pid"), dir.path().join("other"));
        fs::write(&other, "other").unwrap();
        symlink(&other, &path).unwrap();
        let next = format!("pid.{}", std::process::id());
        symlink(&other, dir.path().join(next)).unwrap();
        let file = write(&path);
        assert!(!path.is_symlink());
        fs::remove_file(&path).unwrap();
        symlink(&other, &path).unwrap();
        file.overwrite("4711\n").unwrap_err();
        assert!(!file.is_ours());
        drop(file);
        assert_eq!(fs::read_to_string(&other).unwrap(), "other");
    }
}
