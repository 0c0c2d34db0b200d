//! Answers that end before their end.

use crate::telemetry::Reason;
use crate::upstream::Failure;

/// Why a body ended early. The head is gone: the client's connection is aborted.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The application.
    #[error(transparent)]
    Upstream(#[from] Failure),
    /// The file.
    #[error("reading a file: {0}")]
    File(#[from] std::io::Error),
    /// The content coding.
    #[error("coding an answer: {0}")]
    Coding(#[source] std::io::Error),
    /// The upstream has left the configuration, and the time of its last answers is over.
    #[error("its upstream left the configuration, and timeouts.generation is over")]
    Retired,
}

impl Broken {
    /// The word in the access log.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Upstream(failure) => failure.reason(),
            Self::File(_) => Reason::FileFailed,
            Self::Coding(_) => Reason::Internal,
            Self::Retired => Reason::Retired,
        }
    }
}
