//! A name in an open directory: how files are found that a start creates, changes or gives away.
//!
//! A process that starts as root opens files in directories that others may write to. A link there would have it write
//! to any file of the system, and give that file away (CVE-2016-1247 was this, in the packages of nginx). So a path is
//! walked one name at a time: each directory is open before the next name is looked up in it, and a link is followed
//! only if it belongs to root or to the user of this process, as the open link itself says. What stands at the last
//! name is opened in its directory, without following a link.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, fstat, openat, readlinkat, renameat,
    statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::account;

/// A name in an open directory, whether anything has that name or not.
#[derive(Debug)]
pub struct DirectoryEntry {
    directory: OwnedFd,
    name: OsString,
    /// Without the links that were followed.
    path: PathBuf,
}

/// What a path leads to, when a link at its end is followed, too.
#[derive(Debug)]
pub enum Destination {
    /// A name in a directory. No link that may be followed has it.
    Entry(DirectoryEntry),
    /// `/dev/stdout`, `/dev/fd/7`, `/proc/self/fd/7`: a descriptor of this process.
    Descriptor(u32),
}

/// Why a path leads to nothing that may be opened.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// A link of a user that is neither root nor ours.
    #[error(
        "the link {} belongs to user {owner}: only links of root and of the user that opens them are followed, since \
         others could lead anywhere; write where it leads to",
        link.display()
    )]
    Link {
        /// The link.
        link: PathBuf,
        /// Its owner.
        owner: String,
    },
    /// A part of the path cannot be opened.
    #[error("{}: {cause}", part.display())]
    Io {
        /// The path up to that part.
        part: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

impl DirectoryEntry {
    /// The name at the end of an absolute path. What has it is not looked at.
    pub fn find(path: &Path) -> Result<Self, EntryError> {
        Walk::from_root(path)?.into_entry()
    }

    /// Its path, without links above it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what has the name, never through a link.
    pub fn open(&self, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(openat(
            &self.directory,
            &self.name,
            flags | ALWAYS,
            Mode::empty(),
        )?)
    }

    /// Makes a file of that name, which must be free, and opens it.
    pub fn create(&self, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CREATE | OFlags::EXCL | ALWAYS;
        Ok(openat(&self.directory, &self.name, flags, mode)?)
    }

    /// What has the name now; a link is told of itself.
    pub fn stat(&self) -> io::Result<Stat> {
        Ok(statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Fails if this process could neither write to what has the name nor make a file of that name.
    pub fn check_writable(&self) -> io::Result<()> {
        let (name, wanted) = match self.stat() {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                return Err(Errno::ISDIR.into());
            }
            Ok(_) => (self.name.as_os_str(), Access::WRITE_OK),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                (OsStr::new("."), Access::WRITE_OK | Access::EXEC_OK)
            }
            Err(error) => return Err(error),
        };
        Ok(accessat(&self.directory, name, wanted, AtFlags::EACCESS)?)
    }

    /// Whether an open file has the name now.
    pub fn leads_to(&self, file: &OwnedFd) -> io::Result<bool> {
        let (open, named) = (fstat(file)?, self.stat());
        Ok(named.is_ok_and(|named| (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino)))
    }

    /// Removes the name.
    pub fn remove(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::empty())?)
    }

    /// Another name in the same directory: this one with `suffix` behind it.
    pub fn with_suffix(&self, suffix: impl AsRef<OsStr>) -> io::Result<Self> {
        let mut name = self.name.clone();
        name.push(suffix);
        Ok(Self {
            directory: self.directory.try_clone()?,
            path: self.path.with_file_name(&name),
            name,
        })
    }

    /// Gives the file the name of another one in the same directory, which goes.
    pub fn replace(&self, other: &Self) -> io::Result<()> {
        Ok(renameat(
            &self.directory,
            &self.name,
            &other.directory,
            &other.name,
        )?)
    }

    /// Whether others than root may put files into the directory.
    pub fn is_open_to_others(&self) -> io::Result<bool> {
        let directory = fstat(&self.directory)?;
        Ok(directory.st_uid != 0 || directory.st_mode & WRITABLE != 0)
    }
}

impl Destination {
    /// Where an absolute path leads.
    pub fn find(path: &Path) -> Result<Self, EntryError> {
        Walk::from_root(path)?.into_end()
    }
}

/// A path on its way.
struct Walk {
    here: OwnedFd,
    path: PathBuf,
    rest: VecDeque<OsString>,
    links: usize,
}

