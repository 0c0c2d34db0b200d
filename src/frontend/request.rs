//! The head of a request, as it came.

use bytes::Bytes;
use http::{Method, Version};

use crate::protocol::fields::Fields;
use crate::protocol::{Target, http1};

/// The head of a request. Parsed, and nothing more: what it says may still be refused.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its method, case kept.
    pub method: Method,
    /// What it asks for.
    pub target: Target,
    /// The authority of a target in absolute form, or `:authority`.
    pub authority: Option<Bytes>,
    /// The version that the client spoke.
    pub version: Version,
    /// All of its fields, in order.
    pub fields: Fields,
}

impl Request {
    /// Stands in the log for a request that no parser understood: method and target as far as they were read.
    pub fn refused(method: &[u8], target: &[u8]) -> Self {
        let target = Target::from_bytes(Bytes::copy_from_slice(target));
        Self {
            method: Method::from_bytes(method).unwrap_or_else(|_| unknown()),
            target: target.unwrap_or_else(|_| Target::from_static("*")),
            ..Self::unparsed()
        }
    }

    /// A request of which nothing is known.
    pub fn unparsed() -> Self {
        Self {
            method: unknown(),
            target: Target::from_static("*"),
            authority: None,
            version: Version::HTTP_11,
            fields: Fields::new(),
        }
    }
}

impl From<http1::Request> for Request {
    fn from(request: http1::Request) -> Self {
        Self {
            method: request.method,
            target: request.target,
            authority: request.authority,
            version: request.version,
            fields: request.fields,
        }
    }
}

/// Stands for a method in the log.
fn unknown() -> Method {
    Method::from_bytes(b"-").unwrap_or_default()
}
