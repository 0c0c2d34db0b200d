//! Why a request gets an answer of the front end's own, or none.

use std::io;

use thiserror::Error;

/// The reason, which decides about the status.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    /// The client has left, or is too slow to be told anything.
    #[error("the client: {0}")]
    Client(#[from] io::Error),
    /// The request cannot be understood, or must not be (RFC 9112).
    #[error("{1}")]
    Request(u16, &'static str),
    /// The application has closed without a byte of an answer.
    #[error("no answer")]
    Silence,
    /// The application has not answered as it must.
    #[error("{1}")]
    Answer(u16, &'static str),
}

impl Refusal {
    /// A request that breaks the rules.
    pub(super) fn bad(why: &'static str) -> Self {
        Self::Request(400, why)
    }

    /// An answer that breaks the rules.
    pub(super) fn gateway(why: &'static str) -> Self {
        Self::Answer(502, why)
    }

    /// The status for the client, if it can be told.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Client(_) => None,
            Self::Silence => Some(502),
            Self::Request(status, _) | Self::Answer(status, _) => Some(*status),
        }
    }
}

/// Words for people; they mean nothing (RFC 9112, section 4).
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Other",
    }
}
