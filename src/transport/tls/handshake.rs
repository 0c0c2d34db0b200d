//! A handshake under way, whichever side we are.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::{Connection, ProtocolVersion};
use tokio::io::AsyncWrite as _;

use super::blocking::{Drain, Sink, Source};
use super::negotiated::HandshakeError;
use super::session::Session;
use super::stream::TlsStream;
use crate::transport::socket::Socket;

/// The side that we are, and how far it is.
pub(super) struct Handshake {
    pub(super) tls: Connection,
    /// What is left to be said when both sides agree goes out with the first write: tickets.
    held: bool,
    /// As a [`Session`] wants to know it.
    readable: usize,
    ended: bool,
}

impl Handshake {
    /// One that begins. `held`: what is left to be said when both sides agree may wait for the first write.
    pub(super) fn new(tls: impl Into<Connection>, held: bool) -> Self {
        Self {
            tls: tls.into(),
            held,
            readable: 0,
            ended: false,
        }
    }

    /// Ready when both sides agree.
    pub(super) fn poll(
        &mut self,
        socket: &mut Socket,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), HandshakeError>> {
        loop {
            let over = !self.tls.is_handshaking();
            // In TLS 1.2 it is the end of the handshake that is left to be said.
            self.held &= self.tls.protocol_version() != Some(ProtocolVersion::TLSv1_2);
            if over && self.held {
                return Poll::Ready(Ok(()));
            }
            while self.tls.wants_write() {
                ready!(self.write(socket, cx))?;
            }
            if over {
                return Poll::Ready(Ok(()));
            }
            match self.tls.read_tls(&mut Source { socket, cx }) {
                Ok(0) => return Poll::Ready(Err(HandshakeError::Closed)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            match self.tls.process_new_packets() {
                Ok(state) => {
                    self.readable = state.plaintext_bytes_to_read();
                    self.ended = state.peer_has_closed();
                }
                Err(error) => {
                    // The alert, if the socket takes it.
                    let _ = self.write(socket, cx);
                    return Poll::Ready(Err(HandshakeError::Tls(error.to_string())));
                }
            }
        }
    }

    fn write(&mut self, socket: &mut Socket, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.tls.write_tls(&mut Drain { socket, cx }) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// The connection, when both sides agree.
    pub(super) fn into_stream(self, socket: Socket) -> io::Result<TlsStream> {
        let session = Session::new(self.tls, self.readable, self.ended, self.held);
        TlsStream::new(socket, session)
    }
}

impl Sink for Socket {
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write_vectored(cx, slices)
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write_now(self, bytes)
    }
}
