//! An ordinary request of the protocol at hand, body included.

use super::packet::Packet;
use super::pairs::Basic;
use super::record::{Unit, role_number};
use super::{Content, Missing, PairList, Scope};
use crate::notation::{Complaint, Node};
use crate::protocol::Protocol;

/// A request without anything wrong, except what its variables say.
#[derive(Clone, Debug)]
pub struct Request {
    basic: Basic,
    body: Option<Content>,
    id: u16,
    role: u16,
    flags: u8,
}

impl Request {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let role = table.take("role").map_or(Ok(1), |node| role_number(&node))?;
        let keep = table.boolean("keep")?.unwrap_or_default();
        let request = Self {
            basic: Basic::read(&mut table)?,
            body: table.take("body").map(|node| Content::read(&node)).transpose()?,
            id: table.integer("id")?.unwrap_or(1),
            role,
            flags: table.integer("flags")?.unwrap_or(u8::from(keep)),
        };
        table.finish()?;
        Ok(request)
    }

    /// The bytes, in the pieces that the protocol has.
    pub(super) fn units(&self, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        let body = self.body.as_ref().map(|body| body.encode(scope)).transpose()?;
        let mut basic = self.basic.clone();
        if let (Some(body), None) = (&body, &basic.length) {
            basic.length = Some(body.len().to_string());
        }
        let body = body.unwrap_or_default();
        match scope.protocol {
            Protocol::FastCgi => self.fastcgi(PairList::basic(basic), body, scope),
            Protocol::Uwsgi => Ok(vec![Packet::plain(PairList::basic(basic)).encode(scope)?, body]),
            Protocol::Scgi => scgi(basic, body, scope),
            Protocol::Http => http(&basic, body, scope),
        }
    }

    fn fastcgi(&self, pairs: PairList, body: Vec<u8>, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        let mut units = vec![
            Unit::begin(self.id, self.role, self.flags),
            Unit::params(self.id, pairs),
            Unit::stream(PARAMS, self.id, Content::from("")),
        ];
        if !body.is_empty() {
            units.push(Unit::stream(STDIN, self.id, Content::Bytes(body)));
        }
        units.push(Unit::stream(STDIN, self.id, Content::from("")));
        let records: Result<Vec<_>, _> = units.iter().map(|unit| unit.records(scope)).collect();
        Ok(records?.concat())
    }
}

/// SCGI wants CONTENT_LENGTH first, and the header SCGI somewhere.
fn scgi(mut basic: Basic, body: Vec<u8>, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
    basic.length.get_or_insert_with(|| "0".to_owned());
    let mut pairs = basic.resolve(scope)?;
    let length = pairs.iter().position(|(name, _)| name == b"CONTENT_LENGTH");
    let first = length.map(|at| pairs.remove(at));
    pairs.retain(|(name, _)| name != b"SCGI");
    let marker = (b"SCGI".to_vec(), b"1".to_vec());
    let all = first.into_iter().chain([marker]).chain(pairs);
    let headers: Vec<u8> = all
        .flat_map(|(name, value)| [name, vec![0], value, vec![0]].concat())
        .collect();
    let netstring = [headers.len().to_string().as_bytes(), b":", &headers, b","].concat();
    Ok(vec![netstring, body])
}

/// To a front end: the head that an HTTP client writes.
fn http(basic: &Basic, body: Vec<u8>, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
    let (path, query) = (scope.expand(&basic.path)?, scope.expand(&basic.query)?);
    let mark = if query.is_empty() { "" } else { "?" };
    let length = basic
        .length
        .as_ref()
        .map_or_else(String::new, |length| format!("Content-Length: {length}\r\n"));
    let host = scope.expand("${host}")?;
    let method = &basic.method;
    let mut head = format!("{method} {path}{mark}{query} HTTP/1.1\r\nHost: {host}\r\n{length}").into_bytes();
    for (name, value) in basic.fields(scope)? {
        head.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    Ok(vec![head, body])
}

const PARAMS: u8 = 4;
const STDIN: u8 = 5;

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use super::*;

    #[test]
    fn every_protocol_has_its_request() {
        let text = r#"{ request = { path = "/x", method = "PUT", body = "ab" } }"#;
        let records: [&[u8]; 5] = [
            b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0",
            b"\x01\x04\0\x01\0\x1c\0\0\x01\x03MPUT\x01\x02P/x\x0e\x01CONTENT_LENGTH2",
            b"\x01\x04\0\x01\0\0\0\0",
            b"\x01\x05\0\x01\0\x02\0\0ab",
            b"\x01\x05\0\x01\0\0\0\0",
        ];
        let fastcgi = encode(Protocol::FastCgi, text);
        assert_eq!(fastcgi, records.concat(), "{fastcgi:?}");
        assert_eq!(
            encode(Protocol::Scgi, text),
            b"35:CONTENT_LENGTH\x002\0SCGI\x001\0M\0PUT\0P\0/x\0,ab"
        );
        assert!(encode(Protocol::Uwsgi, text).ends_with(b"\x01\x002ab"));
    }
}
