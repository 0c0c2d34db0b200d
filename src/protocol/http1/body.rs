//! How the body of a message is delimited (RFC 9112, section 6.3), and its bytes.

use bytes::BytesMut;
use http::Version;

use super::body_part::BodyPart;
use super::chunked::{ChunkError, ChunkLimits, Chunked};
use super::error::{RequestError, Rule};
use crate::protocol::fields::{FieldName, Fields};

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// So many bytes; 0 was announced, too.
    Length(u64),
    /// In chunks.
    Chunked,
    /// The end of the connection; answers only.
    Close,
}

impl Framing {
    /// The framing that the fields of a request announce.
    pub(super) fn of_request(version: Version, fields: &Fields) -> Result<Self, RequestError> {
        let length = fields.get(FieldName::ContentLength);
        let Some(coding) = fields.get(FieldName::TransferEncoding) else {
            return match length {
                None => Ok(Self::None),
                Some(digits) => number(digits)
                    .map(Self::Length)
                    .ok_or_else(|| RequestError::of(Rule::Length, b"Content-Length")),
            };
        };
        let refuse = |rule| Err(RequestError::of(rule, b"Transfer-Encoding"));
        if length.is_some() {
            return refuse(Rule::LengthBesideCoding);
        }
        if version == Version::HTTP_10 {
            return refuse(Rule::CodingInHttp10);
        }
        let once = !fields.repeated().contains(FieldName::TransferEncoding);
        match once && coding.eq_ignore_ascii_case(b"chunked") {
            true => Ok(Self::Chunked),
            false => refuse(Rule::Coding),
        }
    }
}

/// A number of digits alone.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// Takes a body off the bytes that carry it.
#[derive(Debug)]
pub enum BodyDecoder {
    /// Bytes still to come.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// Everything until the end.
    Close,
    /// It was taken.
    Done,
}

impl BodyDecoder {
    /// A body that has just begun.
    pub fn new(framing: Framing, limits: ChunkLimits) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunked::new(limits)),
            Framing::Close => Self::Close,
        }
    }

    /// Trailers are to be given out with the end.
    pub fn keep_trailers(&mut self) {
        if let Self::Chunked(chunked) = self {
            chunked.keep_trailers();
        }
    }

    /// Whether all of the content was taken, and perhaps not all that comes behind it.
    pub fn is_behind_content(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Chunked(chunked) => chunked.is_behind_content(),
            Self::Length(_) | Self::Close => false,
        }
    }

    /// Takes the next part off `src`; `Ok(None)` asks for more bytes. After the end there are only ends.
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<BodyPart>, ChunkError> {
        match self {
            Self::Done => Ok(Some(BodyPart::End(None))),
            Self::Length(_) | Self::Close if src.is_empty() => Ok(None),
            Self::Close => Ok(Some(BodyPart::Data(src.split().freeze()))),
            Self::Length(left) => {
                let count = usize::try_from(*left).map_or(src.len(), |left| left.min(src.len()));
                *left -= count as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Some(BodyPart::Data(src.split_to(count).freeze())))
            }
            Self::Chunked(chunked) => {
                let part = chunked.decode(src)?;
                if matches!(part, Some(BodyPart::End(_))) {
                    *self = Self::Done;
                }
                Ok(part)
            }
        }
    }

    /// Whether all of it was taken.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Bytes still to come, where their number is known.
    pub fn left(&self) -> Option<u64> {
        match self {
            Self::Done => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) | Self::Close => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_digits_only() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("+5", None),
            ("-5", None),
            ("5 ", None),
            ("5,5", None),
            ("0x5", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_body_of_known_length_leaves_what_follows() {
        for step in 1..12 {
            let mut decoder = BodyDecoder::new(Framing::Length(5), ChunkLimits::default());
            let (mut src, mut body) = (BytesMut::new(), Vec::new());
            for piece in b"helloGET /".chunks(step) {
                src.extend_from_slice(piece);
                while let Some(BodyPart::Data(data)) = decoder.decode(&mut src).unwrap() {
                    body.extend_from_slice(&data);
                }
            }
            assert_eq!((body.as_slice(), &src[..]), (&b"hello"[..], &b"GET /"[..]));
            assert!(decoder.is_done());
        }
    }
}
