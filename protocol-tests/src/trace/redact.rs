//! Blanks secrets and bodies in what is recorded, byte for byte, so that lengths and framing stay as they were.
//!
//! Bytes come in any pieces, and each piece is written at once. So this reads the protocols once more, a byte at a
//! time, and never has to look back. What it does not understand is blanked.

mod fastcgi;
mod message;
mod vars;

use fastcgi::FastCgi;
use message::Message;
use vars::Vars;

use super::{Event, Origin};
use crate::protocol::Protocol;

/// One connection, both directions.
#[derive(Debug)]
pub struct Redactor {
    client: Mask,
    server: Mask,
}

/// One direction.
#[derive(Debug)]
enum Mask {
    FastCgi(Box<FastCgi>),
    Vars(Vars),
    Message(Message),
    /// Bytes were lost, and with them the place of what follows.
    All,
}

impl Redactor {
    /// A connection of a protocol.
    pub fn new(protocol: Protocol) -> Self {
        let (client, server) = match protocol {
            Protocol::FastCgi => (Mask::FastCgi(Box::default()), Mask::FastCgi(Box::default())),
            Protocol::Uwsgi => (Mask::Vars(Vars::uwsgi()), Mask::Message(Message::once())),
            Protocol::Scgi => (Mask::Vars(Vars::scgi()), Mask::Message(Message::once())),
            Protocol::Http => (
                Mask::Message(Message::requests()),
                Mask::Message(Message::answers()),
            ),
        };
        Self { client, server }
    }

    /// The event as it may be written down.
    #[must_use]
    pub fn redact(&mut self, from: Origin, event: Event) -> Event {
        let mask = match from {
            Origin::Client => &mut self.client,
            Origin::Server => &mut self.server,
        };
        match event {
            Event::Bytes(bytes) => Event::Bytes(bytes.into_iter().map(|byte| mask.push(byte)).collect()),
            Event::Lost(count) => {
                *mask = Mask::All;
                Event::Lost(count)
            }
            other => other,
        }
    }
}

impl Mask {
    /// The byte, or what stands for it.
    fn push(&mut self, byte: u8) -> u8 {
        let secret = match self {
            Self::FastCgi(mask) => mask.is_secret(byte),
            Self::Vars(mask) => mask.is_secret(byte),
            Self::Message(mask) => mask.is_secret(byte),
            Self::All => true,
        };
        if secret { BLANK } else { byte }
    }
}

/// Variables whose values nobody must read.
fn is_secret_variable(name: &[u8]) -> bool {
    const SECRETS: [&[u8]; 7] = [
        b"HTTP_COOKIE",
        b"HTTP_AUTHORIZATION",
        b"HTTP_PROXY_AUTHORIZATION",
        b"HTTP_SET_COOKIE",
        b"PHP_AUTH_PW",
        b"PHP_AUTH_DIGEST",
        b"AUTHORIZATION",
    ];
    SECRETS.contains(&name)
}

/// Header fields whose values nobody must read.
fn is_secret_field(name: &[u8]) -> bool {
    const SECRETS: [&[u8]; 4] = [b"cookie", b"set-cookie", b"authorization", b"proxy-authorization"];
    SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// What stands for a byte that nobody must read.
const BLANK: u8 = b'*';
/// Bytes of a name; a longer one is none of ours.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(protocol: Protocol, from: Origin, wire: &[u8], step: usize) -> String {
        let mut redactor = Redactor::new(protocol);
        let mut seen = Vec::new();
        for piece in wire.chunks(step) {
            match redactor.redact(from, Event::Bytes(piece.to_vec())) {
                Event::Bytes(bytes) => seen.extend(bytes),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen.len(), wire.len());
        seen.escape_ascii().to_string()
    }

    fn check(protocol: Protocol, from: Origin, wire: &[u8], wanted: &[u8]) {
        for step in 1..=wire.len() {
            assert_eq!(
                redact(protocol, from, wire, step),
                wanted.escape_ascii().to_string(),
                "{step}"
            );
        }
    }

    #[test]
    fn fastcgi_variables_and_streams_are_blanked_and_their_framing_is_not() {
        // The cookie's pair goes across two records.
        check(
            Protocol::FastCgi,
            Origin::Client,
            b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\x01\x04\0\x01\0\x08\x02\0\x01\x01Ab\x0b\x80\0\0pp\
            \x01\x04\0\x01\0\x0f\0\0\x03HTTP_COOKIEa=b\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\x03\0\0abc",
            b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\x01\x04\0\x01\0\x08\x02\0\x01\x01Ab\x0b\x80\0\0pp\
            \x01\x04\0\x01\0\x0f\0\0\x03HTTP_COOKIE***\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\x03\0\0***",
        );
        check(
            Protocol::FastCgi,
            Origin::Server,
            b"\x01\x06\0\x01\0\x1c\0\0Set-Cookie: a=b\nX: y\n\nsecret\x01\x03\0\x01\0\x08\0\0\0\0\0\x01\0\0\0\0",
            b"\x01\x06\0\x01\0\x1c\0\0Set-Cookie:****\nX: y\n\n******\x01\x03\0\x01\0\x08\0\0\0\0\0\x01\0\0\0\0",
        );
    }

    #[test]
    fn uwsgi_and_scgi_variables_and_bodies_are_blanked() {
        check(
            Protocol::Uwsgi,
            Origin::Client,
            b"\0\x19\0\0\x0b\0HTTP_COOKIE\x03\0a=b\x01\0A\x02\0bcbody",
            b"\0\x19\0\0\x0b\0HTTP_COOKIE\x03\0***\x01\0A\x02\0bc****",
        );
        check(
            Protocol::Scgi,
            Origin::Client,
            b"24:CONTENT_LENGTH\x004\0SCGI\x001\0,body",
            b"24:CONTENT_LENGTH\x004\0SCGI\x001\0,****",
        );
        check(
            Protocol::Scgi,
            Origin::Client,
            b"20:HTTP_COOKIE\0abc\0A\0b\0,",
            b"20:HTTP_COOKIE\0***\0A\0b\0,",
        );
    }

    #[test]
    fn http_heads_chunks_and_the_next_message_stay_readable() {
        check(
            Protocol::Http,
            Origin::Client,
            b"POST / HTTP/1.1\r\ncookie: a\r\n b\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\ncookie:**\r\n**\r\nContent-Length: 2\r\n\r\n**GET / HTTP/1.1\r\n\r\n",
        );
        check(
            Protocol::Http,
            Origin::Server,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n**\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        );
    }

    #[test]
    fn what_cannot_be_read_is_blanked() {
        assert_eq!(redact(Protocol::Scgi, Origin::Client, b"secret", 1), "******");
        let mut redactor = Redactor::new(Protocol::FastCgi);
        let lost = redactor.redact(Origin::Client, Event::Lost(3));
        assert_eq!(lost, Event::Lost(3));
        let after = redactor.redact(Origin::Client, Event::Bytes(b"abc".to_vec()));
        assert_eq!(after, Event::Bytes(b"***".to_vec()));
    }
}
