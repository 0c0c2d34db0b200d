//! A header as it is sent.

use std::net::{IpAddr, SocketAddr};

use super::{Ends, Header, Kind, MAX_HEADER, Origin, Version, v1, v2};

impl Header {
    /// Its bytes in a version. Version 1 has no word for a connection of the sender's own, and no TLVs.
    pub fn encode(&self, version: Version) -> Vec<u8> {
        match version {
            Version::V1 => line(self.ends()),
            Version::V2 => self.binary(),
        }
    }

    fn binary(&self) -> Vec<u8> {
        let (command, family) = match self.origin {
            Origin::Local => (v2::LOCAL, v2::UNSPEC),
            Origin::Unknown | Origin::Unix => (v2::PROXY, v2::UNSPEC),
            Origin::Tcp(ends) if is_ipv4(&ends) => (v2::PROXY, v2::TCP4),
            Origin::Tcp(_) => (v2::PROXY, v2::TCP6),
        };
        let mut rest = self.ends().map(addresses).unwrap_or_default();
        // A checksum is that of the header that it came in.
        let tlvs = self.tlvs.without(Kind::CRC32C);
        // Not to be refused for what it need not say.
        if v2::FIXED + rest.len() + tlvs.len() <= MAX_HEADER {
            rest.extend_from_slice(&tlvs);
        }
        let length = rest.len() as u16; // MAX_HEADER at most
        [v2::SIGNATURE, &[command, family], &length.to_be_bytes(), &rest].concat()
    }
}

fn line(ends: Option<&Ends>) -> Vec<u8> {
    let mut line = v1::START.to_vec();
    let words = match ends {
        None => "UNKNOWN".to_owned(),
        Some(ends) => {
            let (source, destination) = alike(ends);
            let family = if is_ipv4(ends) { "TCP4" } else { "TCP6" };
            let (from, to) = (ends.source.port(), ends.destination.port());
            format!("{family} {source} {destination} {from} {to}")
        }
    };
    line.extend_from_slice(words.as_bytes());
    line.extend_from_slice(b"\r\n");
    line
}

fn addresses(ends: &Ends) -> Vec<u8> {
    let (source, destination) = alike(ends);
    let ports = [ends.source, ends.destination].map(|end: SocketAddr| end.port().to_be_bytes());
    [octets(source), octets(destination), ports.concat()].concat()
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn is_ipv4(ends: &Ends) -> bool {
    ends.source.is_ipv4() && ends.destination.is_ipv4()
}

/// Both addresses in one family: those of IPv4 are mapped where the other is none.
fn alike(ends: &Ends) -> (IpAddr, IpAddr) {
    let ip = |end: SocketAddr| match end.ip() {
        IpAddr::V4(ip) if !is_ipv4(ends) => ip.to_ipv6_mapped().into(),
        other => other,
    };
    (ip(ends.source), ip(ends.destination))
}
