//! The file of a unix socket that we listen on.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid, chmod, chownat, fstat};
use rustix::process::geteuid;

use super::access::Ownership;
use super::entry::DirectoryEntry;

/// A socket's file, by descriptor: whatever has its name later, it is this file that is given away, and no other one is
/// removed. It goes when this is dropped, unless it is to stay.
#[derive(Debug)]
pub(super) struct SocketFile {
    entry: DirectoryEntry,
    /// Open for nothing but its place in the file system (O_PATH).
    node: OwnedFd,
    stays: AtomicBool,
}

impl SocketFile {
    /// The file that bind(2) has made of that name a moment ago.
    pub(super) fn made(entry: DirectoryEntry) -> io::Result<Self> {
        let (node, stat) = socket(&entry)?;
        // Else another process has put something else in its place.
        if stat.st_uid != geteuid().as_raw() || stat.st_nlink != 1 {
            return Err(io::Error::other("the socket was replaced as soon as it was made"));
        }
        Ok(Self::new(entry, node, false))
    }

    /// The file of a socket that another process has made. It stays until it is [ours](Self::keep).
    pub(super) fn lent(entry: DirectoryEntry) -> io::Result<Self> {
        let (node, _) = socket(&entry)?;
        Ok(Self::new(entry, node, true))
    }

    fn new(entry: DirectoryEntry, node: OwnedFd, stays: bool) -> Self {
        let stays = AtomicBool::new(stays);
        Self { entry, node, stays }
    }

    /// Gives the file to its owner. Before listen(2): until then every connection is refused, so that the permissions
    /// that bind(2) left admit no client.
    pub(super) fn give(&self, ownership: &Ownership) -> io::Result<()> {
        let now = fstat(&self.node)?;
        // Only what has to be: a process that gave up its privileges may no longer do what was done before.
        let owner = ownership.owner.filter(|owner| *owner != now.st_uid);
        let group = ownership.group.filter(|group| *group != now.st_gid);
        if owner.is_some() || group.is_some() {
            let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
            chownat(&self.node, "", owner, group, AtFlags::EMPTY_PATH)?;
        }
        // After the owner: a change of owner may take bits away.
        match ownership.mode {
            Some(mode) if mode != now.st_mode & BITS => self.set_mode(mode),
            _ => Ok(()),
        }
    }

    /// fchmod(2) takes no descriptor of this kind; this link of the kernel leads to what the descriptor is open for.
    fn set_mode(&self, mode: u32) -> io::Result<()> {
        let link = format!("/proc/self/fd/{}", self.node.as_raw_fd());
        Ok(chmod(link, Mode::from_raw_mode(mode))?)
    }

    /// Another process goes on with it.
    pub(super) fn leave(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// It is ours from now on.
    pub(super) fn keep(&self) {
        self.stays.store(false, Ordering::Relaxed);
    }

    /// Removes the file, once, and only if it still has its name.
    pub(super) fn remove(&self) {
        if !self.stays.swap(true, Ordering::Relaxed) && self.entry.leads_to(&self.node).unwrap_or(false) {
            // Gone already is as good.
            let _ = self.entry.remove();
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn socket(entry: &DirectoryEntry) -> io::Result<(OwnedFd, Stat)> {
    let node = entry.open(OFlags::PATH)?;
    let stat = fstat(&node)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => Ok((node, stat)),
        _ => Err(io::Error::other("the path is not a socket's")),
    }
}

/// The permission bits of a file's mode.
const BITS: u32 = 0o7777;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::*;

    fn made(path: &Path) -> (UnixListener, SocketFile) {
        let listener = UnixListener::bind(path).unwrap();
        let file = SocketFile::made(DirectoryEntry::find(path).unwrap()).unwrap();
        (listener, file)
    }

    #[test]
    fn a_file_gets_the_mode_and_the_group() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let (_listener, file) = made(&path);
        let ours = fs::metadata(&path).unwrap().gid();
        let ownership = Ownership {
            owner: None,
            group: Some(ours),
            mode: Some(0o620),
        };
        file.give(&ownership).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.mode() & 0o7777, metadata.gid()), (0o620, ours));
    }

    #[test]
    fn what_has_taken_its_place_is_neither_changed_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("x.sock"), dir.path().join("moved"));
        let (_listener, file) = made(&path);
        fs::rename(&path, &moved).unwrap();
        let stranger = dir.path().join("stranger");
        fs::write(&stranger, "").unwrap();
        let before = fs::metadata(&stranger).unwrap().mode();
        std::os::unix::fs::symlink(&stranger, &path).unwrap();
        let ownership = Ownership {
            mode: Some(0o606),
            ..Ownership::default()
        };
        file.give(&ownership).unwrap();
        assert_eq!(fs::metadata(&stranger).unwrap().mode(), before);
        assert_eq!(fs::metadata(&moved).unwrap().mode() & 0o7777, 0o606);
        drop(file);
        assert!(path.is_symlink() && moved.exists());
    }
}
