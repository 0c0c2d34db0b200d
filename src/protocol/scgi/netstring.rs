//! The netstring around the variables: `70:NAME NUL VALUE NUL … ,`.

use bytes::{BufMut, Bytes};
use nom::bytes::complete::{tag, take_till};
use nom::bytes::streaming::take_while_m_n;
use nom::character::streaming::char;
use nom::combinator::{map_opt, verify};
use nom::sequence::terminated;
use nom::{IResult, Parser};

use crate::protocol::params::sink::{decimal_len, lengths, without_nul};
use crate::protocol::params::{Full, Name, Room, Sink, Value, Window};
use crate::protocol::{DecodeError, EncodeError, Limits};

/// Writes a netstring of variables.
pub struct Netstring<'a> {
    out: Window<'a>,
    limits: Limits,
    /// Where the length and its colon start.
    start: usize,
    room: Room,
}

impl<'a> Netstring<'a> {
    /// Opens a netstring behind what is in `out`. The first variable has to be `CONTENT_LENGTH`.
    pub fn new(out: &'a mut Vec<u8>, limits: Limits) -> Self {
        let mut out = Window::new(out);
        let start = out.written();
        out.next(USUAL_PREFIX).fill(0);
        Self {
            room: Room::new(out.written(), limits.block, limits.params),
            out,
            limits,
            start,
        }
    }

    /// Writes the length in front, which nearly always has as many digits as there is room for.
    pub fn finish(mut self) {
        let size = self.size();
        let prefix = decimal_len(size as u64) + 1;
        if prefix != USUAL_PREFIX {
            let content = self.start + USUAL_PREFIX;
            self.out.shift(content, self.start + prefix, size);
        }
        self.write_prefix(size, prefix);
        self.out.next(1).fill(b',');
    }

    fn write_prefix(&mut self, mut size: usize, prefix: usize) {
        let [digits @ .., colon] = self.out.at(self.start, prefix) else {
            return;
        };
        *colon = b':';
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (size % 10) as u8;
            size /= 10;
        }
    }

    fn size(&self) -> usize {
        self.out.written() - self.start - USUAL_PREFIX
    }

    #[inline(always)]
    fn admit(&mut self, name: usize, value: usize) -> Result<(), EncodeError> {
        let end = (self.out.written() + 2).saturating_add(name);
        match self.room.take(end.saturating_add(value)) {
            Ok(()) => Ok(()),
            Err(full) => Err(self.refuse(full)),
        }
    }

    #[cold]
    fn refuse(&self, full: Full) -> EncodeError {
        match full {
            Full::Bytes => EncodeError::BlockTooLarge {
                limit: self.limits.block,
                setting: "max_block",
            },
            Full::Params => EncodeError::TooManyParams {
                limit: self.limits.params,
                setting: "max_params",
            },
        }
    }
}

impl Sink for Netstring<'_> {
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError> {
        let (name_len, value_len) = lengths(&name, &value)?;
        if name_len == 0 {
            return Err(EncodeError::EmptyName);
        }
        debug_assert!(self.size() > 0 || name.is("CONTENT_LENGTH"));
        self.admit(name_len, value_len)?;
        let mut place = self.out.next(name_len + value_len + 2);
        name.put(&mut place);
        place.put_u8(0);
        value.put(&mut place);
        place.put_u8(0);
        Ok(())
    }

    #[inline(always)]
    fn bytes(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.text(name, without_nul(value)?)
    }

    /// Inlined, the name's length and bytes are constants: a few moves instead of calls.
    #[inline(always)]
    fn text(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        debug_assert!(self.size() > 0 || name == "CONTENT_LENGTH");
        self.admit(name.len(), value.len())?;
        let (start, end) = (name.len() + 1, name.len() + 1 + value.len());
        let place = self.out.next(end + 1);
        place[..name.len()].copy_from_slice(name.as_bytes());
        place[name.len()] = 0;
        place[start..end].copy_from_slice(value);
        place[end] = 0;
        Ok(())
    }
}

/// Length and colon at the start of a netstring; no leading zeros, and not more digits than ten.
pub fn size(input: &[u8]) -> IResult<&[u8], usize> {
    let digits = verify(
        take_while_m_n(1, MAX_DIGITS, |byte: u8| byte.is_ascii_digit()),
        |digits: &[u8]| digits == b"0" || !digits.starts_with(b"0"),
    );
    terminated(map_opt(digits, number), char(':')).parse(input)
}

/// Reads the inside of a netstring; names and values stay slices of it.
pub fn parse(block: &Bytes, params: usize) -> Result<Vec<(Bytes, Bytes)>, DecodeError> {
    let mut pairs: Vec<(Bytes, Bytes)> = Vec::new();
    let mut rest = &block[..];
    while !rest.is_empty() {
        let Ok((after, (name, value))) = (string, string).parse(rest) else {
            return Err(DecodeError::Netstring);
        };
        if name.is_empty() {
            return Err(DecodeError::EmptyName);
        }
        if pairs.len() == params {
            return Err(DecodeError::TooManyParams(params));
        }
        pairs.push((block.slice_ref(name), block.slice_ref(value)));
        rest = after;
    }
    Ok(pairs)
}

