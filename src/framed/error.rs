//! What can go wrong on a connection of an application.

use std::io;
use std::time::Duration;

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
    /// The web server gave the request up (ABORT_REQUEST); that was answered. The connection may go on with another
    /// request.
    #[error("request was given up by the web server")]
    Aborted,
    /// The web server has sent nothing for as long as it may.
    #[error("nothing came for {0:?}")]
    Silent(Duration),
    /// A record to be sent has more content than its length can say.
    #[error("record with {0} bytes of content")]
    RecordTooLarge(usize),
}
