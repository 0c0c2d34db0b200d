//! What a proxy says of its client, below the path where the client is taken for one.

use super::Fault;
use super::request::Request;
use crate::reference::Seeded;

/// What the proxy has said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The address of its client.
    pub(super) address: Option<Vec<u8>>,
    /// Whether that speaks TLS.
    pub(super) https: Option<bool>,
    /// The port that it came in by.
    pub(super) port: Option<Vec<u8>>,
}

/// Whether the client is taken for a proxy.
pub(super) fn is_trusted(request: &Request) -> bool {
    request.target.path.starts_with(TRUSTED)
}

/// Nothing, unless the client is taken for a proxy.
pub(super) fn of(request: &Request, fault: Seeded<Fault>) -> Said {
    match is_trusted(request) {
        true => read(request, fault),
        false => Said::default(),
    }
}

fn read(request: &Request, fault: Seeded<Fault>) -> Said {
    let proto = members(request, "x-forwarded-proto", fault)
        .next()
        .map(<[u8]>::to_vec);
    let secure = |proto: &Vec<u8>| {
        let proto = proto.to_ascii_lowercase();
        matches!(&proto[..], b"https" | b"wss")
    };
    let https = match fault.is(Fault::WholeProtoCompared) {
        true => request
            .values("x-forwarded-proto")
            .next()
            .map(|value| value == b"https"),
        false => proto.as_ref().map(secure),
    };
    let own = |address: &&[u8]| !matches!(*address, b"127.0.0.1" | b"::1");
    let address = members(request, "x-forwarded-for", fault).filter(own).last();
    let given = members(request, "x-forwarded-port", fault).next();
    let port = match (given, https) {
        (_, _) if fault.is(Fault::PortStays) => None,
        (Some(port), _) => Some(port.to_vec()),
        (None, Some(true)) => Some(b"443".to_vec()),
        (None, _) => None,
    };
    Said {
        address: address.map(<[u8]>::to_vec),
        https,
        port,
    }
}

/// The members of a list, empty ones left out (RFC 9110, section 5.6.1).
fn members<'a>(request: &'a Request, name: &'a str, fault: Seeded<Fault>) -> impl Iterator<Item = &'a [u8]> {
    let values = request.values(name);
    let all = values.flat_map(|value| value.split(|byte| *byte == b','));
    all.map(<[u8]>::trim_ascii)
        .filter(move |member| !member.is_empty() || fault.is(Fault::EmptyMembersCount))
}

const TRUSTED: &[u8] = b"/trusted/"; // below this path the client is a proxy

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, fields: &str) -> Said {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n");
        let request = Request::parse(head.as_bytes(), Seeded::NONE).expect("a request");
        of(&request, Seeded::NONE)
    }

    #[test]
    fn a_proxy_is_believed_and_a_stranger_is_not() {
        let fields = "X-Forwarded-For: 203.0.113.7,, 127.0.0.1\r\nX-Forwarded-Proto: , wss, http";
        let wanted = Said {
            address: Some(b"203.0.113.7".to_vec()),
            https: Some(true),
            port: Some(b"443".to_vec()),
        };
        assert_eq!(said("/trusted/x", fields), wanted);
        assert_eq!(said("/x", fields), Said::default());
    }
}