/// What a step led to.
enum Step {
    /// The next directory, or where a link leads.
    Further,
    /// The last name, and it is no link.
    Last(OsString),
}

impl Walk {
    fn from_root(path: &Path) -> Result<Self, EntryError> {
        let walk = Self {
            here: root()?,
            path: PathBuf::from("/"),
            rest: names(path).collect(),
            links: 0,
        };
        if walk.rest.is_empty() {
            return Err(walk.failed(&[], Errno::ISDIR));
        }
        Ok(walk)
    }

    /// To the last name, whatever has it.
    fn into_entry(mut self) -> Result<DirectoryEntry, EntryError> {
        while self.rest.len() > 1 || self.rest.front().is_some_and(|name| name == "..") {
            self.step()?;
        }
        match self.rest.pop_front() {
            Some(name) => Ok(self.entry(name)),
            None => Err(self.failed(&[], Errno::ISDIR)),
        }
    }

    /// To what is no link.
    fn into_end(mut self) -> Result<Destination, EntryError> {
        loop {
            if let Some(number) = self.descriptor() {
                return Ok(Destination::Descriptor(number));
            }
            if let Step::Last(name) = self.step()? {
                return Ok(Destination::Entry(self.entry(name)));
            }
        }
    }

    fn entry(self, name: OsString) -> DirectoryEntry {
        DirectoryEntry {
            path: self.path.join(&name),
            directory: self.here,
            name,
        }
    }

    fn step(&mut self) -> Result<Step, EntryError> {
        let Some(name) = self.rest.pop_front() else {
            return Err(self.failed(&[], Errno::ISDIR));
        };
        // With O_DIRECTORY an automounter does its work.
        match openat(&self.here, &name, LOOK | OFlags::DIRECTORY, Mode::empty()) {
            Ok(_) if self.rest.is_empty() && name != ".." => Ok(Step::Last(name)),
            Ok(directory) => {
                self.enter(directory, &name);
                Ok(Step::Further)
            }
            Err(Errno::NOENT) if self.rest.is_empty() => Ok(Step::Last(name)),
            Err(Errno::NOTDIR | Errno::LOOP) => self.no_directory(name),
            Err(error) => Err(self.failed(name.as_bytes(), error)),
        }
    }

    /// A link, or the end.
    fn no_directory(&mut self, name: OsString) -> Result<Step, EntryError> {
        let failed = |walk: &Self, error| walk.failed(name.as_bytes(), error);
        let node = match openat(&self.here, &name, LOOK, Mode::empty()) {
            Ok(node) => node,
            Err(error) => return Err(failed(self, error)),
        };
        let stat = fstat(&node).map_err(|error| failed(self, error))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            return self.follow(&node, &stat, &name).map(|()| Step::Further);
        }
        match self.rest.is_empty() {
            true => Ok(Step::Last(name)),
            false => Err(failed(self, Errno::NOTDIR)),
        }
    }

    fn follow(&mut self, link: &OwnedFd, stat: &Stat, name: &OsStr) -> Result<(), EntryError> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(self.failed(name.as_bytes(), Errno::LOOP));
        }
        if stat.st_uid != 0 && stat.st_uid != geteuid().as_raw() {
            return Err(EntryError::Link {
                link: self.path.join(name),
                owner: account::user_name(stat.st_uid),
            });
        }
        let target = readlinkat(link, "", Vec::new()).map_err(|error| self.failed(name.as_bytes(), error))?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            self.here = root()?;
            self.path = PathBuf::from("/");
        }
        for name in names(&target).rev() {
            self.rest.push_front(name);
        }
        Ok(())
    }

    fn enter(&mut self, directory: OwnedFd, name: &OsStr) {
        self.here = directory;
        if name == ".." {
            self.path.pop();
        } else {
            self.path.push(name);
        }
    }

    /// The descriptor of ours that the whole path names. It is not walked: what the kernel shows there as a link leads to
    /// pipes and sockets, too, which have no path.
    fn descriptor(&self) -> Option<u32> {
        let whole = self.path.join(self.rest.iter().collect::<PathBuf>());
        match whole.to_str()? {
            "/dev/stdin" => return Some(0),
            "/dev/stdout" => return Some(1),
            "/dev/stderr" => return Some(2),
            _ => {}
        }
        let number = ["/proc/self/fd", "/dev/fd"]
            .iter()
            .find_map(|directory| whole.strip_prefix(directory).ok())?;
        number.to_str()?.parse().ok()
    }

    fn failed(&self, name: &[u8], error: Errno) -> EntryError {
        let part = match name {
            [] => self.path.clone(),
            name => self.path.join(OsStr::from_bytes(name)),
        };
        EntryError::Io {
            part,
            cause: error.into(),
        }
    }
}

