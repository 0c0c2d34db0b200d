//! What is worth a word about certificates that can be used.

use std::path::PathBuf;

/// Something that an operator wants to know before clients do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFinding {
    /// Clients refuse it.
    #[error("{}: the certificate has expired: it was good until {until}", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// The end of its validity.
        until: String,
    },
    /// Clients refuse it, still.
    #[error("{}: the certificate is not good before {from}", path.display())]
    Early {
        /// The file.
        path: PathBuf,
        /// The beginning of its validity.
        from: String,
    },
    /// It is time for the next one.
    #[error("{}: the certificate expires in {days} days: it is good until {until}", path.display())]
    Expires {
        /// The file.
        path: PathBuf,
        /// Whole days that are left.
        days: i64,
        /// The end of its validity.
        until: String,
    },
    /// Some clients build no chain out of it.
    #[error(
        "{}: the certificates are not in order: number {place} is not that of the issuer of the one before it",
        path.display()
    )]
    Order {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        place: usize,
    },
    /// Browsers find the issuer by themselves, other clients do not.
    #[error(
        "{}: the certificate stands alone; append that of its issuer (of certbot's files, fullchain.pem)",
        path.display()
    )]
    Alone {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may read a key.
    #[error("{}: others may read the key (mode {mode:04o}); a key is for its owner alone: chmod 600", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// No certificate is for a host that has a route.
    #[error(
        "no certificate is for `{host}`, which has a route: its clients would refuse the one that they get"
    )]
    Nameless {
        /// The host.
        host: String,
    },
}
