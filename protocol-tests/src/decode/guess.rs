//! Which protocol some first bytes are of.

use crate::protocol::Protocol;
use crate::trace::Origin;

/// What the bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// This, for that reason.
    Is(Protocol, &'static str),
    /// There are too few to tell.
    More,
    /// Nothing that is known here.
    Unknown,
}

/// Guesses from the first bytes of a direction. Answers of uwsgi and SCGI look like those of HTTP or of CGI.
pub fn guess(bytes: &[u8], from: Origin) -> Guess {
    let tests: [fn(&[u8]) -> Guess; 4] = match from {
        Origin::Client => [fastcgi, scgi, http_request, uwsgi],
        Origin::Server => [fastcgi, http_answer, none, none],
    };
    let guesses = tests.map(|test| test(bytes));
    let is = guesses.iter().find(|guess| matches!(guess, Guess::Is(..)));
    let more = guesses.iter().find(|guess| **guess == Guess::More);
    is.or(more).copied().unwrap_or(Guess::Unknown)
}

/// Who must have sent bytes of which nobody knows it.
pub fn guess_origin(protocol: Option<Protocol>, bytes: &[u8]) -> Origin {
    let server = match protocol {
        Some(Protocol::FastCgi) => matches!(bytes.get(1), Some(3 | 6 | 7 | 10 | 11)),
        None => {
            let client = guess(bytes, Origin::Client);
            match client {
                Guess::Is(Protocol::FastCgi, _) => return guess_origin(Some(Protocol::FastCgi), bytes),
                Guess::Is(..) => false,
                Guess::More | Guess::Unknown => guess(bytes, Origin::Server) != Guess::Unknown,
            }
        }
        Some(Protocol::Uwsgi | Protocol::Scgi) => guess(bytes, Origin::Client) == Guess::Unknown,
        Some(Protocol::Http) => bytes.starts_with(b"HTTP/"),
    };
    if server { Origin::Server } else { Origin::Client }
}

fn none(_: &[u8]) -> Guess {
    Guess::Unknown
}

/// FastCGI 1.0, section 3.3.
fn fastcgi(bytes: &[u8]) -> Guess {
    let fits = |(at, byte): (usize, &u8)| match at {
        0 => *byte == 1,
        1 => (1..=11).contains(byte),
        7 => *byte == 0,
        _ => true,
    };
    match bytes.iter().take(8).enumerate().all(fits) {
        true if bytes.len() >= 8 => Guess::Is(Protocol::FastCgi, "version 1, a known type, reserved 0"),
        true => Guess::More,
        false => Guess::Unknown,
    }
}

/// A netstring whose first name is CONTENT_LENGTH, or at least some name.
fn scgi(bytes: &[u8]) -> Guess {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match bytes.get(digits) {
        None if digits < MAX_DIGITS => Guess::More,
        Some(b':') if digits > 0 => match bytes.get(digits + 1) {
            Some(byte) if byte.is_ascii_uppercase() => Guess::Is(Protocol::Scgi, "a netstring with names"),
            Some(_) => Guess::Unknown,
            None => Guess::More,
        },
        _ => Guess::Unknown,
    }
}

/// A method, a space, and a target.
fn http_request(bytes: &[u8]) -> Guess {
    let method = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    match (bytes.get(method), bytes.get(method + 1)) {
        (None, _) if method < MAX_METHOD => Guess::More,
        (Some(b' '), None) if method > 0 => Guess::More,
        (Some(b' '), Some(byte)) if method > 0 && byte.is_ascii_graphic() => {
            Guess::Is(Protocol::Http, "a request line")
        }
        _ => Guess::Unknown,
    }
}

fn http_answer(bytes: &[u8]) -> Guess {
    match bytes.starts_with(b"HTTP/") {
        true => Guess::Is(Protocol::Http, "a status line"),
        false if b"HTTP/".starts_with(bytes) => Guess::More,
        false => Guess::Unknown,
    }
}

/// A header, and the first name of a block within its size.
fn uwsgi(bytes: &[u8]) -> Guess {
    let (Some(size), Some(name)) = (short(bytes, 1), short(bytes, 4)) else {
        return Guess::More;
    };
    let letters = bytes.iter().skip(6).take(name);
    let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    if name == 0 || name > MAX_NAME || name + 4 > size || !letters.clone().all(is_name) {
        return Guess::Unknown;
    }
    match letters.count() == name {
        true => Guess::Is(Protocol::Uwsgi, "a header and a block that begins with a name"),
        false => Guess::More,
    }
}

/// Two bytes, little end first.
fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_le_bytes(*two).into())
}

const MAX_DIGITS: usize = 10; // of a netstring's length
const MAX_METHOD: usize = 20; // letters
const MAX_NAME: usize = 40; // bytes of the first variable's name

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_shows_itself_in_its_first_bytes() {
        let is = |bytes: &[u8], from| match guess(bytes, from) {
            Guess::Is(protocol, _) => Some(protocol),
            Guess::More | Guess::Unknown => None,
        };
        let client = |bytes| is(bytes, Origin::Client);
        assert_eq!(client(b"\x01\x01\0\x01\0\x08\0\0rest"), Some(Protocol::FastCgi));
        assert_eq!(client(b"\0\x20\0\0\x04\0PATHrest"), Some(Protocol::Uwsgi));
        assert_eq!(client(b"70:CONTENT_LENGTH\0"), Some(Protocol::Scgi));
        assert_eq!(client(b"GET / HTTP/1.1\r\n"), Some(Protocol::Http));
        assert_eq!(client(b"\x16\x03\x01 something else"), None);
        assert_eq!(is(b"HTTP/1.1 200 OK\r\n", Origin::Server), Some(Protocol::Http));
        assert_eq!(guess_origin(None, b"\x01\x06\0\x01\0\x08\0\0"), Origin::Server);
        assert_eq!(guess_origin(None, b"GET / HTTP/1.1"), Origin::Client);
        assert_eq!(guess_origin(None, b"HTTP/1.1 200 OK"), Origin::Server);
    }

    #[test]
    fn too_few_bytes_ask_for_more() {
        let samples: [&[u8]; 4] = [b"\x01\x01\0\x01\0\x08\0", b"\0\x20\0\0\x04\0PAT", b"70:", b"GET "];
        for sample in samples {
            for end in 0..=sample.len() {
                let guess = guess(&sample[..end], Origin::Client);
                assert_eq!(guess, Guess::More, "{:?}", &sample[..end]);
            }
        }
    }
}
