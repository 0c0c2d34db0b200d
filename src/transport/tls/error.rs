//! Why TLS cannot be spoken as it is configured.

use std::io;
use std::path::PathBuf;

/// Something is wrong with a file, or with several together.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It is larger than any such file.
    #[error("{}: larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// What is wanted is not in it.
    #[error("{}: there is no {what} in it; {what}s begin with a line `-----BEGIN {mark}-----`", path.display())]
    Nothing {
        /// The file.
        path: PathBuf,
        /// What it is to hold.
        what: &'static str,
        /// How that begins.
        mark: &'static str,
    },
    /// What is in it cannot be understood.
    #[error("{}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A certificate has another key.
    #[error("the key {} does not belong to the first certificate of {}", key.display(), cert.display())]
    Mismatch {
        /// The file with the certificate.
        cert: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// A listener without a certificate.
    #[error("there is no certificate: [tls] certificates names none")]
    NoCertificate,
    /// The system has no issuers that it believes.
    #[error("this system has no certificates of issuers that it believes; name a file of them: {0}")]
    NoRoots(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
    /// The program has no TLS.
    #[error("this program was built without TLS: build it with the feature `tls`")]
    Absent,
}
