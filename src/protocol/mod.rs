//! Sans-IO codecs: requests to bytes and bytes to events, for FastCGI, uwsgi, SCGI and HTTP/1, in both roles; and the
//! headers of the PROXY protocol.
//!
//! A gateway uses [`Protocol`] and [`Exchange`]: `begin` queues the request head, `push_body` and
//! `finish_body` queue the body, `decode` turns what the backend sent into [`Event`]s. Applications (the
//! demo pool, the tests, the fuzzers) use the `application` side of each protocol module.
//!
//! Nothing here knows sockets, clocks, tasks, logging or routes. "Need more bytes" is `Ok(None)`, never an
//! error; every error is a `Copy + Eq` value with a name, so that tests assert on it.

pub mod application;
pub mod authority;
mod body;
pub mod captures;
mod chunks;
pub mod error;
pub mod fastcgi;
pub mod fields;
pub mod head;
pub mod hop_by_hop;
pub mod http1;
mod limits;
pub mod params;
pub mod peer;
pub mod proxy_protocol;
pub mod queue;
pub mod request;
#[cfg(test)]
pub(crate) mod samples;
pub mod scgi;
pub mod target;
pub mod tls;
mod unframed;
pub mod uwsgi;

use bytes::{Bytes, BytesMut};

use fields::Fields;

pub use authority::Authority;
pub use error::{DecodeError, EncodeError};
pub use head::{InterimHead, ResponseHead};
pub use limits::Limits;
pub use queue::WriteQueue;
pub use request::RequestHead;
pub use target::Target;

/// One wire format, seen from the gateway: everything the upstream engine knows about it.
pub trait Protocol: Send + Sync {
    /// The name used in configuration and logs: `fastcgi`, `uwsgi`, `scgi`, `http`.
    fn name(&self) -> &'static str;

    /// Queues the request head on `out` and returns the state machine for its answer.
    ///
    /// Nothing is left on `out` when this fails: the request can be answered with an error and the
    /// connection used for another one.
    fn begin(&self, head: &RequestHead, out: &mut WriteQueue) -> Result<Box<dyn Exchange>, EncodeError>;
}

/// One request and its response on one connection.
pub trait Exchange: Send {
    /// Queues a piece of the request body. The sum of all pieces must be the announced length.
    fn push_body(&mut self, chunk: Bytes, out: &mut WriteQueue);

    /// Queues whatever ends the request body (FastCGI: the empty STDIN record). To be called exactly once,
    /// and only when the announced length was sent: an unfinished body is cancelled by closing.
    fn finish_body(&mut self, out: &mut WriteQueue);

    /// Takes the next event off `src`; `Ok(None)` asks for more bytes.
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Event>, DecodeError>;

    /// The line of a head that was refused with a [`HeadError`](head::HeadError), as far as it says something: escaped,
    /// and short.
    fn culprit(&self) -> Option<&str> {
        None
    }

    /// Whether the answer can go on until the stream ends, and nothing else tells where that is.
    fn is_open(&self) -> bool {
        false
    }

    /// What the end of the stream means now; to be called when the peer closed and `decode` returned
    /// `Ok(None)`.
    fn decode_eof(&mut self) -> Result<Event, DecodeError>;
}

/// What an answer consists of, in order: any number of `Interim`, one `Head`, `Body` pieces, at most one `Trailers`, one
/// `End`, with `Stderr` anywhere between them. Behind a head that switches protocols there is one `Switched` and nothing else.
///
/// Heads are boxed: every event is moved a few times, and most are none.
#[derive(Debug)]
pub enum Event {
    /// A head before the final one (RFC 9110, section 15.2): 100 and 103, for instance.
    Interim(Box<InterimHead>),
    /// The response head, complete and checked.
    Head(Box<ResponseHead>),
    /// A piece of the response body, never empty, already cut to the announced length.
    Body(Bytes),
    /// Fields behind the body (RFC 9110, section 6.5); only where the request says that its client takes them.
    Trailers(Box<Fields>),
    /// Diagnostics from the application (FastCGI STDERR), in pieces of any size.
    Stderr(Bytes),
    /// The exchange is over and the connection belongs to another protocol: what follows on it is opaque.
    Switched,
    /// The response is complete. `reusable` tells whether the connection may carry another exchange, as far
    /// as the codec knows: the engine must also have sent the whole request body.
    End {
        /// Whether the peer keeps the connection open and no stray bytes were seen.
        reusable: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_small_enough_to_be_moved() {
        let words = size_of::<Result<Option<Event>, DecodeError>>() / size_of::<usize>();
        assert!(words <= 5, "{words}");
    }
}
