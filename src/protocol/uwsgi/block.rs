//! The variables of a packet: keys and values, each behind its 16-bit length.

use bytes::{BufMut, Bytes};
use nom::multi::length_data;
use nom::number::complete::le_u16;
use nom::{IResult, Parser};

use super::packet::Packet;
use crate::protocol::params::sink::{lengths, without_nul};
use crate::protocol::params::{Full, Name, Room, Sink, Value, Window};
use crate::protocol::{DecodeError, EncodeError, Limits};

/// Writes a packet: its header and its variables.
pub struct Block<'a> {
    out: Window<'a>,
    packet: Packet,
    limits: Limits,
    /// Where the packet starts.
    start: usize,
    room: Room,
}

impl<'a> Block<'a> {
    /// Opens a packet behind what is in `out`; its size is written at the end.
    pub fn new(out: &'a mut Vec<u8>, packet: Packet, limits: Limits) -> Self {
        let mut out = Window::new(out);
        let start = out.written();
        out.next(Packet::LEN).copy_from_slice(&packet.to_bytes());
        let room = Room::new(out.written(), limits.block.min(LARGEST), limits.params);
        Self {
            out,
            packet,
            limits,
            start,
            room,
        }
    }

    /// Writes the size.
    pub fn finish(mut self) {
        let size = (self.out.written() - self.start - Packet::LEN) as u16; // `room` keeps it in 16 bits
        let header = Packet { size, ..self.packet };
        let place = self.out.at(self.start, Packet::LEN);
        place.copy_from_slice(&header.to_bytes());
    }

    #[inline(always)]
    fn admit(&mut self, name: usize, value: usize) -> Result<(), EncodeError> {
        let end = (self.out.written() + 2 * LENGTH).saturating_add(name);
        match self.room.take(end.saturating_add(value)) {
            Ok(()) => Ok(()),
            Err(full) => Err(self.refuse(full)),
        }
    }

    #[cold]
    fn refuse(&self, full: Full) -> EncodeError {
        match full {
            Full::Bytes => EncodeError::BlockTooLarge {
                limit: self.limits.block.min(LARGEST),
                setting: BUFFER_SIZE,
            },
            Full::Params => EncodeError::TooManyParams {
                limit: self.limits.params,
                setting: MAX_VARS,
            },
        }
    }
}

impl Sink for Block<'_> {
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError> {
        let (name_len, value_len) = lengths(&name, &value)?;
        if name_len == 0 {
            return Err(EncodeError::EmptyName);
        }
        self.admit(name_len, value_len)?;
        let mut place = self.out.next(2 * LENGTH + name_len + value_len);
        place.put_u16_le(name_len as u16);
        name.put(&mut place);
        place.put_u16_le(value_len as u16);
        value.put(&mut place);
        Ok(())
    }

    #[inline(always)]
    fn bytes(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.text(name, without_nul(value)?)
    }

    /// Inlined, the name's length and bytes are constants: a few moves instead of calls.
    #[inline(always)]
    fn text(&mut self, name: &'static str, value: &[u8]) -> Result<(), EncodeError> {
        self.admit(name.len(), value.len())?;
        let (key, start) = (LENGTH + name.len(), 2 * LENGTH + name.len());
        let place = self.out.next(start + value.len());
        place[..LENGTH].copy_from_slice(&(name.len() as u16).to_le_bytes());
        place[LENGTH..key].copy_from_slice(name.as_bytes());
        place[key..start].copy_from_slice(&(value.len() as u16).to_le_bytes());
        place[start..].copy_from_slice(value);
        Ok(())
    }
}

