//! The four bytes before a block.

use bytes::{Buf, BufMut, BytesMut};
use nom::IResult;
use nom::number::streaming::{le_u16, u8};

/// A packet header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// What kind of request it is; 0 is WSGI and anything like it.
    pub modifier1: u8,
    /// Bytes of the block.
    pub size: u16,
    /// Details of the kind.
    pub modifier2: u8,
}

impl Packet {
    /// Bytes of a header.
    pub const LEN: usize = 4;

    /// The one number of the protocol family that is little-endian.
    pub fn parse(input: &[u8]) -> IResult<&[u8], Self> {
        let (input, modifier1) = u8(input)?;
        let (input, size) = le_u16(input)?;
        let (input, modifier2) = u8(input)?;
        Ok((
            input,
            Self {
                modifier1,
                size,
                modifier2,
            },
        ))
    }

    /// Takes a header off `src` when it is complete.
    pub fn take(src: &mut BytesMut) -> Option<Self> {
        let (_, found) = Self::parse(src).ok()?;
        src.advance(Self::LEN);
        Some(found)
    }

    /// The header as it is on the wire.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let [low, high] = self.size.to_le_bytes();
        [self.modifier1, low, high, self.modifier2]
    }

    /// Appends the header.
    pub fn put(self, out: &mut impl BufMut) {
        out.put_slice(&self.to_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_little_endian() {
        let packet = Packet {
            modifier1: 5,
            size: 0x0102,
            modifier2: 7,
        };
        let mut wire = BytesMut::new();
        packet.put(&mut wire);
        assert_eq!(&wire[..], [5, 0x02, 0x01, 7]);
        for end in 0..Packet::LEN {
            assert_eq!(Packet::take(&mut BytesMut::from(&wire[..end])), None);
        }
        assert_eq!(Packet::take(&mut wire), Some(packet));
    }
}
