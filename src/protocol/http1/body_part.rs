//! What the decoders of bodies give out.

use bytes::Bytes;

use crate::protocol::fields::Fields;

/// A piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum BodyPart {
    /// Some of it, never empty.
    Data(Bytes),
    /// The end, with the trailers if they were to be [kept](super::BodyDecoder::keep_trailers) and there are any.
    End(Option<Box<Fields>>),
}
