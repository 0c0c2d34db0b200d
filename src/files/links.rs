//! How symbolic links are followed below a root.
//!
//! Packages and deployments are full of links that leave a document root: Debian's web applications take libraries and
//! settings from elsewhere, releases share their uploads. So they are followed unless the operator says otherwise.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlink};
use rustix::io::Errno;

use super::path::RelPath;

/// Which symbolic links below a root are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// All of them, as nginx, Apache and Caddy do.
    #[default]
    Follow,
    /// Those that lead to something below the root.
    Inside,
    /// Those that belong to the owner of what they lead to: Apache's `SymLinksIfOwnerMatch`, nginx's
    /// `disable_symlinks if_not_owner`. For hosts that are shared.
    Owner,
}

/// Why a path was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A link leads out of the root.
    Outside,
    /// A link belongs to another user than what it leads to.
    Owner,
    /// The system says so.
    System(Errno),
}

/// Needs no right to read the file, only to reach it.
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// `openat2` answers EAGAIN when a rename elsewhere interferes with a `..` of a link; and a link may be replaced while
/// it is looked at.
const ATTEMPTS: usize = 8;

impl Symlinks {
    /// Opens what is at `path` below the directory `root`, whose path without links is `real`.
    pub(super) fn open(
        self,
        root: &OwnedFd,
        real: &[u8],
        path: &RelPath,
        flags: OFlags,
    ) -> Result<OwnedFd, Refusal> {
        match self {
            Self::Follow => Ok(resolve(root, path.as_bytes(), flags, ResolveFlags::empty())?),
            Self::Inside => match resolve(root, path.as_bytes(), flags, ResolveFlags::BENEATH) {
                // A link that leads out, or an absolute one, which the kernel takes for that.
                Err(Errno::XDEV) => walk(root, path, flags, |_, found| inside(real, found)),
                result => Ok(result?),
            },
            Self::Owner => walk(root, path, flags, owned),
        }
    }
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// Follows links, but none of those in `/proc` that lead to open files.
fn resolve(
    directory: impl AsFd,
    path: &[u8],
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
    let mut attempts = 1..ATTEMPTS;
    loop {
        match openat2(&directory, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) if attempts.next().is_some() => {}
            result => return result,
        }
    }
}

/// Whether what a link leads to is below the directory with the path `real`.
fn inside(real: &[u8], found: &OwnedFd) -> Result<(), Refusal> {
    let path = readlink(format!("/proc/self/fd/{}", found.as_raw_fd()), Vec::new())?;
    match path.as_bytes().strip_prefix(real) {
        Some(b"" | [b'/', ..]) => Ok(()),
        _ => Err(Refusal::Outside),
    }
}

/// Whether a link belongs to the owner of what it leads to.
fn owned(link: &Stat, found: &OwnedFd) -> Result<(), Refusal> {
    match fstat(found)?.st_uid == link.st_uid {
        true => Ok(()),
        false => Err(Refusal::Owner),
    }
}

/// One segment after the other. `admit` judges each link and what it leads to, which is open already: what is judged is
/// what is used.
fn walk(
    root: &OwnedFd,
    path: &RelPath,
    flags: OFlags,
    admit: impl Fn(&Stat, &OwnedFd) -> Result<(), Refusal>,
) -> Result<OwnedFd, Refusal> {
    let mut directory = openat(root, c".", LOOK | OFlags::DIRECTORY, Mode::empty())?;
    let mut segments = path.segments().peekable();
    if segments.peek().is_none() {
        return Ok(openat(root, c".", flags, Mode::empty())?);
    }
    while let Some(segment) = segments.next() {
        let flags = match segments.peek() {
            Some(_) => LOOK | OFlags::DIRECTORY,
            None => flags,
        };
        directory = step(&directory, segment, flags, &admit)?;
    }
    Ok(directory)
}

fn step(
    directory: &OwnedFd,
    segment: &[u8],
    flags: OFlags,
    admit: impl Fn(&Stat, &OwnedFd) -> Result<(), Refusal>,
) -> Result<OwnedFd, Refusal> {
    for _ in 0..ATTEMPTS {
        let before = look(directory, segment)?;
        if !is_link(&before) {
            match openat(directory, segment, flags | OFlags::NOFOLLOW, Mode::empty()) {
                // It has become a link.
                Err(Errno::LOOP) => continue,
                result => return Ok(result?),
            }
        }
        let found = resolve(directory, segment, flags, ResolveFlags::empty())?;
        let after = look(directory, segment)?;
        if (before.st_dev, before.st_ino) == (after.st_dev, after.st_ino) {
            return admit(&before, &found).map(|()| found);
        }
    }
    Err(Errno::AGAIN.into())
}

fn look(directory: &OwnedFd, segment: &[u8]) -> Result<Stat, Errno> {
    let flags = LOOK | OFlags::NOFOLLOW;
    fstat(openat(directory, segment, flags, Mode::empty())?)
}

fn is_link(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Symlink
}
