//! Records: FastCGI 1.0, sections 3.3, 4 and 5, apart from their streams and pairs.

use bytes::{Buf, BufMut, BytesMut};
use nom::bytes::streaming::take;
use nom::number::streaming::{be_u8, be_u16};
use nom::sequence::terminated;
use nom::{IResult, Parser};

/// The eight bytes before every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 1, unless the peer speaks something else.
    pub version: u8,
    /// What the record is.
    pub kind: Kind,
    /// 0 for management records.
    pub id: u16,
    /// Bytes of content.
    pub content: u16,
    /// Bytes to be skipped behind the content.
    pub padding: u8,
}

/// Record types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Starts a request.
    BeginRequest,
    /// Gives up a request; PHP runs the script instead, so we never send it.
    AbortRequest,
    /// Ends a request.
    EndRequest,
    /// Stream of variables.
    Params,
    /// Stream of the request body.
    Stdin,
    /// Stream of the response, head included.
    Stdout,
    /// Stream of diagnostics.
    Stderr,
    /// Stream of the file that a filter works on.
    Data,
    /// Asks for capabilities.
    GetValues,
    /// Tells capabilities.
    GetValuesResult,
    /// Answers a management record that is not understood.
    UnknownType,
    /// A type outside the specification.
    Other(u8),
}

/// What the web server wants from the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers requests.
    Responder,
    /// Allows or denies requests.
    Authorizer,
    /// Answers requests from a file that the web server sends along.
    Filter,
}

/// Flags of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The application leaves the connection open after the request.
    pub keep_conn: bool,
}

/// Content of a BEGIN_REQUEST record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginRequest {
    /// The role number as received: see [`Role::from_number`].
    pub role: u16,
    /// The flags that have a meaning.
    pub flags: Flags,
}

/// Content of an END_REQUEST record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndRequest {
    /// What a CGI program would have returned from `main`.
    pub app_status: u32,
    /// How the request ended.
    pub protocol_status: ProtocolStatus,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolStatus {
    /// Normally.
    RequestComplete,
    /// Rejected: this connection is busy with another one.
    CantMultiplex,
    /// Rejected: no resources.
    Overloaded,
    /// Rejected: not a role of this application.
    UnknownRole,
    /// A number outside the specification.
    Other(u8),
}

/// Content of an UNKNOWN_TYPE record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownType {
    /// The type that was not understood.
    pub kind: u8,
}

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = 8;
    /// The only version there is.
    pub const VERSION: u8 = 1;
    /// Most content that we put in a record: the largest multiple of eight, as section 3.3 recommends.
    pub const MAX_CONTENT: usize = 65_528;

    /// A header of ours: no padding, and never more content than `MAX_CONTENT`.
    pub fn new(kind: Kind, id: u16, content: usize) -> Self {
        debug_assert!(content <= Self::MAX_CONTENT);
        Self {
            version: Self::VERSION,
            kind,
            id,
            content: content as u16,
            padding: 0,
        }
    }

    /// Takes a header off `src` when it is complete.
    #[inline]
    pub fn take(src: &mut BytesMut) -> Option<Self> {
        let found = Self::parse(src)?;
        src.advance(Self::LEN);
        Some(found)
    }

    /// The header that `input` starts with, when it is complete: section 3.3.
    #[inline]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let [version, kind, id_high, id_low, high, low, padding, _reserved] = *input.first_chunk()?;
        Some(Self {
            version,
            kind: Kind::from_number(kind),
            id: u16::from_be_bytes([id_high, id_low]),
            content: u16::from_be_bytes([high, low]),
            padding,
        })
    }

    /// The header as it is on the wire.
    #[inline]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let [id_high, id_low] = self.id.to_be_bytes();
        let [high, low] = self.content.to_be_bytes();
        let kind = self.kind.number();
        [self.version, kind, id_high, id_low, high, low, self.padding, 0]
    }

    /// Appends the header.
    #[inline]
    pub fn put(self, out: &mut impl BufMut) {
        out.put_slice(&self.to_bytes());
    }

    /// Bytes behind the header.
    pub fn rest(self) -> usize {
        usize::from(self.content) + usize::from(self.padding)
    }
}

impl Kind {
    /// The type with that number.
    #[inline]
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::BeginRequest,
            2 => Self::AbortRequest,
            3 => Self::EndRequest,
            4 => Self::Params,
            5 => Self::Stdin,
            6 => Self::Stdout,
            7 => Self::Stderr,
            8 => Self::Data,
            9 => Self::GetValues,
            10 => Self::GetValuesResult,
            11 => Self::UnknownType,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    #[inline]
    pub fn number(self) -> u8 {
        match self {
            Self::BeginRequest => 1,
            Self::AbortRequest => 2,
            Self::EndRequest => 3,
            Self::Params => 4,
            Self::Stdin => 5,
            Self::Stdout => 6,
            Self::Stderr => 7,
            Self::Data => 8,
            Self::GetValues => 9,
            Self::GetValuesResult => 10,
            Self::UnknownType => 11,
            Self::Other(other) => other,
        }
    }

    /// Whether the record belongs to a request: its id must not be 0.
    #[inline]
    pub fn is_application(self) -> bool {
        matches!(self.number(), 1..=8)
    }
}

impl Role {
    /// The role with that number.
    pub fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Responder),
            2 => Some(Self::Authorizer),
            3 => Some(Self::Filter),
            _ => None,
        }
    }

    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Responder => 1,
            Self::Authorizer => 2,
            Self::Filter => 3,
        }
    }
}