/// Reads a complete block; keys and values stay slices of it. uWSGI drops a request with an empty key.
pub fn parse(block: &Bytes, params: usize) -> Result<Vec<(Bytes, Bytes)>, DecodeError> {
    let mut pairs = Vec::new();
    let mut rest = &block[..];
    while !rest.is_empty() {
        let Ok((after, (name, value))) = pair(rest) else {
            return Err(DecodeError::PairOverrun);
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

fn pair(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    (length_data(le_u16), length_data(le_u16)).parse(input)
}

const BUFFER_SIZE: &str = "max_block, which is to be no more than buffer-size of uWSGI";

const MAX_VARS: &str = "max_params, which is to be no more than max-vars of uWSGI";

/// Bytes of a length.
const LENGTH: usize = 2;

/// Bytes of the largest block: its size has 16 bits.
const LARGEST: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn limits(block: usize, params: usize) -> Limits {
        Limits {
            block,
            params,
            ..Limits::default()
        }
    }

    fn write(pairs: &[(&str, &[u8])], limits: Limits) -> Result<BytesMut, EncodeError> {
        let mut out = b"before".to_vec();
        let mut block = Block::new(&mut out, Packet::default(), limits);
        for (name, value) in pairs {
            block.param(Name::Plain(name), Value::One(value))?;
        }
        block.finish();
        assert_eq!(&out[..6], b"before");
        Ok(BytesMut::from(&out[6..]))
    }

    #[test]
    fn block_is_lengths_and_bytes() {
        let wire = write(&[("AB", b"xyz"), ("C", b"")], Limits::default()).unwrap();
        assert_eq!(wire, b"\0\x0e\0\0\x02\0AB\x03\0xyz\x01\0C\0\0"[..]);
    }

    #[test]
    fn size_and_count_are_limited_to_the_byte() {
        let four_kib = limits(4096, 2);
        assert!(write(&[("N", &[b'v'; 4091])], four_kib).is_ok());
        let refused = write(&[("N", &[b'v'; 4092])], four_kib).unwrap_err();
        let limit = 4096;
        let setting = BUFFER_SIZE;
        assert_eq!(refused, EncodeError::BlockTooLarge { limit, setting });
        let refused = write(&[("A", b""), ("B", b""), ("C", b"")], four_kib).unwrap_err();
        let (limit, setting) = (2, MAX_VARS);
        assert_eq!(refused, EncodeError::TooManyParams { limit, setting });
    }

    #[test]
    fn sixteen_bits_are_never_exceeded() {
        let roomy = limits(1 << 20, 10);
        assert!(write(&[("N", &[b'v'; 65_530])], roomy).is_ok());
        for length in [65_531, 65_536, 100_000] {
            let refused = write(&[("N", &vec![b'v'; length])], roomy).unwrap_err();
            assert!(matches!(
                refused,
                EncodeError::BlockTooLarge { limit: 65_535, .. }
            ));
        }
    }

    #[test]
    fn names_without_bytes_and_nul_are_refused() {
        assert_eq!(
            write(&[("", b"x")], Limits::default()),
            Err(EncodeError::EmptyName)
        );
        assert_eq!(write(&[("N", b"\0")], Limits::default()), Err(EncodeError::Nul));
    }

    #[test]
    fn malformed_blocks_are_refused() {
        for (block, error) in [
            (&b"\0\0\x01\0x"[..], DecodeError::EmptyName),
            (b"\x01\0N", DecodeError::PairOverrun),
            (b"\x01\0N\x01\0", DecodeError::PairOverrun),
            (b"\x02\0N", DecodeError::PairOverrun),
            (b"\x01\0N\0\0\x01", DecodeError::PairOverrun),
            (b"\x01\0N\0\0\x01\0", DecodeError::PairOverrun),
            (
                b"\x01\0N\0\0\x01\0N\0\0\x01\0N\0\0",
                DecodeError::TooManyParams(2),
            ),
        ] {
            assert_eq!(parse(&Bytes::from_static(block), 2), Err(error), "{block:?}");
        }
        assert_eq!(parse(&Bytes::from_static(b"\x01\0N\0\0"), 2).unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn blocks_survive_the_wire(
            pairs in prop::collection::vec(("[A-Z_]{1,40}", prop::collection::vec(1u8.., 0..300)), 0..40)
        ) {
            let given: Vec<(&str, &[u8])> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
            let mut wire = write(&given, Limits::default()).unwrap();
            let packet = Packet::take(&mut wire).unwrap();
            prop_assert_eq!(usize::from(packet.size), wire.len());
            let read = parse(&wire.freeze(), 40).unwrap();
            let read: Vec<_> = read.iter().map(|(n, v)| (std::str::from_utf8(n).unwrap(), &v[..])).collect();
            prop_assert_eq!(read, given);
        }
    }
}
