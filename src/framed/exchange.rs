//! One request on a stream, seen from the web server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

use super::Error;
use crate::protocol::{self, EncodeError, Event, Protocol, RequestHead, WriteQueue};

/// A stream with an application at its other end, and one request to it.
///
/// It neither waits for a worker nor gives up: what pools, retries and deadlines are for.
pub struct Exchange<S> {
    stream: S,
    state: Box<dyn protocol::Exchange>,
    src: BytesMut,
    out: WriteQueue,
    /// Why the stream ended, when it was not in order.
    broken: Option<io::Error>,
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Exchange<S> {
    /// A request without its body; nothing is written yet.
    pub fn begin(stream: S, protocol: &dyn Protocol, head: &RequestHead) -> Result<Self, EncodeError> {
        let mut out = WriteQueue::new();
        let state = protocol.begin(head, &mut out)?;
        Ok(Self {
            stream,
            state,
            src: BytesMut::new(),
            out,
            broken: None,
            ended: false,
        })
    }

    /// Adds a piece of the body. All pieces together are as long as the head announced.
    pub fn push_body(&mut self, piece: Bytes) {
        self.state.push_body(piece, &mut self.out);
    }

    /// The body is complete; to be called once, also for an empty one.
    pub fn finish_body(&mut self) {
        self.state.finish_body(&mut self.out);
    }

    /// The next event of the answer, while the request is still being written: an application may answer
    /// before it has read everything, and may have to before it reads on.
    pub async fn event(&mut self) -> Result<Event, Error> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The stream, for another exchange when the end said that it may carry one.
    pub fn into_stream(self) -> S {
        self.stream
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        loop {
            if let Some(event) = self.state.decode(&mut self.src)? {
                return Poll::Ready(Ok(event));
            }
            if self.ended {
                return Poll::Ready(self.at_end());
            }
            self.send(cx);
            self.src.reserve(READ);
            match poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.src) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    self.broken = Some(error);
                    self.ended = true;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Writes what can be written. Failing to hides no answer that is on its way.
    fn send(&mut self, cx: &mut Context<'_>) {
        while self.out.has_remaining() {
            match poll_write_buf(Pin::new(&mut self.stream), cx, &mut self.out) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => self.out.clear(),
                Poll::Pending => return,
            }
        }
    }

    fn at_end(&mut self) -> Result<Event, Error> {
        match (self.state.decode_eof(), self.broken.take()) {
            (Ok(event), _) => Ok(event),
            (Err(_), Some(error)) => Err(error.into()),
            (Err(error), None) => Err(error.into()),
        }
    }
}

/// Bytes to read at once.
const READ: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Method, StatusCode, Version};
    use tokio::io::DuplexStream;

    use super::*;
    use crate::framed::Connection;
    use crate::protocol::fields::Fields;
    use crate::protocol::params::{PathInfo, Style, StyleKind};
    use crate::protocol::request::{Client, RequestId, Script};
    use crate::protocol::scgi::Scgi;
    use crate::protocol::{Limits, Target};

    const SCGI: Scgi = Scgi {
        style: Style {
            path_info: PathInfo::Decoded,
            empty_path_info: true,
            kind: StyleKind::Scgi,
        },
        limits: Limits {
            block: 4096,
            params: 100,
            head: crate::protocol::head::Limits {
                size: 4096,
                fields: 10,
            },
        },
    };

    fn head(length: u64) -> RequestHead {
        RequestHead {
            method: Method::POST,
            target: Target::from_static("/"),
            version: Version::HTTP_11,
            fields: Fields::new(),
            client: Client::default(),
            script: Script::default(),
            server_name: None,
            host: None,
            content_length: Some(length),
            chunked: false,
            upgrade: false,
            trailers: false,
            extra: Arc::from([]),
            routed: None,
            id: RequestId(0),
        }
    }

    /// The answer of an application that sends every piece back at once.
    async fn echo(mut connection: Connection<DuplexStream>) {
        while connection.request().await.unwrap().is_some() {
            connection.head(StatusCode::OK, &Fields::new()).await.unwrap();
            while let Some(piece) = connection.body().await.unwrap() {
                connection.write(piece).await.unwrap();
                connection.flush().await.unwrap();
            }
            connection.end(0).await.unwrap();
        }
    }

    #[tokio::test]
    async fn writing_and_reading_do_not_wait_for_each_other() {
        let (ours, theirs) = tokio::io::duplex(64);
        tokio::spawn(echo(Connection::scgi(theirs)));
        let body: Bytes = (0..100_000_u32).map(|i| i as u8).collect();
        let mut exchange = Exchange::begin(ours, &SCGI, &head(100_000)).unwrap();
        exchange.push_body(body.clone());
        exchange.finish_body();
        let mut received = Vec::new();
        loop {
            match exchange.event().await.unwrap() {
                Event::Head(head) => assert_eq!(head.status, StatusCode::OK),
                Event::Body(piece) => received.extend_from_slice(&piece),
                Event::End { reusable } => break assert!(!reusable),
                event => panic!("SCGI has none of these: {event:?}"),
            }
        }
        assert!(received == body);
    }

    #[tokio::test]
    async fn an_application_that_takes_nothing_may_still_answer() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut theirs, b"Status: 503\r\n\r\n")
            .await
            .unwrap();
        drop(theirs);
        let mut exchange = Exchange::begin(ours, &SCGI, &head(5)).unwrap();
        let event = exchange.event().await.unwrap();
        assert!(matches!(event, Event::Head(head) if head.status == StatusCode::SERVICE_UNAVAILABLE));
    }
}
