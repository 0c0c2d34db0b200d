//! Version 2: a signature, 4 bytes that say what follows, the addresses, TLVs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::checksum::crc32c;
use super::tlv::{Kind, Tlvs};
use super::{Ends, Header, HeaderError, MAX_HEADER, Origin};

/// What a header begins with (section 2.2).
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes in front of the addresses.
pub(super) const FIXED: usize = 16;

/// What the byte of version and command holds.
pub(super) const LOCAL: u8 = 0x20;
pub(super) const PROXY: u8 = 0x21;

/// What the byte of family and transport holds.
pub(super) const UNSPEC: u8 = 0x00;
pub(super) const TCP4: u8 = 0x11;
pub(super) const TCP6: u8 = 0x21;
const UDP4: u8 = 0x12;
const UDP6: u8 = 0x22;
const UNIX_STREAM: u8 = 0x31;
const UNIX_DATAGRAM: u8 = 0x32;

/// The header at the front of bytes that begin like one.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let Some(command) = bytes.get(SIGNATURE.len()).copied() else {
        return Ok(None);
    };
    match (command >> 4, command) {
        (2, LOCAL | PROXY) => {}
        (2, _) => return Err(HeaderError::Command(command & 15)),
        (version, _) => return Err(HeaderError::Version(version)),
    }
    let Some(fixed) = bytes.first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let [.., family, high, low] = *fixed;
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_HEADER {
        return Err(HeaderError::TooLarge(length));
    }
    let Some(header) = bytes.get(..length) else {
        return Ok(None);
    };
    let header = match command {
        // The rest is to be discarded, the family included.
        LOCAL => Header::of(Origin::Local),
        _ => announced(header, family)?,
    };
    Ok(Some((header, length)))
}

/// A header of a connection that is a client's.
fn announced(header: &[u8], family: u8) -> Result<Header, HeaderError> {
    let rest = &header[FIXED..];
    let room = addresses(family).ok_or(HeaderError::Family(family))?;
    let (addresses, tlvs) = rest.split_at_checked(room).ok_or(HeaderError::TooShort)?;
    let tlvs = Tlvs::decode(tlvs)?;
    check(header, &tlvs)?;
    Ok(Header {
        origin: origin(family, addresses),
        tlvs,
    })
}

/// Bytes of the addresses of a family.
fn addresses(family: u8) -> Option<usize> {
    match family {
        UNSPEC => Some(0),
        TCP4 | UDP4 => Some(2 * (4 + 2)),
        TCP6 | UDP6 => Some(2 * (16 + 2)),
        UNIX_STREAM | UNIX_DATAGRAM => Some(2 * 108),
        _ => None,
    }
}

fn origin(family: u8, addresses: &[u8]) -> Origin {
    let ends = match family {
        TCP4 => ends::<4, Ipv4Addr>(addresses),
        TCP6 => ends::<16, Ipv6Addr>(addresses),
        UNIX_STREAM => return Origin::Unix,
        _ => None,
    };
    ends.map_or(Origin::Unknown, Origin::Tcp)
}

/// Source, destination, port of the source, port of the destination.
fn ends<const N: usize, A: From<[u8; N]>>(bytes: &[u8]) -> Option<Ends>
where
    IpAddr: From<A>,
{
    let (source, rest) = bytes.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (from, rest) = rest.split_first_chunk::<2>()?;
    let to = rest.first_chunk::<2>()?;
    let end =
        |ip: &[u8; N], port: &[u8; 2]| SocketAddr::new(IpAddr::from(A::from(*ip)), u16::from_be_bytes(*port));
    Some(Ends {
        source: end(source, from),
        destination: end(destination, to),
    })
}

/// A checksum, if there is one, is that of the whole header with zeros in its place (section 2.2.3).
fn check(header: &[u8], tlvs: &Tlvs) -> Result<(), HeaderError> {
    let Some((place, value)) = tlvs.place(Kind::CRC32C) else {
        return Ok(());
    };
    let value: [u8; 4] = value.try_into().map_err(|_| HeaderError::Tlv(Kind::CRC32C.0))?;
    let start = header.len() - tlvs.as_bytes().len() + place;
    let (before, rest) = header.split_at(start);
    let pieces = [before, &[0; 4], &rest[4..]];
    match crc32c(pieces) == u32::from_be_bytes(value) {
        true => Ok(()),
        false => Err(HeaderError::Checksum),
    }
}
