//! What can go wrong on a connection of an application.

use std::io;

use crate::protocol::DecodeError;

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer does not speak the protocol.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A record to be sent has more content than its length can say.
    #[error("record with {0} bytes of content")]
    RecordTooLarge(usize),
}
