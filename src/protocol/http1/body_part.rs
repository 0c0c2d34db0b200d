//! What the decoders of bodies give out.

use bytes::Bytes;

/// A piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyPart {
    /// Some of it, never empty.
    Data(Bytes),
    /// The trailers, checked and dropped or not: bytes of their lines.
    End,
}
