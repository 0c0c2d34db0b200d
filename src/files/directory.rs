//! An open directory, below which paths are followed.
//!
//! The path of a lookup has no `..`; which symbolic links are followed is said by [`Symlinks`]. The system calls are made
//! on the calling thread: on a local file system they take one or two microseconds out of the directory cache, while a hop
//! to the blocking pool costs ten. A root on a network file system may therefore hold up a runtime thread.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat, openat2};
use rustix::io::Errno;

use super::links::{Refusal, Symlinks};
use super::path::RelPath;

/// Neither waits for the writer of a FIFO nor makes a terminal ours.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Needs no right to read the file, only to reach it: PHP may be another user.
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    fd: OwnedFd,
    /// Its path without links.
    pub(super) real: Bytes,
    id: (u64, u64),
    pub(super) lookup: Lookup,
    /// By which its files are kept in the cache.
    pub(super) number: u64,
}

/// How paths are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// As the root's [`Symlinks`] say.
    Links,
    /// Links are not followed: the kernel (before 5.6) or a sandbox does not know `openat2`.
    NoLinks,
}

/// What there is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// Why a path leads to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Nothing there, or neither a file nor a directory.
    #[error("no such file")]
    NotFound,
    /// A symbolic link that leaves the root, under [`Symlinks::Inside`].
    #[error("a symbolic link leads out of the root, and symlinks = \"inside\"")]
    Outside,
    /// A symbolic link to what belongs to another user, under [`Symlinks::Owner`].
    #[error("a symbolic link belongs to another user than what it leads to, and symlinks = \"owner\"")]
    Owner,
    /// The rights of the file or of a directory above it.
    #[error("permission denied")]
    Forbidden,
    /// Any other failure.
    #[error(transparent)]
    Io(io::Error),
}

impl Directory {
    /// Opens the directory that a path leads to at this moment.
    pub(super) fn open(path: &Path, number: u64) -> io::Result<Self> {
        let real = fs::canonicalize(path)?;
        let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let fd = open(&real, flags, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok(Self {
            lookup: Lookup::probe(&fd)?,
            fd,
            real: Bytes::copy_from_slice(real.as_os_str().as_bytes()),
            id: (stat.st_dev, stat.st_ino),
            number,
        })
    }

    /// Whether it is the same one, at the same place.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.id, &self.real) == (other.id, &other.real)
    }

    /// Opens what is at `path`, to be read.
    pub(super) fn read(
        &self,
        path: &RelPath,
        symlinks: Symlinks,
    ) -> Result<(OwnedFd, Kind, Stat), LookupError> {
        self.found(path, symlinks, READ)
    }

    /// Tells what is at `path`.
    pub(super) fn look(&self, path: &RelPath, symlinks: Symlinks) -> Result<(Kind, Stat), LookupError> {
        let (_, kind, stat) = self.found(path, symlinks, LOOK)?;
        Ok((kind, stat))
    }

    fn found(
        &self,
        path: &RelPath,
        symlinks: Symlinks,
        flags: OFlags,
    ) -> Result<(OwnedFd, Kind, Stat), LookupError> {
        let fd = self.resolve(path, symlinks, flags)?;
        let stat = fstat(&fd)?;
        Ok((fd, kind(&stat)?, stat))
    }

    fn resolve(&self, path: &RelPath, symlinks: Symlinks, flags: OFlags) -> Result<OwnedFd, LookupError> {
        match self.lookup {
            Lookup::Links => Ok(symlinks.open(&self.fd, &self.real, path, flags)?),
            Lookup::NoLinks => Ok(no_links(&self.fd, path, flags)?),
        }
    }
}

impl Lookup {
    fn probe(root: &OwnedFd) -> io::Result<Self> {
        let flags = ResolveFlags::NO_MAGICLINKS;
        match openat2(root, c".", LOOK, Mode::empty(), flags) {
            Ok(_) => Ok(Self::Links),
            // Old container sandboxes answer EPERM to calls that they do not know.
            Err(Errno::NOSYS | Errno::PERM) => Ok(Self::NoLinks),
            Err(error) => Err(error.into()),
        }
    }
}

impl From<Refusal> for LookupError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Outside => Self::Outside,
            Refusal::Owner => Self::Owner,
            Refusal::System(errno) => errno.into(),
        }
    }
}

impl From<Errno> for LookupError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::ACCESS | Errno::PERM => Self::Forbidden,
            // ENXIO: a socket. EINVAL and ENAMETOOLONG: a name that the file system cannot have.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::INVAL | Errno::NAMETOOLONG => {
                Self::NotFound
            }
            other => Self::Io(other.into()),
        }
    }
}

/// Only the real thing: devices, FIFOs and sockets below a root are not there.
fn kind(stat: &Stat) -> Result<Kind, LookupError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Kind::File),
        FileType::Directory => Ok(Kind::Directory),
        _ => Err(LookupError::NotFound),
    }
}

/// One segment after the other; a link is an error wherever it stands.
fn no_links(root: &OwnedFd, path: &RelPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let step = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let mut segments = path.segments().peekable();
    let mut directory = openat(root, c".", step, Mode::empty())?;
    while let Some(segment) = segments.next() {
        if segments.peek().is_none() {
            return openat(&directory, segment, flags | OFlags::NOFOLLOW, Mode::empty());
        }
        directory = openat(&directory, segment, step, Mode::empty())?;
    }
    Ok(directory)
}
