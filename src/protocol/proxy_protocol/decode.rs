//! Which version it is.

use super::{Header, HeaderError, v1, v2};

/// The header at the front of `bytes` and its length; `None` as long as all that is there belongs to it and more of it is to
/// come. That never is so for [`MAX_HEADER`](super::MAX_HEADER) bytes.
pub fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    if starts(bytes, v2::SIGNATURE) {
        return v2::decode(bytes);
    }
    if starts(bytes, v1::START) {
        return v1::decode(bytes);
    }
    Err(HeaderError::Missing)
}

/// Whether `bytes` begin with `start`, as far as there are any.
fn starts(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(one, other)| one == other)
}
