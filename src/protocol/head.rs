//! Response heads (to be completed).

use http::{HeaderMap, StatusCode};

/// A checked response head.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// Final status.
    pub status: StatusCode,
    /// End-to-end fields.
    pub headers: HeaderMap,
    /// Announced length of the body.
    pub length: Option<u64>,
}

/// Why a response head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Larger than the limit.
    #[error("more than {0} bytes")]
    TooLarge(usize),
}
