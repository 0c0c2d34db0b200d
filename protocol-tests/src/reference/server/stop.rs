//! Why a request or its connection ends before its time.

use std::io::{self, ErrorKind};

use thiserror::Error;

/// The reason.
#[derive(Debug, Error)]
pub(super) enum Stop {
    /// The client has left, or is too slow.
    #[error("the connection: {0}")]
    Connection(#[from] io::Error),
    /// The client does not keep the protocol's rules; the connection is of no use.
    #[error("{0}")]
    Violation(&'static str),
    /// The client does not want the answer any more.
    #[error("aborted")]
    Aborted,
    /// The body is not what CONTENT_LENGTH says.
    #[error("{0}")]
    BadBody(&'static str),
    /// The application has failed.
    #[error("the application has died")]
    Died,
}

impl Stop {
    /// The client has left in the middle of something.
    pub(super) fn cut() -> Self {
        Self::Connection(ErrorKind::UnexpectedEof.into())
    }
}
