//! What is in a packet: the headers down to TCP's.

use std::net::{IpAddr, SocketAddr};

use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::err::packet::SliceError;
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::Linktype;

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sequence: u32,
    /// What the sender has received up to here.
    pub(super) acknowledged: Option<u32>,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    /// As far as it was captured.
    pub(super) payload: &'a [u8],
    /// Bytes of the payload that were not captured.
    pub(super) missing: usize,
}

/// Why a packet has no segment for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skipped {
    /// A link type that is not known here.
    Link,
    /// No IP, or no TCP.
    Other,
    /// A piece of an IP packet.
    Fragment,
    /// Too short for its headers.
    Short,
}

/// The segment in a packet.
pub(super) fn segment(link: Linktype, data: &[u8]) -> Result<Segment<'_>, Skipped> {
    let packet = match link.0 {
        ETHERNET => LaxSlicedPacket::from_ethernet(data).map_err(|_| Skipped::Short)?,
        LINUX_SLL => typed(data, 14, 16)?,
        LINUX_SLL2 => typed(data, 0, 20)?,
        NULL | LOOP => ip(data.get(4..).ok_or(Skipped::Short)?)?,
        RAW | RAW_BSD | RAW_OPENBSD | IPV4 | IPV6 => ip(data)?,
        _ => return Err(Skipped::Link),
    };
    tcp(&packet)
}

/// Linux' cooked headers have an ether type at one place, and end at another.
fn typed(data: &[u8], at: usize, end: usize) -> Result<LaxSlicedPacket<'_>, Skipped> {
    let kind = data.get(at..at + 2).and_then(|two| two.first_chunk::<2>());
    let (kind, rest) = kind.zip(data.get(end..)).ok_or(Skipped::Short)?;
    Ok(LaxSlicedPacket::from_ether_type(
        EtherType(u16::from_be_bytes(*kind)),
        rest,
    ))
}

fn ip(data: &[u8]) -> Result<LaxSlicedPacket<'_>, Skipped> {
    LaxSlicedPacket::from_ip(data).map_err(|error| match error {
        LaxHeaderSliceError::Len(_) => Skipped::Short,
        LaxHeaderSliceError::Content(_) => Skipped::Other,
    })
}

fn tcp<'a>(packet: &LaxSlicedPacket<'a>) -> Result<Segment<'a>, Skipped> {
    let is_short = matches!(packet.stop_err, Some((SliceError::Len(_), _)));
    let nothing = if is_short { Skipped::Short } else { Skipped::Other };
    let net = packet.net.as_ref().ok_or(nothing)?;
    let (from, to, declared): (IpAddr, IpAddr, usize) = match net {
        LaxNetSlice::Ipv4(slice) => {
            let header = slice.header();
            let length = usize::from(header.total_len()).saturating_sub(header.slice().len());
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                length,
            )
        }
        LaxNetSlice::Ipv6(slice) => {
            let header = slice.header();
            let extensions = slice.extensions().slice().len();
            let length = usize::from(header.payload_length()).saturating_sub(extensions);
            (
                header.source_addr().into(),
                header.destination_addr().into(),
                length,
            )
        }
        LaxNetSlice::Arp(_) => return Err(Skipped::Other),
    };
    let payload = packet.ip_payload().ok_or(Skipped::Other)?;
    if payload.fragmented {
        return Err(Skipped::Fragment);
    }
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
        return Err(nothing);
    };
    Ok(Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledged: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: tcp_payload(tcp.slice(), tcp.header_slice().len()),
        missing: match payload.incomplete {
            true => declared.saturating_sub(payload.payload.len()),
            false => 0,
        },
    })
}

fn tcp_payload(segment: &[u8], header: usize) -> &[u8] {
    segment.get(header..).unwrap_or_default()
}

// Link types, from the registry of tcpdump.org.
const NULL: i32 = 0;
const ETHERNET: i32 = 1;
const RAW_BSD: i32 = 12;
const RAW_OPENBSD: i32 = 14;
const RAW: i32 = 101;
const LOOP: i32 = 108;
const LINUX_SLL: i32 = 113;
const IPV4: i32 = 228;
const IPV6: i32 = 229;
const LINUX_SLL2: i32 = 276;
