//! An answer of the application as any protocol carries it.
//!
//! FastCGI: STDOUT with a CGI head, its end, END_REQUEST. SCGI: a CGI head (RFC 3875, section 6). uwsgi: an HTTP status
//! line before the fields, as uWSGI writes it. HTTP: the same, with a length unless the fields say where the body ends.

use super::record::Unit;
use super::{Content, Missing, Scope};
use crate::notation::{Complaint, Node};
use crate::protocol::Protocol;

/// A status, header fields and a body.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    header: Vec<(String, Content)>,
    body: Content,
    /// FastCGI: the request that is answered.
    id: u16,
}

impl Reply {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Complaint> {
        let mut table = node.table()?;
        let header = match table.take("header") {
            Some(node) => node.items()?.iter().map(read_field).collect::<Result<_, _>>()?,
            None => vec![("Content-Type".to_owned(), Content::from("text/plain"))],
        };
        let reply = Self {
            status: table.integer("status")?.unwrap_or(200),
            header,
            body: table
                .take("body")
                .map_or(Ok(Content::from("")), |node| Content::read(&node))?,
            id: table.integer("id")?.unwrap_or(1),
        };
        table.finish()?;
        Ok(reply)
    }

    /// The bytes in the pieces that the protocol has.
    pub(super) fn units(&self, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        let body = self.body.encode(scope)?;
        let mut head = self.first_line(scope.protocol).into_bytes();
        for (name, value) in &self.header {
            head.extend([name.as_bytes(), b": ", &value.encode(scope)?, b"\r\n"].concat());
        }
        if scope.protocol == Protocol::Http {
            if !is_framed(&head) {
                head.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
            }
            head.extend(b"Connection: close\r\n");
        }
        let bytes = [&head[..], b"\r\n", &body].concat();
        match scope.protocol {
            Protocol::FastCgi => self.records(bytes, scope),
            Protocol::Uwsgi | Protocol::Scgi | Protocol::Http => Ok(vec![bytes]),
        }
    }

    /// What stands before the fields.
    fn first_line(&self, protocol: Protocol) -> String {
        let (status, reason) = (self.status, reason(self.status));
        match protocol {
            Protocol::Uwsgi | Protocol::Http => format!("HTTP/1.1 {status} {reason}\r\n"),
            // 200 goes without saying.
            Protocol::FastCgi | Protocol::Scgi if status == 200 => String::new(),
            Protocol::FastCgi | Protocol::Scgi => format!("Status: {status} {reason}\r\n"),
        }
    }

    fn records(&self, bytes: Vec<u8>, scope: &Scope) -> Result<Vec<Vec<u8>>, Missing> {
        let units = [
            Unit::stream(STDOUT, self.id, Content::Bytes(bytes)),
            Unit::stream(STDOUT, self.id, Content::from("")),
            Unit::end(self.id),
        ];
        let records: Result<Vec<_>, _> = units.iter().map(|unit| unit.records(scope)).collect();
        Ok(records?.concat())
    }
}

/// Whether the fields say by themselves where the body ends, rightly or not.
fn is_framed(head: &[u8]) -> bool {
    let head = head.to_ascii_lowercase();
    let has = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
    has(b"\ncontent-length:") || has(b"\ntransfer-encoding:")
}

fn read_field(node: &Node<'_>) -> Result<(String, Content), Complaint> {
    let items = node.items()?;
    let [name, value] = items.as_slice() else {
        return Err(node.complaint("a field is [\"Name\", CONTENT]"));
    };
    Ok((name.string()?, Content::read(value)?))
}

/// Words for people; nobody may rely on them (RFC 9112, section 4).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        404 => "Not Found",
        413 => "Content Too Large",
        _ => "As Said",
    }
}

const STDOUT: u8 = 6;

#[cfg(test)]
mod tests {
    use super::super::tests::encode;
    use super::*;

    #[test]
    fn every_protocol_has_its_head() {
        let text = r#"{ reply = { status = 404, header = [["A", "b"]], body = "xy" } }"#;
        let cgi = b"Status: 404 Not Found\r\nA: b\r\n\r\nxy";
        assert_eq!(encode(Protocol::Scgi, text), cgi);
        let records: [&[u8]; 4] = [
            b"\x01\x06\0\x01\0\x21\0\0",
            cgi,
            b"\x01\x06\0\x01\0\0\0\0",
            b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0",
        ];
        assert_eq!(encode(Protocol::FastCgi, text), records.concat());
        let uwsgi = encode(Protocol::Uwsgi, text);
        assert_eq!(uwsgi, b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nxy");
        let http = encode(Protocol::Http, r#"{ reply = { body = "xy" } }"#);
        let wanted =
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxy";
        assert_eq!(http, wanted);
        let framed = r#"{ reply = { header = [["A", "b\r\nTransfer-Encoding: chunked"]], body = "0" } }"#;
        let wanted = b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0";
        assert_eq!(encode(Protocol::Http, framed), wanted);
    }
}
