//! What handlers and filters make of a request.

use std::sync::Arc;

use bytes::Bytes;

use crate::protocol::Target;
use crate::upstream::Upstream;

/// What becomes of a request.
pub enum Flow<'r> {
    /// It has its answer.
    Answered,
    /// An application answers.
    Forward(&'r Arc<Upstream>),
    /// It is routed again, as a request for something else.
    Internal(InternalUri),
    /// The route of this name goes on with it.
    Named(&'r str),
}

/// What a request is routed by in place of what its client has asked for: a path and perhaps a query, as on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalUri(Target);

impl InternalUri {
    /// The URI that these bytes are; `None` unless they begin with a slash and are a target.
    pub fn new(uri: Bytes) -> Option<Self> {
        let target = Target::from_bytes(uri).ok()?;
        target.path().starts_with(b"/").then_some(Self(target))
    }

    /// The target that takes the place of the client's.
    pub fn into_target(self) -> Target {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_uri_is_a_path_with_or_without_a_query() {
        let new = |uri: &'static str| InternalUri::new(Bytes::from_static(uri.as_bytes())).is_some();
        for uri in ["/", "/a%20b", "/a?b=c"] {
            assert!(new(uri), "{uri}");
        }
        for uri in ["", "*", "a", "http://a/", "/a b", "/a#b", "/a\r\n"] {
            assert!(!new(uri), "{uri}");
        }
    }
}
