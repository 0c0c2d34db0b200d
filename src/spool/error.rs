//! Why a spool cannot take more.

use std::io;

/// Why a spool cannot take more.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// More than this spool may hold.
    #[error("more than {limit} bytes to hold back")]
    TooLarge {
        /// Bytes that the spool may hold, in memory and on disk together.
        limit: u64,
    },
    /// All spools together would take more of the disk than they may.
    #[error("spools have used up their share of the disk")]
    Quota,
    /// The file system is full, or the user's quota on it (ENOSPC, EDQUOT).
    #[error("no space left for spools: {0}")]
    NoSpace(#[source] io::Error),
    /// Any other failure of the file.
    #[error("spool file: {0}")]
    Io(#[source] io::Error),
    /// An earlier write failed; the spool has a hole and is of no use.
    #[error("an earlier write to the spool failed")]
    Broken,
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace(error),
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        const ENOSPC: i32 = 28;
        const EDQUOT: i32 = 122;
        const EIO: i32 = 5;
        let error = |code| SpoolError::from(io::Error::from_raw_os_error(code));
        assert!(matches!(error(ENOSPC), SpoolError::NoSpace(_)));
        assert!(matches!(error(EDQUOT), SpoolError::NoSpace(_)));
        assert!(matches!(error(EIO), SpoolError::Io(_)));
    }
}
