//! What can go wrong between the decision to send a request upstream and the end of its answer.

use std::io;

use crate::protocol::head::HeadError;
use crate::protocol::http1::ChunkError;
use crate::protocol::{DecodeError, EncodeError};
use crate::telemetry::Reason;
use crate::transport::ConnectError;

/// A failed exchange.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No slot.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// The listen queue of the backend stayed full until the queue deadline.
    #[error(
        "backlog of {endpoint} stayed full: raise its listen backlog or the number of workers, and have max_connections \
         follow that"
    )]
    BacklogFull {
        /// The last endpoint that was tried.
        endpoint: String,
    },
    /// No connection; nothing was sent.
    #[error("cannot connect to {endpoint}: {cause}")]
    Connect {
        /// The last endpoint that was tried.
        endpoint: String,
        /// Why.
        cause: ConnectError,
    },
    /// The request does not fit the protocol or the backend's limits; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The client's body failed while it was being passed on.
    #[error("request body: {0}")]
    RequestBody(#[from] BodyError),
    /// The backend did not take the request in time.
    #[error("backend took no bytes for the send timeout")]
    SendTimeout,
    /// The connection was closed without an answer after so long that a watchdog of the backend must have done it:
    /// uWSGI's harakiri, PHP-FPM's request_terminate_timeout, Gunicorn's worker timeout.
    #[error("backend gave the request up after {} s of work: a watchdog ended its worker", after.as_secs())]
    Killed {
        /// How long it had been at work.
        after: std::time::Duration,
    },
    /// No response head in time.
    #[error("no response head within the head timeout")]
    HeadTimeout,
    /// It answered with a status after which the operator wants another endpoint asked.
    #[error("status {0}, which is in retry.on")]
    Status(u16),
    /// The response stopped.
    #[error("no byte of the response for the read timeout")]
    ReadTimeout,
    /// Reading or writing failed.
    #[error("connection to the backend broke: {0}")]
    Io(#[from] io::Error),
    /// The backend's bytes are not an answer.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Their head breaks a rule.
    #[error("malformed response head: {error}: `{line}`")]
    Head {
        /// The rule.
        error: HeadError,
        /// The line that breaks it, or its name.
        line: String,
    },
    /// What was received cannot be read back.
    #[error("answer in the spool: {0}")]
    Spool(#[source] io::Error),
}

/// What is to blame for a failed exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client, or its request.
    Client,
    /// Nothing, or ourselves.
    Other,
    /// The endpoint has more to do than it can.
    Busy,
    /// The endpoint.
    Endpoint,
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// As many wait as may wait.
    #[error("queue is full")]
    QueueFull,
    /// No slot became free in time.
    #[error("no free worker in time")]
    QueueTimeout,
    /// Every endpoint was tried, or is down.
    #[error("no endpoint is left to try")]
    NoEndpoint,
}

/// Why a request body ended early. The client is the cause, unless it is `Spool`.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client sent nothing for the body timeout.
    #[error("client sent nothing for the body timeout")]
    Timeout,
    /// The client sent less than it had to, for longer than it may.
    #[error("client sent less than {0} bytes a second")]
    TooSlow(u64),
    /// The client closed the connection.
    #[error("client closed the connection inside the body")]
    Incomplete,
    /// The client broke its framing.
    #[error("malformed framing of the body: {0}")]
    Malformed(ChunkError),
    /// More bytes than the route allows.
    #[error("more than the limit of {0} bytes")]
    TooLarge(u64),
    /// The bytes we hold cannot be read back.
    #[error("spool: {0}")]
    Spool(io::Error),
}

impl Failure {
    /// The word that names the failure in the `Bridgehead-Error` field and in the access log.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Admission(AdmissionError::QueueFull) => Reason::QueueFull,
            Self::Admission(AdmissionError::QueueTimeout) => Reason::QueueTimeout,
            Self::Admission(AdmissionError::NoEndpoint) => Reason::NoEndpoint,
            Self::BacklogFull { .. } => Reason::BacklogFull,
            Self::Connect { cause, .. } => cause.reason(),
            Self::Encode(EncodeError::LengthRequired) => Reason::LengthRequired,
            Self::Encode(EncodeError::Nul) => Reason::NulInVariable,
            Self::Encode(_) => Reason::VariablesTooLarge,
            Self::RequestBody(error) => error.reason(),
            Self::Killed { .. } => Reason::WorkerKilled,
            Self::SendTimeout => Reason::SendTimeout,
            Self::HeadTimeout => Reason::HeadTimeout,
            Self::Status(_) => Reason::UnwantedStatus,
            Self::ReadTimeout => Reason::ReadTimeout,
            Self::Io(_) | Self::Decode(DecodeError::Empty | DecodeError::EofInHead) => Reason::BackendClosed,
            Self::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => Reason::BackendOverloaded,
            Self::Decode(DecodeError::Truncated) => Reason::ResponseTruncated,
            Self::Decode(DecodeError::Head(_)) | Self::Head { .. } => Reason::BadResponseHead,
            Self::Decode(_) => Reason::BadResponse,
            Self::Spool(_) => Reason::SpoolFailed,
        }
    }

    /// What is to blame.
    pub fn blame(&self) -> Blame {
        match self {
            // Our own disk.
            Self::RequestBody(BodyError::Spool(_)) | Self::Spool(_) => Blame::Other,
            Self::Encode(_) | Self::RequestBody(_) => Blame::Client,
            Self::Admission(_) => Blame::Other,
            Self::BacklogFull { .. } | Self::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => {
                Blame::Busy
            }
            Self::Connect { cause, .. } if cause.is_ours() => Blame::Other,
            // A watchdog that does its work is no sign of an endpoint that does not.
            Self::Killed { .. } => Blame::Other,
            // It works, and says that this request is not for it, or not now.
            Self::Status(..500) => Blame::Other,
            Self::Connect { .. }
            | Self::SendTimeout
            | Self::HeadTimeout
            | Self::ReadTimeout
            | Self::Status(_)
            | Self::Io(_)
            | Self::Decode(_)
            | Self::Head { .. } => Blame::Endpoint,
        }
    }
}

impl BodyError {
    /// The word that names the failure in the `Bridgehead-Error` field and in the access log.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Timeout => Reason::ClientTimeout,
            Self::TooSlow(_) => Reason::ClientTooSlow,
            Self::Incomplete => Reason::ClientGone,
            Self::Malformed(_) => Reason::BadBody,
            Self::TooLarge(_) => Reason::BodyTooLarge,
            Self::Spool(_) => Reason::SpoolFailed,
        }
    }
}
