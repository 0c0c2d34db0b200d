//! A stream whose traffic is told.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::args::Wire;
use super::records::Records;
use super::transcript::Transcript;
use crate::transport::Stream;

/// Passes everything on, and tells about it: FastCGI by the record, the others by the read and write, and of HTTP the
/// head of the request.
#[derive(Debug)]
pub(super) struct Tap {
    stream: Stream,
    transcript: Transcript,
    /// Record boundaries of both directions, where the protocol has records.
    records: Option<(Records, Records)>,
    /// What was sent of the head of a request of HTTP, until all of it was.
    head: Option<Vec<u8>>,
}

impl Tap {
    pub(super) fn new(stream: Stream, transcript: Transcript, wire: Wire) -> Self {
        Self {
            stream,
            transcript,
            records: (wire == Wire::Fastcgi).then(Default::default),
            head: (wire == Wire::Http).then(Vec::new),
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        let transcript = self.transcript;
        if let Some(head) = &mut self.head {
            head.extend_from_slice(bytes);
            if let Some(end) = memchr::memmem::find(head, b"\r\n\r\n") {
                transcript.request(&head[..end]);
                self.head = None;
            }
        }
        match &mut self.records {
            Some((sent, _)) => sent.scan(bytes, |record| transcript.sent(record)),
            None => transcript.sent(format_args!("{} bytes", bytes.len())),
        }
    }

    fn received(&mut self, bytes: &[u8]) {
        let transcript = self.transcript;
        match &mut self.records {
            _ if bytes.is_empty() => transcript.note(format_args!("the application closed the connection")),
            Some((_, received)) => received.scan(bytes, |record| transcript.received(record)),
            None => transcript.received(format_args!("{} bytes", bytes.len())),
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buf.filled().len());
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.received(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.sent(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
