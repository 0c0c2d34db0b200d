//! The variables of a packet: keys and values, each behind its 16-bit length.

use bytes::{Bytes, BytesMut};
use nom::multi::length_data;
use nom::number::complete::le_u16;
use nom::{IResult, Parser};

use super::packet::Packet;
use crate::protocol::params::sink::{count_nul, grow};
use crate::protocol::params::{Name, Sink, Value};
use crate::protocol::{DecodeError, EncodeError, Limits};

/// Writes a packet: its header and its variables.
pub struct Block<'a> {
    out: &'a mut BytesMut,
    packet: Packet,
    limits: Limits,
    /// Where the packet starts.
    start: usize,
    count: usize,
    /// NUL bytes in the lengths.
    nul: usize,
}

impl<'a> Block<'a> {
    /// Opens a packet behind what is in `out`; its size is written at the end.
    pub fn new(out: &'a mut BytesMut, packet: Packet, limits: Limits) -> Self {
        let start = out.len();
        packet.put(out);
        Self {
            out,
            packet,
            limits,
            start,
            count: 0,
            nul: 0,
        }
    }

    /// Writes the size, and looks for NUL bytes that nobody should have sent.
    pub fn finish(self) -> Result<(), EncodeError> {
        let (header, block) = self.out[self.start..].split_at_mut(Packet::LEN);
        let size = block.len() as u16; // `admit` keeps it in 16 bits
        header.copy_from_slice(&Packet { size, ..self.packet }.to_bytes());
        match count_nul(block) == self.nul {
            true => Ok(()),
            false => Err(EncodeError::Nul),
        }
    }

    fn size(&self) -> usize {
        self.out.len() - self.start - Packet::LEN
    }

    fn admit(&mut self, name: usize, value: usize) -> Result<(), EncodeError> {
        if name == 0 {
            return Err(EncodeError::EmptyName);
        }
        let limit = self.limits.block.min(u16::MAX.into());
        let size = self.size().saturating_add(2 * LENGTH).saturating_add(name);
        if size.saturating_add(value) > limit {
            let setting = "buffer-size";
            return Err(EncodeError::BlockTooLarge { limit, setting });
        }
        self.count += 1;
        if self.count > self.limits.params {
            return Err(EncodeError::TooManyParams {
                limit: self.limits.params,
                setting: "max-vars",
            });
        }
        Ok(())
    }
}

impl Sink for Block<'_> {
    fn param(&mut self, name: Name<'_>, value: Value<'_>) -> Result<(), EncodeError> {
        let (name_len, value_len) = (name.len(), value.len());
        self.admit(name_len, value_len)?;
        let (name_part, value_part) =
            grow(self.out, 2 * LENGTH + name_len + value_len).split_at_mut(LENGTH + name_len);
        self.nul += nul_in(name_len) + nul_in(value_len);
        name.fill(fill_length(name_len, name_part));
        value.fill(fill_length(value_len, value_part));
        Ok(())
    }
}

/// Writes a length in front; what is behind it.
#[inline]
fn fill_length(length: usize, out: &mut [u8]) -> &mut [u8] {
    let (front, rest) = out.split_at_mut(LENGTH);
    front.copy_from_slice(&(length as u16).to_le_bytes());
    rest
}

/// NUL bytes in an encoded length.
#[inline]
fn nul_in(length: usize) -> usize {
    usize::from(length < 0x100) + usize::from(length & 0xff == 0)
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

/// Bytes of a length.
const LENGTH: usize = 2;

#[cfg(test)]
mod tests {
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
        let mut out = BytesMut::from("before");
        let mut block = Block::new(&mut out, Packet::default(), limits);
        for (name, value) in pairs {
            block.param(Name::Plain(name), Value::One(value))?;
        }
        block.finish()?;
        assert_eq!(out.split_to(6), "before");
        Ok(out)
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
        let setting = "buffer-size";
        assert_eq!(refused, EncodeError::BlockTooLarge { limit, setting });
        let refused = write(&[("A", b""), ("B", b""), ("C", b"")], four_kib).unwrap_err();
        let (limit, setting) = (2, "max-vars");
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
