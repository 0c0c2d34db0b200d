//! What keeps two processes from putting a socket at the same path at the same time.
//!
//! To replace the socket file that a killed process left behind takes several steps: connect to it, remove it, bind,
//! listen. A second process that has found the same file dead would remove the fresh one. So these steps are made under a
//! lock, flock(2) on a file beside the socket. It is held for that moment only: a process that comes later finds a
//! socket that answers. A socket that is handed over, by a reload, by a replaced process or by a service manager, is
//! bound already and needs none.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat};
use rustix::io::retry_on_intr;

use super::entry::DirectoryEntry;

/// The lock, until it is dropped.
#[derive(Debug)]
pub(super) struct BindLock {
    entry: DirectoryEntry,
    file: OwnedFd,
}

impl BindLock {
    /// Where the file of the lock is.
    pub(super) fn path(socket: &DirectoryEntry) -> PathBuf {
        let mut path = socket.path().as_os_str().to_owned();
        path.push(SUFFIX);
        path.into()
    }

    /// Waits for the lock beside a socket.
    pub(super) fn acquire(socket: &DirectoryEntry) -> io::Result<Self> {
        let entry = socket.with_suffix(SUFFIX)?;
        for _ in 0..ATTEMPTS {
            let Some(file) = open(&entry)? else { continue };
            retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
            // Else the one before has removed it, and the next one locks another file.
            if entry.leads_to(&file)? {
                return Ok(Self { entry, file });
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }
}

impl Drop for BindLock {
    /// The file goes before the lock does. A file that is not empty was there before, and is not ours.
    fn drop(&mut self) {
        let empty = fstat(&self.file).is_ok_and(|stat| stat.st_size == 0);
        if empty && self.entry.leads_to(&self.file).unwrap_or(false) {
            let _ = self.entry.remove();
        }
        // A child that is just being started may hold the file a moment longer.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// The file, made if need be; `None` when it has come or gone meanwhile.
fn open(entry: &DirectoryEntry) -> io::Result<Option<OwnedFd>> {
    let file = match entry.open(OFlags::RDWR | OFlags::NONBLOCK) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => entry.create(OFlags::RDWR, MODE),
        opened => opened,
    };
    match file {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
        Ok(file) if FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile => Ok(Some(file)),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "something that is no file has the name of its lock",
        )),
    }
}

/// Behind the name of the socket.
const SUFFIX: &str = ".lock";

/// Others cannot open it, and so not hold it.
const MODE: Mode = Mode::from_raw_mode(0o600);

/// So many processes may have had the lock before us.
const ATTEMPTS: usize = 100;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn one_at_a_time_has_the_lock_and_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _lock = BindLock::acquire(&DirectoryEntry::find(&path).unwrap()).unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_file_that_a_killed_process_left_is_used_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (socket, file) = (dir.path().join("x.sock"), dir.path().join("x.sock.lock"));
        std::fs::write(&file, "").unwrap();
        drop(BindLock::acquire(&DirectoryEntry::find(&socket).unwrap()).unwrap());
        assert!(!file.exists());
    }

    #[test]
    fn a_link_or_a_file_of_another_program_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (socket, file) = (dir.path().join("x.sock"), dir.path().join("x.sock.lock"));
        let entry = DirectoryEntry::find(&socket).unwrap();
        std::fs::write(&file, "4711\n").unwrap();
        drop(BindLock::acquire(&entry).unwrap());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "4711\n");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &file).unwrap();
        BindLock::acquire(&entry).unwrap_err();
        assert!(!dir.path().join("elsewhere").exists());
    }
}
