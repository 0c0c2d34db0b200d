//! Log files.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, geteuid, getpid, pidfd_getfd, pidfd_open};

use super::progress::Progress;
use crate::app::identity::Identity;
use crate::telemetry::config::Target;
use crate::telemetry::log::PreparedErrorLog;
use crate::telemetry::{LogConfig, Opened, SyslogSocket};
use crate::transport::{Destination, DirectoryEntry};

/// One of the logs.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Log {
    what: &'static str,
    setting: &'static str,
}

/// The access log.
pub(in crate::app) const ACCESS: Log = Log {
    what: "the access log",
    setting: "[log] access",
};

/// The access log of a route.
pub(in crate::app) const OF_ROUTE: Log = Log {
    what: "the access log",
    setting: "`log` of a [[route]]",
};

/// The error log.
pub(in crate::app) const ERROR: Log = Log {
    what: "the error log",
    setting: "[log] error",
};

impl Log {
    /// Opens its target for appending, and gives a file to the user that is to open it again; `None` when it is off.
    pub(in crate::app) fn open(
        self,
        target: &Target,
        owner: Option<&Identity>,
        progress: &Progress,
    ) -> Result<Option<Opened>> {
        let opened = match target {
            Target::Off => return Ok(None),
            Target::Stdout => Opened::stdout().map_err(Into::into),
            Target::Stderr => Opened::stderr().map_err(Into::into),
            Target::Syslog(to) => {
                let name = to.socket.display().to_string();
                progress.at(self.what, self.setting, &name);
                let socket = SyslogSocket::open(to).map_err(Into::into);
                socket.map(|socket| Opened::syslog(socket, name))
            }
            Target::File(path) => {
                progress.at(self.what, self.setting, path.display());
                file(path, owner, progress).map(|file| Opened::new(file.into(), path.display().to_string()))
            }
        };
        opened.map(Some).with_context(|| self.failed(target))
    }

    /// Opens the targets of routes that are not open yet.
    pub(super) fn open_all(
        self,
        wanted: Vec<Target>,
        open: &[Target],
        owner: Option<&Identity>,
        progress: &Progress,
    ) -> Result<Vec<(Target, Opened)>> {
        let missing = wanted.into_iter().filter(|target| !open.contains(target));
        let opened = missing.map(|target| {
            Ok(self
                .open(&target, owner, progress)?
                .map(|opened| (target, opened)))
        });
        opened.filter_map(Result::transpose).collect()
    }

    /// Fails like [`open`](Self::open), as far as that shows without it.
    pub(super) fn look(self, target: &Target) -> Result<()> {
        let Target::File(path) = target else {
            return Ok(());
        };
        look(path).with_context(|| self.failed(target))
    }

    fn failed(self, target: &Target) -> String {
        match target {
            Target::File(path) => format!("cannot open {} {}", self.what, path.display()),
            Target::Syslog(to) => format!("cannot open {} {}", self.what, to.socket.display()),
            Target::Stdout | Target::Stderr | Target::Off => format!("cannot open {}", self.what),
        }
    }
}

/// Opens the error log, with its level.
pub(super) fn error_log(
    config: &LogConfig,
    owner: Option<&Identity>,
    progress: &Progress,
) -> Result<PreparedErrorLog> {
    let opened = ERROR.open(&config.error, owner, progress)?;
    Ok(PreparedErrorLog::new(&config.error, opened, config.level)?)
}

fn file(path: &Path, owner: Option<&Identity>, progress: &Progress) -> Result<OwnedFd> {
    match Destination::find(path)? {
        // As it is: it is not ours to give away.
        Destination::Descriptor(number) => descriptor(number),
        Destination::Entry(entry) => {
            refuse_socket(&entry)?;
            if kind(&entry) == Some(FileType::Fifo) {
                progress.hint("no process reads from this FIFO");
            }
            let file = append(&entry)?;
            settle(&file, &entry, owner)?;
            Ok(file)
        }
    }
}

fn look(path: &Path) -> Result<()> {
    match Destination::find(path)? {
        Destination::Descriptor(_) => Ok(()),
        Destination::Entry(entry) => {
            refuse_socket(&entry)?;
            Ok(entry.check_writable()?)
        }
    }
}

