//! What is in a directory.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::Dir;

use super::directory::{Directory, Kind, LookupError};
use super::links::Symlinks;
use super::path::RelPath;
use super::version::Version;

/// An open directory below a root.
#[derive(Debug)]
pub(super) struct Contents {
    fd: OwnedFd,
    /// The root, from which what is found here is looked up: links are followed as everywhere below it.
    root: Arc<Directory>,
    symlinks: Symlinks,
    path: RelPath,
}

impl Contents {
    /// Opens the directory at `path` below a root.
    pub(super) fn open(
        root: Arc<Directory>,
        symlinks: Symlinks,
        path: &RelPath,
    ) -> Result<Self, LookupError> {
        let (fd, kind, _) = root.read(path, symlinks)?;
        if kind != Kind::Directory {
            return Err(LookupError::NotFound);
        }
        Ok(Self {
            fd,
            root,
            symlinks,
            path: path.clone(),
        })
    }

    /// The names in it, in no order. May wait for the disk.
    pub(super) fn names(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
        let entries = Dir::read_from(&self.fd)?;
        Ok(entries.map(|entry| Ok(entry?.file_name().to_bytes().to_vec())))
    }

    /// What is behind a name.
    pub(super) fn look(&self, name: &[u8]) -> Result<(Kind, Version), LookupError> {
        let (kind, stat) = self.root.look(&self.path.join(name), self.symlinks)?;
        Ok((kind, Version::of(&stat)))
    }
}