impl BeginRequest {
    /// Bytes of the content.
    pub const LEN: usize = 8;

    /// Section 5.1. Bits without a meaning are ignored, as every server does.
    pub fn parse(input: &[u8]) -> IResult<&[u8], Self> {
        let (input, (role, flags)) = terminated((be_u16, be_u8), take(5usize)).parse(input)?;
        let keep_conn = flags & KEEP_CONN != 0;
        Ok((
            input,
            Self {
                role,
                flags: Flags { keep_conn },
            },
        ))
    }

    /// Appends the content.
    #[inline]
    pub fn put(self, out: &mut impl BufMut) {
        let [high, low] = self.role.to_be_bytes();
        let flags = if self.flags.keep_conn { KEEP_CONN } else { 0 };
        out.put_slice(&[high, low, flags, 0, 0, 0, 0, 0]);
    }
}

impl EndRequest {
    /// Bytes of the content.
    pub const LEN: usize = 8;

    /// Takes the content off `src` when it is complete.
    #[inline]
    pub fn take(src: &mut BytesMut) -> Option<Self> {
        let found = Self::parse(src)?;
        src.advance(Self::LEN);
        Some(found)
    }

    /// The content that `input` starts with, when it is complete: section 5.5.
    #[inline]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let [a, b, c, d, status, _, _, _] = *input.first_chunk()?;
        Some(Self {
            app_status: u32::from_be_bytes([a, b, c, d]),
            protocol_status: ProtocolStatus::from_number(status),
        })
    }

    /// Appends the content.
    #[inline]
    pub fn put(self, out: &mut impl BufMut) {
        let [a, b, c, d] = self.app_status.to_be_bytes();
        out.put_slice(&[a, b, c, d, self.protocol_status.number(), 0, 0, 0]);
    }
}

impl ProtocolStatus {
    /// The status with that number.
    #[inline]
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::RequestComplete,
            1 => Self::CantMultiplex,
            2 => Self::Overloaded,
            3 => Self::UnknownRole,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::RequestComplete => 0,
            Self::CantMultiplex => 1,
            Self::Overloaded => 2,
            Self::UnknownRole => 3,
            Self::Other(other) => other,
        }
    }
}

impl UnknownType {
    /// Bytes of the content.
    pub const LEN: usize = 8;

    /// Section 4.2.
    pub fn parse(input: &[u8]) -> IResult<&[u8], Self> {
        let (input, kind) = terminated(be_u8, take(7usize)).parse(input)?;
        Ok((input, Self { kind }))
    }

    /// Appends the content.
    #[inline]
    pub fn put(self, out: &mut impl BufMut) {
        out.put_u8(self.kind);
        out.put_bytes(0, 7);
    }
}

/// Bit 0 of the flags.
const KEEP_CONN: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn header_is_big_endian_and_needs_all_eight_bytes() {
        let wire = [1, 6, 0x01, 0x02, 0x03, 0x04, 5, 0xff];
        let expected = Header {
            version: 1,
            kind: Kind::Stdout,
            id: 0x0102,
            content: 0x0304,
            padding: 5,
        };
        for end in 0..wire.len() {
            assert_eq!(Header::take(&mut BytesMut::from(&wire[..end])), None);
        }
        let mut src = BytesMut::from(&wire[..]);
        assert_eq!(Header::take(&mut src), Some(expected));
        assert!(src.is_empty());
        assert_eq!(expected.rest(), 0x0304 + 5);
    }

    #[test]
    fn every_type_number_survives() {
        for number in 0..=u8::MAX {
            assert_eq!(Kind::from_number(number).number(), number);
            assert_eq!(ProtocolStatus::from_number(number).number(), number);
        }
        for number in 0..=u16::MAX {
            assert!(Role::from_number(number).is_none_or(|role| role.number() == number));
        }
    }

    #[test]
    fn bodies_are_eight_bytes() {
        let mut out = BytesMut::new();
        let begin = BeginRequest {
            role: 1,
            flags: Flags { keep_conn: true },
        };
        begin.put(&mut out);
        assert_eq!(&out[..], [0, 1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(BeginRequest::parse(&out), Ok((&[][..], begin)));
        out.clear();
        let end = EndRequest {
            app_status: 0x0102_0304,
            protocol_status: ProtocolStatus::Overloaded,
        };
        end.put(&mut out);
        assert_eq!(&out[..], [1, 2, 3, 4, 2, 0, 0, 0]);
        for missing in 1..=EndRequest::LEN {
            let short = &out[..EndRequest::LEN - missing];
            assert_eq!(EndRequest::take(&mut BytesMut::from(short)), None);
        }
        assert_eq!(EndRequest::take(&mut out), Some(end));
        out.clear();
        UnknownType { kind: 42 }.put(&mut out);
        assert_eq!(&out[..], [42, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(UnknownType::parse(&out), Ok((&[][..], UnknownType { kind: 42 })));
    }

    proptest! {
        #[test]
        fn headers_survive_the_wire(version: u8, kind: u8, id: u16, content: u16, padding: u8) {
            let header = Header { version, kind: Kind::from_number(kind), id, content, padding };
            let mut wire = BytesMut::new();
            header.put(&mut wire);
            for end in 0..Header::LEN {
                prop_assert_eq!(Header::take(&mut BytesMut::from(&wire[..end])), None);
            }
            prop_assert_eq!(Header::take(&mut wire), Some(header));
        }
    }
}