fn root() -> Result<OwnedFd, EntryError> {
    openat(CWD, "/", LOOK | OFlags::DIRECTORY, Mode::empty()).map_err(|error| EntryError::Io {
        part: PathBuf::from("/"),
        cause: error.into(),
    })
}

/// The names in a path; `..` stays, since it means something behind a link.
fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

/// Of everything that is opened: no link is followed, no terminal becomes ours, no child inherits it.
const ALWAYS: OFlags = OFlags::NOFOLLOW.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Needs no right to read.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The bits `w` of group and others.
const WRITABLE: u32 = 0o022;

/// What the kernel follows in one path.
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(entry: &DirectoryEntry) -> io::Result<String> {
        let mut text = String::new();
        fs::File::from(entry.open(OFlags::RDONLY)?).read_to_string(&mut text)?;
        Ok(text)
    }

    fn end(path: &Path) -> DirectoryEntry {
        match Destination::find(path).unwrap() {
            Destination::Entry(entry) => entry,
            Destination::Descriptor(number) => panic!("{}: descriptor {number}", path.display()),
        }
    }

    #[test]
    fn links_of_ours_are_followed_to_where_they_lead() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        fs::create_dir_all(dir.join("a/b")).unwrap();
        fs::write(dir.join("a/file"), "here").unwrap();
        symlink("a/b", dir.join("near")).unwrap();
        symlink(dir.join("a"), dir.join("far")).unwrap();
        symlink("../file", dir.join("a/b/link")).unwrap();
        for path in ["a/file", "far/file", "near/link", "far/b/link"] {
            let entry = end(&dir.join(path));
            assert_eq!(entry.path(), dir.join("a/file"), "{path}");
            assert_eq!(read(&entry).unwrap(), "here");
        }
        // The end of a path is followed only where that is asked for, and never when it is opened.
        let link = DirectoryEntry::find(&dir.join("near/link")).unwrap();
        assert_eq!(link.path(), dir.join("a/b/link"));
        read(&link).unwrap_err();
        link.create(OFlags::WRONLY, Mode::RUSR).unwrap_err();
    }

    #[test]
    fn a_name_that_is_free_is_an_entry_and_a_missing_directory_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let entry = end(&dir.path().join("new"));
        assert_eq!(entry.stat().unwrap_err().kind(), io::ErrorKind::NotFound);
        let error = DirectoryEntry::find(&dir.path().join("none/new")).unwrap_err();
        let missing = dir.path().join("none").display().to_string();
        assert!(error.to_string().starts_with(&missing), "{error}");
        fs::write(dir.path().join("file"), "").unwrap();
        let error = DirectoryEntry::find(&dir.path().join("file/new")).unwrap_err();
        assert!(error.to_string().contains("Not a directory"), "{error}");
    }

    #[test]
    fn links_that_lead_to_each_other_end() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        let error = Destination::find(&dir.path().join("a")).unwrap_err();
        assert!(error.to_string().contains("symbolic links"), "{error}");
    }

    #[test]
    fn descriptors_have_paths() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/dev/stderr", dir.path().join("log")).unwrap();
        for (path, number) in [
            (Path::new("/dev/stdout"), 1),
            (Path::new("/dev/fd/7"), 7),
            (Path::new("/proc/self/fd/2"), 2),
            (&dir.path().join("log"), 2),
        ] {
            match Destination::find(path).unwrap() {
                Destination::Descriptor(found) => assert_eq!(found, number),
                Destination::Entry(entry) => panic!("{entry:?}"),
            }
        }
    }

    #[test]
    #[ignore = "needs root: cargo xtask test plays it when it has it"]
    fn a_link_of_another_user_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("target"), "").unwrap();
        let link = dir.path().join("link");
        symlink("target", &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
        let error = Destination::find(&link).unwrap_err();
        assert!(matches!(error, EntryError::Link { .. }), "{error}");
        let error = DirectoryEntry::find(&link.join("x")).unwrap_err();
        assert!(matches!(error, EntryError::Link { .. }), "{error}");
    }
}