fn kind(entry: &DirectoryEntry) -> Option<FileType> {
    let stat = entry.stat().ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

/// A socket with a path is connected to, not opened.
fn refuse_socket(entry: &DirectoryEntry) -> Result<()> {
    let is_socket = kind(entry) == Some(FileType::Socket);
    ensure!(
        !is_socket,
        "it is a socket; a log goes to a file, a FIFO or a device"
    );
    Ok(())
}

/// A second handle of one of our descriptors.
fn descriptor(number: u32) -> Result<OwnedFd> {
    Ok(match number {
        0 => io::stdin().as_fd().try_clone_to_owned()?,
        1 => io::stdout().as_fd().try_clone_to_owned()?,
        2 => io::stderr().as_fd().try_clone_to_owned()?,
        number => {
            let flags = APPEND | OFlags::NOCTTY | OFlags::CLOEXEC;
            match open(format!("/proc/self/fd/{number}"), flags, Mode::empty()) {
                Err(Errno::NXIO) => socket(number).context(
                    "it is a socket, and the system gives no second handle of it; have it as standard output, and write \
                     \"stdout\"",
                )?,
                opened => opened?,
            }
        }
    })
}

/// A socket has no path to be opened by; the system hands it over all the same (pidfd_getfd(2), Linux 5.6).
fn socket(number: u32) -> Result<OwnedFd> {
    let ourselves = pidfd_open(getpid(), PidfdFlags::empty())?;
    let number = i32::try_from(number)?;
    Ok(pidfd_getfd(ourselves, number, PidfdGetfdFlags::empty())?)
}

/// Opens the file, or makes it.
fn append(entry: &DirectoryEntry) -> io::Result<OwnedFd> {
    for _ in 0..ATTEMPTS {
        match entry.open(APPEND) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        match entry.create(APPEND, MODE) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created,
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Makes sure that the file is what its name says, and gives it to its owner.
fn settle(file: &OwnedFd, entry: &DirectoryEntry, owner: Option<&Identity>) -> Result<()> {
    let stat = fstat(file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(());
    }
    if geteuid().is_root() {
        ensure!(
            stat.st_nlink <= 1 || !entry.is_open_to_others()?,
            "the file has {} names, and others than root may write to its directory: it may be any other file under a \
             second name; remove this one",
            stat.st_nlink
        );
    }
    owner.map_or(Ok(()), |owner| owner.give(file))
}

const APPEND: OFlags = OFlags::WRONLY.union(OFlags::APPEND);

/// Access logs tell about visitors: not every user may read them.
const MODE: Mode = Mode::from_raw_mode(0o640);

/// How often the file may come and go while it is opened.
const ATTEMPTS: usize = 8;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;
    use crate::telemetry::Sink;

    fn opened(path: &Path) -> Result<Option<Opened>> {
        ACCESS.open(&Target::File(path.into()), None, &Progress::default())
    }

    #[test]
    fn a_log_is_appended_to_and_made_if_it_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for lines in ["one\n", "one\ntwo\n"] {
            let (sink, guard) = Sink::start(opened(&path).unwrap().unwrap()).unwrap();
            sink.push(lines.lines().last().unwrap().as_bytes());
            sink.push(b"\n");
            drop(guard);
            assert_eq!(fs::read_to_string(&path).unwrap(), lines);
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "{mode:o}: others may not read it");
    }

    #[test]
    fn a_log_that_is_off_is_none() {
        let off = ERROR.open(&Target::Off, None, &Progress::default()).unwrap();
        assert!(off.is_none());
    }

    #[test]
    fn a_target_that_cannot_be_opened_is_told() {
        let dir = tempfile::tempdir().unwrap();
        for path in [Path::new("/nonexistent/error.log"), dir.path()] {
            let error = format!("{:#}", opened(path).unwrap_err());
            let told = format!("cannot open the access log {}: ", path.display());
            assert!(error.starts_with(&told), "{error}");
        }
    }

    #[test]
    fn a_socket_among_the_descriptors_is_a_log_and_one_with_a_path_is_not() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
        let (sink, guard) = Sink::start(opened(Path::new(&path)).unwrap().unwrap()).unwrap();
        sink.push(b"one\n");
        drop((guard, writer));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\n");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let _listens = UnixListener::bind(&path).unwrap();
        let error = format!("{:#}", opened(&path).unwrap_err());
        let told = format!("cannot open the access log {}: it is a socket", path.display());
        assert!(error.starts_with(&told), "{error}");
        let look = ACCESS.look(&Target::File(path)).unwrap_err();
        assert_eq!(format!("{look:#}"), error);
    }

    #[test]
    fn a_look_tells_the_same_and_makes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let look = |path: &Path| ACCESS.look(&Target::File(path.into()));
        let said = |outcome: Result<()>| format!("{:#}", outcome.unwrap_err());
        for path in [Path::new("/nonexistent/error.log"), dir.path()] {
            assert_eq!(said(look(path)), said(opened(path).map(drop)));
        }
        let path = dir.path().join("log");
        look(&path).unwrap();
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        look(&path).unwrap();
        look(Path::new("/dev/stdout")).unwrap();
        ERROR.look(&Target::Stderr).unwrap();
    }

    #[test]
    fn descriptors_that_are_not_open_are_told() {
        opened(Path::new("/proc/self/fd/987654")).unwrap_err();
        opened(Path::new("/dev/fd/2")).unwrap();
    }
}
