//! A directory below which files are looked up.
//!
//! The path of a lookup has no `..`; which symbolic links are followed is said by [`Symlinks`]. The system calls are made
//! on the calling thread: on a local file system they take one or two microseconds out of the directory cache, while a hop
//! to the blocking pool costs ten. A root on a network file system may therefore hold up a runtime thread.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use bytes::Bytes;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat, openat2};
use rustix::io::Errno;

use super::links::{Refusal, Symlinks};
use super::path::RelPath;

/// How often a root checks whether its path leads to another directory now: deployments switch a link.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Neither waits for the writer of a FIFO nor makes a terminal ours.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Needs no right to read the file, only to reach it: PHP may be another user.
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// A directory whose files are served.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
    symlinks: Symlinks,
    current: ArcSwap<Directory>,
    opened: Instant,
    /// Seconds after `opened` of the last check.
    checked: AtomicU64,
}

/// The directory that a root's path led to when it was last checked.
#[derive(Debug)]
struct Directory {
    fd: OwnedFd,
    /// Its path without links.
    real: Bytes,
    id: (u64, u64),
    lookup: Lookup,
}

/// How paths are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// As the root's [`Symlinks`] say.
    Links,
    /// Links are not followed: the kernel (before 5.6) or a sandbox does not know `openat2`.
    NoLinks,
}

/// What a path leads to.
#[derive(Debug)]
pub enum Entry {
    /// A regular file, open for reading.
    File(File),
    /// A directory.
    Directory,
}

/// The same without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// An open regular file and what is told about it.
#[derive(Debug)]
pub struct File {
    pub(super) file: fs::File,
    /// Size in bytes when it was opened.
    pub size: u64,
    /// Last change of its contents.
    pub modified: SystemTime,
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

impl Root {
    /// Opens the directory at an absolute path.
    pub fn open(path: impl Into<PathBuf>, symlinks: Symlinks) -> io::Result<Self> {
        let path = path.into();
        Ok(Self {
            symlinks,
            current: ArcSwap::from_pointee(Directory::open(&path)?),
            path,
            opened: Instant::now(),
            checked: AtomicU64::new(0),
        })
    }

    /// Opens what is at `path`.
    pub fn get(&self, path: &RelPath) -> Result<Entry, LookupError> {
        let fd = self.directory().resolve(path, self.symlinks, READ)?;
        let stat = fstat(&fd)?;
        Ok(match kind(&stat)? {
            Kind::Directory => Entry::Directory,
            Kind::File => Entry::File(File::new(fd, &stat)),
        })
    }

    /// Tells what is at `path`, and the path of the root without links at this moment.
    pub fn look(&self, path: &RelPath) -> Result<(Kind, Bytes), LookupError> {
        let directory = self.directory();
        let fd = directory.resolve(path, self.symlinks, LOOK)?;
        Ok((kind(&fstat(&fd)?)?, directory.real.clone()))
    }

    /// The path of the root without links, as of the last check.
    pub fn real_path(&self) -> Bytes {
        self.current.load().real.clone()
    }

    /// Follows the root's own path again. A path that leads nowhere changes nothing: a deployment may be at
    /// work.
    pub fn refresh(&self) {
        let current = self.current.load();
        if let Ok(fresh) = Directory::open(&self.path)
            && (fresh.id, &fresh.real) != (current.id, &current.real)
        {
            self.current.store(Arc::new(fresh));
        }
    }

