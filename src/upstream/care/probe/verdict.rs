//! What a probe found out.

use std::fmt;
use std::io;

use crate::protocol::{DecodeError, EncodeError};
use crate::telemetry::Reason;
use crate::transport::ConnectError;

/// What a probe found out about an endpoint. Full is not dead.
#[derive(Debug)]
pub enum Verdict {
    /// It answered as it should.
    Alive,
    /// It is there and says, or shows, that it has no room.
    Busy(Busy),
    /// It took the connection, or may have, and did not answer in time: full or hung. What else is known about
    /// the endpoint decides.
    Silent,
    /// It is not there, or not well.
    Dead(Cause),
}

/// How an endpoint shows that it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// EAGAIN: the backlog of its unix socket is full.
    Backlog,
    /// FastCGI OVERLOADED or CANT_MPX_CONN.
    Overloaded,
    /// A status that is configured to mean it.
    Status(u16),
    /// Not the endpoint: no descriptor is left for the question.
    Ourselves,
}

/// Why an endpoint is not to be used.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(ConnectError),
    /// It closed in good order and said nothing.
    #[error("closed without an answer")]
    Closed,
    /// It closed instead of a pong.
    #[error("closed without a pong; has uWSGI its ping plugin?")]
    NoPong,
    /// It answered something else than a pong.
    #[error("answered something else than a pong")]
    NotPong,
    /// The connection broke.
    #[error("connection broke: {0}")]
    Broken(io::Error),
    /// What came is not in the protocol.
    #[error("not an answer: {0}")]
    Garbage(DecodeError),
    /// It answered with a status that is not wanted.
    #[error("status {0}")]
    Status(u16),
    /// It answered without the text that is wanted.
    #[error("the text is not in the answer")]
    Body,
    /// It talks and comes to no end.
    #[error("more than {0} bytes before the end of the head")]
    TooMuch(usize),
    /// The question does not fit the protocol or the upstream's limits.
    #[error("cannot be asked: {0}")]
    Unsendable(EncodeError),
    /// No answer in time.
    #[error("no answer in time")]
    Silent,
}

impl Cause {
    /// Whether there was no connection: nothing has been asked.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// Its name in logs; the same as for requests, where there is one.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Connect(cause) => cause.reason(),
            Self::Closed | Self::NoPong | Self::Broken(_) => Reason::BackendClosed,
            Self::NotPong | Self::Garbage(_) | Self::TooMuch(_) => Reason::BadResponse,
            Self::Unsendable(_) => Reason::VariablesTooLarge,
            Self::Status(_) => Reason::BadStatus,
            Self::Body => Reason::BadBody,
            Self::Silent => Reason::NoAnswer,
        }
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backlog => f.write_str("backlog is full"),
            Self::Overloaded => f.write_str("overloaded"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Ourselves => f.write_str("no descriptor is left to ask with"),
        }
    }
}

impl From<Cause> for Verdict {
    fn from(cause: Cause) -> Self {
        Self::Dead(cause)
    }
}

impl From<ConnectError> for Verdict {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Full => Self::Busy(Busy::Backlog),
            ConnectError::NoDescriptor(_) => Self::Busy(Busy::Ourselves),
            // TCP drops what does not fit into a backlog; the machine may be gone as well.
            ConnectError::Timeout => Self::Silent,
            cause => Self::Dead(Cause::Connect(cause)),
        }
    }
}

impl From<DecodeError> for Verdict {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Overloaded | DecodeError::CantMultiplex => Self::Busy(Busy::Overloaded),
            DecodeError::Empty | DecodeError::EofInHead => Self::Dead(Cause::Closed),
            error => Self::Dead(Cause::Garbage(error)),
        }
    }
}
