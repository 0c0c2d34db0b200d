//! Files with certificates, keys and lists: read with a limit, and known again by what the system says of them.

use std::fs::{File, Metadata, metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};

use super::error::TlsError;

/// Bytes of a file, at most: lists of revoked certificates are the largest.
const LIMIT: u64 = 32 * 1024 * 1024;

/// What changes when a file does. Links are followed: Kubernetes and certbot turn those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Content.
    modified: (i64, i64),
    /// Owner and mode, too: what could not be read may be readable now.
    changed: (i64, i64),
}

impl Stamp {
    /// `None`: there is no such file, or it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        metadata(path).ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// All of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |cause| TlsError::Read {
        path: path.to_owned(),
        cause,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > LIMIT {
        true => Err(TlsError::TooLarge {
            path: path.to_owned(),
            limit: LIMIT,
        }),
        false => Ok(bytes),
    }
}

/// All sections of one kind in a file; at least one. `what` and `mark` say which, for the error.
pub(super) fn sections<T: PemObject>(
    path: &Path,
    what: &'static str,
    mark: &'static str,
) -> Result<Vec<T>, TlsError> {
    let bytes = read(path)?;
    let found: Result<Vec<T>, pem::Error> = T::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(TlsError::Nothing {
            path: path.to_owned(),
            what,
            mark,
        }),
        Err(error) => Err(malformed(path, error)),
    }
}

/// What is in the file cannot be understood.
pub(super) fn malformed(path: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError::Malformed {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
