//! A unix socket that the kit listens at, and its place in the file system or in the abstract name space.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The file of a socket; it is removed when this is dropped, unless somebody has put another one there.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

/// Listens at a path. A socket that nobody listens at any more is replaced, and nothing else.
///
/// # Errors
///
/// When something else is there, and those of the system.
pub fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let listener = UnixListener::bind(path)?;
    let identity = identity(path)?;
    let path = path.to_owned();
    Ok((listener, SocketFile { path, identity }))
}

/// Listens at a name that is in no directory, and is gone with the listener.
///
/// # Errors
///
/// Those of the system: another program may listen there.
pub fn listen_abstract(name: &str) -> io::Result<UnixListener> {
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)
}

/// Connects to such a name.
///
/// # Errors
///
/// Those of the system.
pub fn connect_abstract(name: &str) -> io::Result<UnixStream> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)
}

impl SocketFile {
    /// Lets every user connect: the workers of a front end are seldom ours. Who may reach the socket at all is up to
    /// the directory.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn open_to_all(&self) -> io::Result<()> {
        fs::set_permissions(&self.path, Permissions::from_mode(FOR_ALL))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            // Somebody may have removed it before us.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Makes room for a socket. Only a socket is removed, and only when connecting to it is refused.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        let message = "there is a file that is no socket; remove it, or choose another path";
        return Err(io::Error::new(ErrorKind::AlreadyExists, message));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let message = format!("there is a socket, and nobody can say whether it is in use: {error}");
            Err(io::Error::new(error.kind(), message))
        }
        Ok(_) => {
            let message = "somebody listens there already; end that program, or choose another path";
            Err(io::Error::new(ErrorKind::AddrInUse, message))
        }
    }
}

const FOR_ALL: u32 = 0o666; // read and write, which connecting needs

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("s");
        (directory, path)
    }

    #[test]
    fn a_regular_file_stays_as_it_is() {
        let (_directory, path) = place();
        fs::write(&path, "precious").expect("written");
        let error = listen(&path).expect_err("no socket");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
    }

    #[test]
    fn a_socket_in_use_stays_with_its_owner() {
        let (_directory, path) = place();
        let (_listener, _file) = listen(&path).expect("free");
        let error = listen(&path).expect_err("in use");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_socket_without_a_listener_is_replaced_and_removed_at_the_end() {
        let (_directory, path) = place();
        drop(UnixListener::bind(&path).expect("free"));
        let (_listener, file) = listen(&path).expect("stale");
        file.open_to_all().expect("permitted");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, FOR_ALL);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn an_abstract_socket_is_there_as_long_as_it_is_listened_at() {
        let (directory, _) = place();
        let name = directory.path().display().to_string(); // no other name is like it
        let listener = listen_abstract(&name).expect("free");
        assert!(connect_abstract(&name).is_ok());
        assert!(listen_abstract(&name).is_err(), "in use");
        drop(listener);
        assert!(connect_abstract(&name).is_err());
    }

    #[test]
    fn the_socket_of_another_is_not_removed_at_our_end() {
        let (_directory, path) = place();
        let (_listener, file) = listen(&path).expect("free");
        fs::rename(&path, path.with_extension("old")).expect("moved");
        let _other = UnixListener::bind(&path).expect("free again");
        drop(file);
        assert!(UnixStream::connect(&path).is_ok());
    }
}
