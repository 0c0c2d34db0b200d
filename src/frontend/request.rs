//! The head of a request, as it came.

use bytes::Bytes;
use http::{Method, Version};

use crate::protocol::Target;
use crate::protocol::fields::Fields;

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
    /// Stands in the log for a request that no parser understood.
    pub fn unparsed() -> Self {
        Self {
            method: Method::from_bytes(b"-").unwrap_or_default(),
            target: Target::from_static("*"),
            authority: None,
            version: Version::HTTP_11,
            fields: Fields::new(),
        }
    }
}