    fn directory(&self) -> arc_swap::Guard<Arc<Directory>> {
        let now = self.opened.elapsed().as_secs();
        let last = self.checked.load(Ordering::Relaxed);
        // One of the callers of this second checks; the others go on with what there is.
        let due = now >= last + CHECK_EVERY.as_secs();
        let relaxed = Ordering::Relaxed;
        if due && self.checked.compare_exchange(last, now, relaxed, relaxed).is_ok() {
            self.refresh();
        }
        self.current.load()
    }
}

impl Directory {
    fn open(path: &Path) -> io::Result<Self> {
        let real = fs::canonicalize(path)?;
        let flags = LOOK | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let fd = open(&real, flags, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok(Self {
            lookup: Lookup::probe(&fd)?,
            fd,
            real: Bytes::copy_from_slice(real.as_os_str().as_bytes()),
            id: (stat.st_dev, stat.st_ino),
        })
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

impl File {
    fn new(fd: OwnedFd, stat: &Stat) -> Self {
        let file = fs::File::from(fd);
        let seconds = Duration::from_secs(stat.st_mtime.unsigned_abs());
        let whole = match stat.st_mtime {
            0.. => SystemTime::UNIX_EPOCH + seconds,
            _ => SystemTime::UNIX_EPOCH - seconds,
        };
        Self {
            file,
            size: stat.st_size.unsigned_abs(),
            modified: whole + Duration::from_nanos(stat.st_mtime_nsec),
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;
    use crate::files::path::DecodedPath;

    fn rel(path: &str) -> RelPath {
        let path = DecodedPath::parse(format!("/{path}").as_bytes()).unwrap();
        path.relative(0, path.as_bytes().len()).unwrap()
    }

    /// `site/` is the root; `secret` lies beside it.
    fn tree() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        fs::create_dir_all(site.join("sub/deep")).unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::write(site.join("page"), "page").unwrap();
        fs::write(site.join("sub/deep/file"), "deep").unwrap();
        symlink("../../page", site.join("sub/deep/inside")).unwrap();
        symlink("sub", site.join("linked")).unwrap();
        symlink("../secret", site.join("out")).unwrap();
        symlink("..", site.join("up")).unwrap();
        symlink(dir.path().join("secret"), site.join("absolute")).unwrap();
        symlink("loop", site.join("loop")).unwrap();
        symlink("/proc/self/root/etc", site.join("magic")).unwrap();
        symlink(site.join("sub"), site.join("whole")).unwrap();
        dir
    }

    fn root(dir: &TempDir) -> Root {
        with(dir, Symlinks::Inside)
    }

    fn with(dir: &TempDir, symlinks: Symlinks) -> Root {
        Root::open(dir.path().join("site"), symlinks).unwrap()
    }

    fn without_openat2(dir: &TempDir) -> Root {
        let root = root(dir);
        let mut directory = Directory::open(&root.path).unwrap();
        directory.lookup = Lookup::NoLinks;
        root.current.store(Arc::new(directory));
        root
    }

    fn contents(root: &Root, path: &str) -> Result<String, LookupError> {
        let Entry::File(mut file) = root.get(&rel(path))? else {
            panic!("{path} is a directory");
        };
        let mut text = String::new();
        file.file.read_to_string(&mut text).unwrap();
        assert_eq!(file.size, text.len() as u64);
        Ok(text)
    }

    #[test]
    fn files_and_directories_are_told_apart() {
        let dir = tree();
        for root in [root(&dir), without_openat2(&dir)] {
            assert_eq!(contents(&root, "page").unwrap(), "page");
            assert_eq!(contents(&root, "sub/deep/file").unwrap(), "deep");
            assert!(matches!(root.get(&rel("")), Ok(Entry::Directory)));
            assert!(matches!(root.get(&rel("sub/deep")), Ok(Entry::Directory)));
            assert_eq!(root.look(&rel("page")).unwrap().0, Kind::File);
            assert_eq!(root.look(&rel("sub")).unwrap().0, Kind::Directory);
            for missing in ["none", "none/none", "page/none", &"x".repeat(300)] {
                assert!(
                    matches!(root.get(&rel(missing)), Err(LookupError::NotFound)),
                    "{missing}"
                );
                assert!(
                    matches!(root.look(&rel(missing)), Err(LookupError::NotFound)),
                    "{missing}"
                );
            }
        }
    }

    #[test]
    fn links_are_followed_wherever_they_lead() {
        let dir = tree();
        let root = with(&dir, Symlinks::Follow);
        for (path, text) in [
            ("sub/deep/inside", "page"),
            ("linked/deep/file", "deep"),
            ("whole/deep/file", "deep"),
            ("out", "secret"),
            ("up/secret", "secret"),
            ("absolute", "secret"),
        ] {
            assert_eq!(contents(&root, path).unwrap(), text, "{path}");
        }
        for nothing in ["loop", "magic", "magic/passwd"] {
            assert!(
                matches!(root.get(&rel(nothing)), Err(LookupError::NotFound)),
                "{nothing}"
            );
        }
    }

    #[test]
    fn inside_the_root_links_work_absolute_ones_too_and_no_other_does() {
        let dir = tree();
        let root = root(&dir);
        assert_eq!(contents(&root, "sub/deep/inside").unwrap(), "page");
        assert_eq!(contents(&root, "linked/deep/file").unwrap(), "deep");
        assert_eq!(contents(&root, "whole/deep/file").unwrap(), "deep");
        for outside in ["out", "up", "up/secret", "up/site/page", "absolute"] {
            assert!(
                matches!(root.get(&rel(outside)), Err(LookupError::Outside)),
                "{outside}"
            );
            assert!(
                matches!(root.look(&rel(outside)), Err(LookupError::Outside)),
                "{outside}"
            );
        }
        for nothing in ["loop", "magic", "magic/passwd"] {
            assert!(
                matches!(root.get(&rel(nothing)), Err(LookupError::NotFound)),
                "{nothing}"
            );
        }
    }

    #[test]
    fn links_of_the_owner_are_followed() {
        let dir = tree();
        let root = with(&dir, Symlinks::Owner);
        for (path, text) in [
            ("page", "page"),
            ("linked/deep/inside", "page"),
            ("up/secret", "secret"),
        ] {
            assert_eq!(contents(&root, path).unwrap(), text, "{path}");
        }
        assert!(matches!(root.get(&rel("")), Ok(Entry::Directory)));
        assert!(matches!(root.get(&rel("loop")), Err(LookupError::NotFound)));
    }

    #[test]
    #[ignore = "needs root: cargo xtask test plays it when it has it"]
    fn links_of_another_user_are_not_followed() {
        let dir = tree();
        let site = dir.path().join("site");
        let stranger = Some(rustix::fs::Uid::from_raw(65_534));
        for link in ["linked", "out"] {
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(rustix::fs::CWD, site.join(link), stranger, None, flags).unwrap();
        }
        let root = with(&dir, Symlinks::Owner);
        for link in ["linked/deep/file", "out"] {
            assert!(matches!(root.get(&rel(link)), Err(LookupError::Owner)), "{link}");
            assert!(matches!(root.look(&rel(link)), Err(LookupError::Owner)), "{link}");
        }
    }

    #[test]
    fn without_openat2_no_link_works() {
        let dir = tree();
        let root = without_openat2(&dir);
        for link in [
            "sub/deep/inside",
            "linked/deep/file",
            "out",
            "up/secret",
            "absolute",
            "loop",
            "magic",
        ] {
            assert!(
                matches!(root.get(&rel(link)), Err(LookupError::NotFound)),
                "{link}"
            );
            assert!(
                matches!(root.look(&rel(link)), Err(LookupError::NotFound)),
                "{link}"
            );
        }
    }

    #[test]
    fn a_fifo_or_a_socket_is_not_there_and_is_not_waited_for() {
        let dir = tree();
        let site = dir.path().join("site");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            site.join("fifo"),
            FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(site.join("socket")).unwrap();
        for root in [root(&dir), without_openat2(&dir)] {
            for special in ["fifo", "socket"] {
                assert!(matches!(root.get(&rel(special)), Err(LookupError::NotFound)));
                assert!(matches!(root.look(&rel(special)), Err(LookupError::NotFound)));
            }
        }
    }

    #[test]
    fn a_switched_release_is_found_and_a_missing_one_keeps_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let (current, fresh) = (dir.path().join("current"), dir.path().join("fresh"));
        for release in ["one", "two"] {
            fs::create_dir(dir.path().join(release)).unwrap();
            fs::write(dir.path().join(release).join("name"), release).unwrap();
        }
        symlink("one", &current).unwrap();
        let root = Root::open(&current, Symlinks::Follow).unwrap();
        assert_eq!(contents(&root, "name").unwrap(), "one");
        symlink("two", &fresh).unwrap();
        fs::rename(&fresh, &current).unwrap();
        root.refresh();
        assert_eq!(contents(&root, "name").unwrap(), "two");
        assert!(root.real_path().ends_with(b"/two"));
        fs::remove_file(&current).unwrap();
        root.refresh();
        assert_eq!(contents(&root, "name").unwrap(), "two");
    }

    #[test]
    fn a_root_that_is_no_directory_is_refused() {
        let dir = tree();
        assert!(Root::open(dir.path().join("none"), Symlinks::Follow).is_err());
        assert!(Root::open(dir.path().join("secret"), Symlinks::Follow).is_err());
    }
}
