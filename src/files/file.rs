//! A regular file that is to be sent: open, or in memory.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};

use super::kept::Kept;
use super::version::Version;

/// A regular file, as it was when it was looked up.
#[derive(Debug)]
pub struct File {
    pub(super) content: Content,
    /// Size in bytes.
    pub size: u64,
    /// Last change of its contents.
    pub modified: SystemTime,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// On the disk, or in the page cache.
    Open(Arc<fs::File>),
    /// In memory.
    Kept(Arc<Kept>),
}

impl File {
    /// A file that was just opened.
    pub(super) fn open(fd: OwnedFd, version: &Version) -> Self {
        Self {
            content: Content::Open(Arc::new(fs::File::from(fd))),
            size: version.size(),
            modified: version.modified(),
        }
    }

    /// A file that was read before; `None`: there is none.
    pub(super) fn kept(kept: Arc<Kept>) -> Option<Self> {
        let version = *kept.version()?;
        Some(Self {
            content: Content::Kept(kept),
            size: version.size(),
            modified: version.modified(),
        })
    }
}

impl Content {
    /// Some of the bytes. A file that became shorter is an error: its length was promised.
    pub(super) fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        match self {
            Self::Open(file) => read(file, start, length),
            Self::Kept(kept) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let end = start.saturating_add(length);
                let is_there = end <= kept.bytes().len();
                is_there
                    .then(|| kept.bytes().slice(start..end))
                    .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

/// The same of a file on the disk.
pub(super) fn read(file: &fs::File, start: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = BytesMut::zeroed(length);
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes.freeze())
}
