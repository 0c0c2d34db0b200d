//! The other side of the socket: what an application sees of a connection, in every protocol alike.
//!
//! The demo pool, the tests and the fuzzers play this side; so may any program that embeds us.

use bytes::{Bytes, BytesMut};

use super::fastcgi::Role;
use super::head::Shape;
use super::{DecodeError, WriteQueue};

/// One connection, seen from the application.
pub trait Application: Send {
    /// The grammar of response heads.
    fn shape(&self) -> Shape;

    /// Takes the next piece of a request off `src`; `Ok(None)` asks for more bytes. Answers that the protocol
    /// itself gives (rejections, management records) are queued on `out`.
    fn decode(&mut self, src: &mut BytesMut, out: &mut WriteQueue) -> Result<Option<Received>, DecodeError>;

    /// Says whether the stream may end now: after a complete request or before the first byte of one.
    fn decode_eof(&mut self) -> Result<(), DecodeError>;

    /// Queues a piece of the response, head included.
    fn write(&mut self, stream: Output, chunk: Bytes, out: &mut WriteQueue);

    /// Queues the end of the response. Whether the connection is to be kept for another request.
    fn end(&mut self, app_status: u32, out: &mut WriteQueue) -> bool;
}

/// What an application gets, in order: a request, the pieces of its body, the end of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// All variables of a request.
    Request(Request),
    /// A piece of the request body, never empty.
    Body(Bytes),
    /// The request body is complete.
    BodyEnd,
    /// A piece of the file for a FastCGI filter, never empty.
    Data(Bytes),
    /// The file is complete.
    DataEnd,
    /// The request is given up; `end` is still to be called.
    Abort,
    /// A request was rejected; the rejection is queued.
    Rejected {
        /// The connection ends with it.
        close: bool,
    },
}

/// Where a piece of the response goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To the client.
    Response,
    /// To the log; dropped by protocols that have no channel for it.
    Diagnostics,
}

/// The variables of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for; always a responder outside FastCGI.
    pub role: Role,
    /// The variables in the order of arrival, repeats included.
    pub params: Vec<(Bytes, Bytes)>,
}

impl Request {
    /// The value of a variable. Of several, the last one, as in PHP and uWSGI.
    pub fn param(&self, name: &str) -> Option<&Bytes> {
        let mut found = self.params.iter().rev().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value)
    }

    /// The announced length of the body; no variable or an empty one means none.
    pub fn content_length(&self) -> Result<u64, DecodeError> {
        match self.param("CONTENT_LENGTH") {
            None => Ok(0),
            Some(text) if text.is_empty() => Ok(0),
            Some(text) => digits(text).ok_or(DecodeError::ContentLength),
        }
    }

    /// The announced length of the body, where there is one that is a number.
    pub(crate) fn announced_length(&self) -> Option<u64> {
        digits(self.param("CONTENT_LENGTH")?)
    }
}

/// A request body that nothing frames: so many bytes, then it is complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawBody {
    left: u64,
    ended: bool,
}

impl RawBody {
    pub(crate) fn new(length: u64) -> Self {
        Self {
            left: length,
            ended: false,
        }
    }

    /// The next piece, or the end, once. What follows the body is left in `src`.
    pub(crate) fn decode(&mut self, src: &mut BytesMut) -> Option<Received> {
        if self.left > 0 {
            let count = usize::try_from(self.left).map_or(src.len(), |left| left.min(src.len()));
            self.left -= count as u64;
            return (count > 0).then(|| Received::Body(src.split_to(count).freeze()));
        }
        let ends = !std::mem::replace(&mut self.ended, true);
        ends.then_some(Received::BodyEnd)
    }

    /// Whether nothing is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.left == 0
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then_some(text)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(params: &[(&'static str, &'static str)]) -> Request {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        Request {
            role: Role::Responder,
            params: params.iter().map(|(n, v)| (bytes(n), bytes(v))).collect(),
        }
    }

    #[test]
    fn last_of_several_variables_counts() {
        let request = request(&[("A", "1"), ("B", "2"), ("A", "3")]);
        assert_eq!(request.param("A").unwrap(), "3");
        assert_eq!(request.param("C"), None);
    }

    #[test]
    fn length_is_digits_or_nothing() {
        for (value, length) in [
            ("", Ok(0)),
            ("27", Ok(27)),
            ("+1", Err(DecodeError::ContentLength)),
            ("-1", Err(DecodeError::ContentLength)),
            ("3abc", Err(DecodeError::ContentLength)),
        ] {
            assert_eq!(request(&[("CONTENT_LENGTH", value)]).content_length(), length);
        }
        assert_eq!(request(&[]).content_length(), Ok(0));
    }
}
