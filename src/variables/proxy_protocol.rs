//! Variables of what a load balancer says of the connection, by nginx's names.

use std::net::SocketAddr;

use crate::protocol::proxy_protocol::{Ends, Header, Kind, SslKind};

/// A variable of the header of the PROXY protocol. Without a header, or what it stands for in it, it has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocolVariable {
    /// The client's address.
    Addr,
    /// The client's port.
    Port,
    /// The address that the client connected to.
    ServerAddr,
    /// The port that it connected to.
    ServerPort,
    /// The value of a TLV.
    Tlv(Kind),
    /// The value of a TLV in that of TLS.
    Ssl(SslKind),
    /// `0` if the client showed a certificate that was verified; another number if not. HAProxy says `0` of a client without
    /// one, too.
    SslVerify,
}

/// What the names of all of them begin with.
const PREFIX: &str = "proxy_protocol_";

/// TLVs that have names. Others are named by their numbers, such as `0xea`.
const KINDS: [(&str, Kind); 5] = [
    ("alpn", Kind::ALPN),
    ("authority", Kind::AUTHORITY),
    ("unique_id", Kind::UNIQUE_ID),
    ("ssl", Kind::SSL),
    ("netns", Kind::NETNS),
];

/// The same of those in that of TLS, behind `ssl_`.
const SSL_KINDS: [(&str, SslKind); 5] = [
    ("version", SslKind::VERSION),
    ("cn", SslKind::CN),
    ("cipher", SslKind::CIPHER),
    ("sig_alg", SslKind::SIG_ALG),
    ("key_alg", SslKind::KEY_ALG),
];

impl ProxyProtocolVariable {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix(PREFIX)?;
        if let Some(tlv) = name.strip_prefix("tlv_") {
            return Self::tlv(tlv);
        }
        match name {
            "addr" => Some(Self::Addr),
            "port" => Some(Self::Port),
            "server_addr" => Some(Self::ServerAddr),
            "server_port" => Some(Self::ServerPort),
            _ => None,
        }
    }

    fn tlv(name: &str) -> Option<Self> {
        match name.strip_prefix("ssl_") {
            Some("verify") => Some(Self::SslVerify),
            Some(name) => known(&SSL_KINDS, name)
                .or_else(|| number(name).map(SslKind))
                .map(Self::Ssl),
            None => known(&KINDS, name)
                .or_else(|| number(name).map(Kind))
                .map(Self::Tlv),
        }
    }

    /// Gives its value to `sink`.
    pub fn write(self, header: &Header, sink: &mut dyn FnMut(&[u8])) {
        let end = |of: fn(&Ends) -> SocketAddr| header.ends().map(of);
        let ip = |end: Option<SocketAddr>| end.map(|end| end.ip().to_canonical().to_string());
        let port = |end: Option<SocketAddr>| end.map(|end| end.port().to_string());
        let ssl = header.tlvs.ssl();
        let text = match self {
            Self::Addr => ip(end(|ends| ends.source)),
            Self::Port => port(end(|ends| ends.source)),
            Self::ServerAddr => ip(end(|ends| ends.destination)),
            Self::ServerPort => port(end(|ends| ends.destination)),
            Self::SslVerify => ssl.map(|ssl| ssl.verify.to_string()),
            Self::Tlv(kind) => return header.tlvs.get(kind).into_iter().for_each(sink),
            Self::Ssl(kind) => {
                let value = ssl.and_then(|ssl| ssl.get(kind));
                return value.into_iter().for_each(sink);
            }
        };
        text.iter().for_each(|text| sink(text.as_bytes()));
    }
}

fn known<K: Copy>(names: &[(&str, K)], name: &str) -> Option<K> {
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| *kind)
}

/// `0xea`
fn number(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("0x")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| plain)
}