fn string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    terminated(take_till(|byte| byte == 0), tag(&b"\0"[..])).parse(input)
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Room for four digits and the colon.
const USUAL_PREFIX: usize = 5;

/// Digits of a length: far beyond any limit, far below an overflow.
const MAX_DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn write(pairs: &[(&str, &[u8])], limits: Limits) -> Result<BytesMut, EncodeError> {
        let mut out = b"before".to_vec();
        let mut netstring = Netstring::new(&mut out, limits);
        for (name, value) in pairs {
            netstring.param(Name::Plain(name), Value::One(value))?;
        }
        netstring.finish();
        assert_eq!(&out[..6], b"before");
        Ok(BytesMut::from(&out[6..]))
    }

    fn read(mut wire: BytesMut) -> Vec<(Bytes, Bytes)> {
        let (rest, length) = size(&wire).unwrap();
        let start = wire.len() - rest.len();
        let block = wire.split_off(start).freeze();
        assert_eq!((&block[length..], block.len()), (&b","[..], length + 1));
        parse(&block.slice(..length), 1000).unwrap()
    }

    #[test]
    fn example_of_the_specification_is_written_to_the_byte() {
        let wire = write(
            &[
                ("CONTENT_LENGTH", b"27"),
                ("SCGI", b"1"),
                ("REQUEST_METHOD", b"POST"),
                ("REQUEST_URI", b"/deepthought"),
            ],
            Limits::default(),
        );
        let expected =
            "70:CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/deepthought\0,";
        assert_eq!(wire.unwrap(), expected);
    }

    #[test]
    fn every_count_of_digits_is_written() {
        for length in [
            0, 50, 80, 81, 82, 500, 980, 981, 982, 5000, 9980, 9981, 9982, 60_000,
        ] {
            let value = vec![b'v'; length];
            let pairs = read(write(&[("CONTENT_LENGTH", &value)], Limits::default()).unwrap());
            assert_eq!(
                pairs,
                [(Bytes::from("CONTENT_LENGTH"), Bytes::from(value))],
                "{length}"
            );
        }
    }

    #[test]
    fn block_and_count_are_limited() {
        let limits = Limits {
            block: 20,
            params: 2,
            ..Limits::default()
        };
        let (limit, setting) = (20, "max_block");
        assert!(write(&[("CONTENT_LENGTH", b"1234")], limits).is_ok());
        assert_eq!(
            write(&[("CONTENT_LENGTH", b"12345")], limits),
            Err(EncodeError::BlockTooLarge { limit, setting })
        );
        let (limit, setting) = (2, "max_params");
        let limits = Limits { block: 40, ..limits };
        assert_eq!(
            write(&[("CONTENT_LENGTH", b""), ("A", b""), ("B", b"")], limits),
            Err(EncodeError::TooManyParams { limit, setting })
        );
    }

    #[test]
    fn what_a_netstring_cannot_carry_is_refused() {
        let nul = write(&[("CONTENT_LENGTH", b"0"), ("A", b"x\0y")], Limits::default());
        assert_eq!(nul, Err(EncodeError::Nul));
        let unnamed = write(&[("CONTENT_LENGTH", b"0"), ("", b"x")], Limits::default());
        assert_eq!(unnamed, Err(EncodeError::EmptyName));
    }

    #[test]
    fn lengths_are_plain_numbers() {
        assert_eq!(size(b"70:x"), Ok((&b"x"[..], 70)));
        assert_eq!(size(b"0:,"), Ok((&b","[..], 0)));
        for wrong in [&b":"[..], b"07:", b"+7:", b"x:", b"12345678901:", b"7;"] {
            assert!(matches!(size(wrong), Err(nom::Err::Error(_))), "{wrong:?}");
        }
        for short in [&b""[..], b"7", b"70"] {
            assert!(matches!(size(short), Err(nom::Err::Incomplete(_))), "{short:?}");
        }
    }

    proptest! {
        #[test]
        fn netstrings_survive_the_wire(
            pairs in prop::collection::vec(("[A-Z_]{1,40}", prop::collection::vec(1u8.., 0..300)), 0..40)
        ) {
            let mut given: Vec<(&str, &[u8])> = vec![("CONTENT_LENGTH", b"0")];
            given.extend(pairs.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
            let read = read(write(&given, Limits::default()).unwrap());
            let read: Vec<_> = read.iter().map(|(n, v)| (std::str::from_utf8(n).unwrap(), &v[..])).collect();
            prop_assert_eq!(read, given);
        }
    }
}
