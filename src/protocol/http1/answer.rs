//! Answers, as a server writes them (RFC 9112, sections 4 and 6): always in our own version.

use http::StatusCode;

use crate::protocol::fields::{DIGITS, FieldName, FieldNames, Fields, decimal};

/// The head of a final answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Status.
    pub status: StatusCode,
    /// End-to-end fields, written in their order and spelling; those of [`Head`]'s other members are left out.
    pub fields: &'a Fields,
    /// `Content-Length`: of the body, or the one that an answer to HEAD and a 304 only announce.
    pub length: Option<u64>,
    /// The body comes in chunks.
    pub chunked: bool,
    /// `Date`, unless the fields have one.
    pub date: &'a [u8],
    /// What the head says about the connection.
    pub connection: Connection,
}

/// What an answer says about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Nothing: HTTP/1.1 goes on.
    Implied,
    /// It goes on, which HTTP/1.0 has to be told.
    KeepAlive,
    /// It ends.
    Close,
    /// It belongs to the protocol that `Upgrade` names.
    Upgrade,
}

/// Appends a head with its blank line.
pub fn put_head(head: &Head<'_>, out: &mut Vec<u8>) {
    out.reserve(head.fields.wire_len() + RESERVE);
    put_status(head.status, out);
    head.fields.put_lines(OURS, out);
    if !head.fields.contains(FieldName::Date) {
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(head.date);
        out.extend_from_slice(b"\r\n");
    }
    if head.chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    } else if let Some(length) = head.length {
        out.extend_from_slice(b"Content-Length: ");
        out.extend_from_slice(decimal(length, &mut [0; DIGITS]));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(match head.connection {
        Connection::Implied => b"",
        Connection::KeepAlive => b"Connection: keep-alive\r\n",
        Connection::Close => b"Connection: close\r\n",
        Connection::Upgrade => b"Connection: upgrade\r\n",
    });
    out.extend_from_slice(b"\r\n");
}

/// Appends an interim answer (RFC 9110, section 15.2): 100, or 103 with its fields.
pub fn put_interim(status: StatusCode, fields: &Fields, out: &mut Vec<u8>) {
    put_status(status, out);
    fields.put_lines(FieldNames::NONE, out);
    out.extend_from_slice(b"\r\n");
}

/// The usual one.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The last chunk, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends the last chunk with trailers (RFC 9112, section 7.1.2).
pub fn put_last_chunk(trailers: &Fields, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    trailers.put_lines(FieldNames::NONE, out);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn put_status(status: StatusCode, out: &mut Vec<u8>) {
    if status == StatusCode::OK {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Fields that the other members of a head say.
const OURS: FieldNames = FieldNames::of(&[
    FieldName::Connection,
    FieldName::ContentLength,
    FieldName::TransferEncoding,
]);

/// Bytes of the lines that are not fields of the application.
const RESERVE: usize = 192;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(status: u16, fields: &[(&str, &str)], change: impl FnOnce(&mut Head<'_>)) -> String {
        let fields: Fields = fields.iter().copied().collect();
        let mut head = Head {
            status: StatusCode::from_u16(status).unwrap(),
            fields: &fields,
            length: None,
            chunked: false,
            date: b"now",
            connection: Connection::Implied,
        };
        change(&mut head);
        let mut out = Vec::new();
        put_head(&head, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_keep_their_order_and_spelling() {
        assert_eq!(
            written(
                200,
                &[("x-B", "1"), ("Set-Cookie", "a"), ("set-cookie", "b")],
                |head| {
                    head.length = Some(0);
                }
            ),
            "HTTP/1.1 200 OK\r\nx-B: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nDate: now\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn framing_is_ours_alone() {
        let fields = [
            ("Content-Length", "9"),
            ("Transfer-Encoding", "gzip"),
            ("Connection", "x"),
            ("Date", "then"),
        ];
        assert_eq!(
            written(404, &fields, |head| {
                (head.chunked, head.connection) = (true, Connection::Close);
            }),
            "HTTP/1.1 404 Not Found\r\nDate: then\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn an_unknown_status_has_an_empty_reason() {
        assert!(written(599, &[], |_| {}).starts_with("HTTP/1.1 599 \r\n"));
    }

    #[test]
    fn trailers_stand_behind_the_last_chunk() {
        let mut out = Vec::new();
        put_last_chunk(&[("X-Sum", "1"), ("x-b", "2")].into_iter().collect(), &mut out);
        assert_eq!(out, b"0\r\nX-Sum: 1\r\nx-b: 2\r\n\r\n");
        out.clear();
        put_last_chunk(&Fields::new(), &mut out);
        assert_eq!(out, LAST_CHUNK);
    }

    #[test]
    fn an_interim_answer_has_its_fields_and_no_framing() {
        let fields: Fields = [("Link", "</a>")].into_iter().collect();
        let mut out = Vec::new();
        put_interim(StatusCode::EARLY_HINTS, &fields, &mut out);
        assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        out.clear();
        put_interim(StatusCode::CONTINUE, &Fields::new(), &mut out);
        assert_eq!(out, CONTINUE);
    }
}
