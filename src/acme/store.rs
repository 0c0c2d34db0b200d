//! What is known of certificates, on disk: shared by all processes, and all machines, that have the directory.
//!
//! ```text
//! accounts/        the accounts with directories, with their keys
//! certificates/    NAME.pem: key and chain in one file, so that they never part; NAME.json: when it is to be renewed
//! orders/          NAME.json: how far the order for it is
//! challenges/      what directories are told when they ask: http/TOKEN, alpn/NAME, dns/…
//! locks/           what keeps two processes from the same order: flock(2)
//! ```
//!
//! Directories are for their owner alone (0700), and so are files (0600). A file is written beside its place, and takes it
//! when all of it is on the disk: at no moment is there half of one. All of this waits for the disk: it is not for a
//! thread of the runtime.
#![cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "without TLS only the places of files are known")
)]

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::config::KeyKind;

/// Bytes of one of its files, at most: a certificate with a long chain has a tenth of that.
const LIMIT: u64 = 256 * 1024;

/// A directory with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store(PathBuf);

/// What nothing else works on, until it is dropped.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that is just being started may hold the file a moment longer.
        let _ = self.0.unlock();
    }
}

impl Store {
    /// The one at a path; nothing is made there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the directory, if there is none.
    pub fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// A file of it.
    pub(super) fn file(&self, kind: &str, name: &str) -> PathBuf {
        self.0.join(kind).join(name)
    }

    /// What a file holds; `None`: there is none.
    pub(super) fn read(&self, kind: &str, name: &str) -> io::Result<Option<Vec<u8>>> {
        read(&self.file(kind, name))
    }

    /// Replaces a file.
    pub(super) fn write(&self, kind: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        write(&self.file(kind, name), bytes)
    }

    /// Removes a file, if there is one.
    pub(super) fn remove(&self, kind: &str, name: &str) -> io::Result<()> {
        match fs::remove_file(self.file(kind, name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// What a file holds, understood. What cannot be is told, and is as good as nothing.
    pub(super) fn read_json<T: DeserializeOwned>(&self, kind: &str, name: &str) -> io::Result<Option<T>> {
        let Some(bytes) = self.read(kind, name)? else {
            return Ok(None);
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                let file = self.file(kind, name);
                tracing::warn!(file = %file.display(), %error, "not understood, and so begun anew");
                Ok(None)
            }
        }
    }

    /// Replaces a file.
    pub(super) fn write_json(&self, kind: &str, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.write(kind, name, &serde_json::to_vec_pretty(value)?)
    }

    /// The lock for a name; `None`: another process, or another task, has it.
    pub(super) fn lock(&self, name: &str) -> io::Result<Option<Lock>> {
        let path = self.file(LOCKS, name);
        make_directory(&path)?;
        let mut options = OpenOptions::new();
        // The file stays: one that is removed could be locked twice.
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Where the certificate for a name, `shop.example`, `*.example` or an address, is with a kind of key.
pub fn certificate(store: &Path, name: &str, key: KeyKind) -> PathBuf {
    store.join(CERTIFICATES).join(format!("{}.pem", label(name, key)))
}

/// What files about the certificate for a name are called.
pub(super) fn label(name: &str, key: KeyKind) -> String {
    let name = match name.strip_prefix("*.") {
        Some(parent) => format!("_.{parent}"),
        None => name.to_owned(),
    };
    name + key.suffix()
}

/// What a file holds; `None`: there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LIMIT {
        true => Err(io::Error::other(format!(
            "{}: larger than {LIMIT} bytes",
            path.display()
        ))),
        false => Ok(Some(bytes)),
    }
}

/// Replaces a file, for its owner alone. Directories are made.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = make_directory(path)?;
    // 0600, as mkstemp(3) makes it.
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

/// The same, unless there is something.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = make_directory(path)?;
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

/// Makes the directory that a path is in.
fn make_directory(path: &Path) -> io::Result<&Path> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    Ok(directory)
}

pub(super) const ACCOUNTS: &str = "accounts";
pub(super) const CERTIFICATES: &str = "certificates";
pub(super) const ORDERS: &str = "orders";
const LOCKS: &str = "locks";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn files_and_directories_are_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().join("store"));
        store.write("orders", "a.example.json", b"{}").unwrap();
        let mode = |path: &str| fs::metadata(store.path().join(path)).unwrap().mode() & 0o7777;
        assert_eq!(mode(""), 0o700);
        assert_eq!(mode("orders"), 0o700);
        assert_eq!(mode("orders/a.example.json"), 0o600);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        store.write("orders", "a", b"one").unwrap();
        store.write("orders", "a", b"two").unwrap();
        assert_eq!(store.read("orders", "a").unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path().join("orders")).unwrap().count(), 1);
        store.remove("orders", "a").unwrap();
        store.remove("orders", "a").unwrap();
        assert_eq!(store.read("orders", "a").unwrap(), None);
    }

    #[test]
    fn a_lock_is_had_once() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Store::at(dir.path()), Store::at(dir.path()));
        let lock = one.lock("a.example").unwrap();
        assert!(lock.is_some());
        assert!(other.lock("a.example").unwrap().is_none());
        assert!(other.lock("b.example").unwrap().is_some());
        drop(lock);
        assert!(other.lock("a.example").unwrap().is_some());
    }

    #[test]
    fn half_a_file_is_as_good_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path());
        store.write("orders", "a.json", b"{\"half").unwrap();
        assert_eq!(store.read_json::<Vec<u8>>("orders", "a.json").unwrap(), None);
    }

    #[test]
    fn a_wildcard_has_a_plain_file_name() {
        let path = certificate(Path::new("/s"), "*.example", KeyKind::EcdsaP256);
        assert_eq!(path, Path::new("/s/certificates/_.example.pem"));
        let path = certificate(Path::new("/s"), "a.example", KeyKind::Rsa2048);
        assert_eq!(path, Path::new("/s/certificates/a.example.rsa.pem"));
    }
}
