//! The bytes of a connection after its handshake: plain ones on one side, those of the socket on the other.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use rustls::Connection;
use tokio::io::AsyncRead;

use super::blocking::{Drain, Now, Sink, Source};

/// Bytes that wait, encrypted, for a peer that is slow to take them.
const WAITING: usize = 32 * 1024;

/// What both sides have in common, and how far they are.
pub(super) struct Session {
    tls: Connection,
    /// Plain bytes that were received and not taken.
    readable: usize,
    /// The peer has said that nothing follows.
    ended: bool,
    /// What the peer sends is not to be understood any more.
    broken: bool,
    /// What waits now goes out with the first write: the tickets behind a handshake.
    held: bool,
}

impl Session {
    /// A session whose handshake is over. Plain bytes may have come with the end of it. `held`: what waits goes out with the
    /// first write.
    pub(super) fn new(mut tls: Connection, readable: usize, ended: bool, held: bool) -> Self {
        tls.set_buffer_limit(Some(WAITING));
        Self {
            tls,
            readable,
            ended,
            broken: false,
            held,
        }
    }

    /// Whether a read gives something without the socket.
    fn is_readable(&self) -> bool {
        self.readable > 0 || self.ended || self.broken
    }

    /// Reads plain bytes into the spare room of `out`, which must have some; 0 is the end that the peer has told. A socket
    /// that ends without a word is an error: it may be an attacker's doing.
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
        out: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_readable(socket, cx))?;
        Poll::Ready(self.take(out))
    }

    /// Ready when a read gives something: bytes, the end, or an error. A part of a record gives nothing yet.
    pub(super) fn poll_readable<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut socket = Source { socket, cx };
        loop {
            if self.is_readable() {
                return Poll::Ready(Ok(()));
            }
            match self.receive(&mut socket) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Whether nothing came but what concerns TLS alone: tickets, new keys.
    pub(super) fn is_quiet(&mut self, socket: &mut impl Read) -> bool {
        loop {
            if self.is_readable() {
                return false;
            }
            if let Err(error) = self.receive(socket) {
                return error.kind() == io::ErrorKind::WouldBlock;
            }
        }
    }

    /// Takes plain bytes that are there.
    fn take(&mut self, out: &mut impl BufMut) -> io::Result<usize> {
        if self.broken {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut taken = 0;
        while self.readable > 0 && out.has_remaining_mut() {
            let mut reader = self.tls.reader();
            let chunk = io::BufRead::fill_buf(&mut reader)?;
            let count = chunk.len().min(out.remaining_mut());
            out.put_slice(&chunk[..count]);
            io::BufRead::consume(&mut reader, count);
            self.readable -= count;
            taken += count;
        }
        Ok(taken)
    }

    /// Reads from the socket once, and decrypts what is complete.
    fn receive(&mut self, socket: &mut dyn Read) -> io::Result<()> {
        if self.tls.read_tls(socket)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match self.tls.process_new_packets() {
            Ok(state) => {
                self.readable = state.plaintext_bytes_to_read();
                self.ended = state.peer_has_closed();
                Ok(())
            }
            Err(error) => {
                self.broken = true;
                tracing::debug!(%error, "the peer broke a rule of TLS");
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    }

    /// Encrypts some of the slices; gives the bytes taken. What the socket has not taken of them waits for
    /// [`poll_drain`](Self::poll_drain), or for the next write: that takes none, and gives 0, as long as the socket only
    /// takes what waited before.
    pub(super) fn poll_write(
        &mut self,
        socket: &mut impl Sink,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.held {
            self.held = false;
        } else if ready!(self.poll_drain(socket, cx))? > 0 {
            return Poll::Ready(Ok(0));
        }
        let written = self.tls.writer().write_vectored(slices)?;
        loop {
            match self.poll_drain(socket, cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) | Poll::Pending => return Poll::Ready(Ok(written)),
            }
        }
    }

    /// Has the socket take some of what was encrypted; 0: nothing waits.
    pub(super) fn poll_drain(
        &mut self,
        socket: &mut impl Sink,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.held || !self.tls.wants_write() {
            return Poll::Ready(Ok(0));
        }
        match self.tls.write_tls(&mut Drain { socket, cx }) {
            Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            written => Poll::Ready(written),
        }
    }

    /// Says that nothing follows, as far as the socket takes that at once.
    pub(super) fn close(&mut self, socket: &mut impl Sink) {
        self.tls.send_close_notify();
        let mut socket = Now(socket);
        while self.tls.wants_write() {
            if !matches!(self.tls.write_tls(&mut socket), Ok(1..)) {
                return;
            }
        }
    }

    /// From now on nothing is sent; what waits goes out with [`poll_drain`](Self::poll_drain).
    pub(super) fn send_close(&mut self) {
        self.held = false;
        self.tls.send_close_notify();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("readable", &self.readable)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
