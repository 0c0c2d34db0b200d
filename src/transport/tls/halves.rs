//! The two directions of a connection with TLS. They share the session, and each has its direction of the socket.

use std::io::{self, IoSlice, Read};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{BufMut, BytesMut};
use rustix::net::SendFlags;

use super::blocking::Sink;
use super::session::Session;
use crate::transport::directions::{Inbound, Outbound};
use crate::transport::socket::Socket;

/// What is read from.
#[derive(Debug)]
pub struct TlsReadHalf {
    socket: Inbound,
    session: Shared,
}

/// What is written to. Dropped: the peer is told that nothing follows.
#[derive(Debug)]
pub struct TlsWriteHalf {
    socket: Outbound,
    session: Shared,
    /// The peer is not to be told that.
    cut: bool,
}

/// No more than one direction uses it at a time, and never for long.
#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<Session>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// The two directions of a connection whose handshake is over.
    pub(super) fn into_halves(self, socket: Socket) -> io::Result<(TlsReadHalf, TlsWriteHalf)> {
        let (inbound, outbound) = socket.into_directions()?;
        let session = Shared(Arc::new(Mutex::new(self)));
        let read = TlsReadHalf {
            socket: inbound,
            session: session.clone(),
        };
        let write = TlsWriteHalf {
            socket: outbound,
            session,
            cut: false,
        };
        Ok((read, write))
    }
}

impl TlsReadHalf {
    /// Whether a read would give something.
    pub(in crate::transport) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.lock().poll_readable(&mut self.socket, cx)
    }

    /// Reads into the spare room of `bytes`.
    pub(in crate::transport) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let spare = bytes.capacity() - bytes.len();
        self.poll_take(cx, &mut bytes.limit(spare))
    }

    /// The same into any room.
    pub(super) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        self.session.lock().poll_read(&mut self.socket, cx, room)
    }

    /// Whether there is nothing to be read: no byte, no end, no error.
    pub(super) fn is_quiet(&self) -> bool {
        self.session.lock().is_quiet(&mut Peek(&self.socket))
    }

    /// What carries it.
    pub(super) fn socket(&self) -> &Inbound {
        &self.socket
    }

    /// Whether the peer has reset the connection.
    pub(in crate::transport) fn is_reset(&self) -> bool {
        self.socket.is_reset()
    }
}

impl TlsWriteHalf {
    /// Writes some of the slices; gives the bytes taken; 0: the socket only took what waited before.
    pub(in crate::transport) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.session.lock().poll_write(&mut self.socket, cx, slices)
    }

    /// Has the socket take some of what was written; 0: nothing waits.
    pub(in crate::transport) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.session.lock().poll_drain(&mut self.socket, cx)
    }

    /// Ends our direction.
    pub(in crate::transport) fn shut(&mut self) {
        self.close();
        self.socket.shut();
    }

    /// Ends our direction as soon as the socket has taken what waits, and that nothing follows.
    pub(super) fn poll_shut(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.cut, true) {
            self.session.lock().send_close();
        }
        while ready!(self.poll_drain(cx))? > 0 {}
        self.socket.shut();
        Poll::Ready(Ok(()))
    }

    /// Makes closing a reset.
    pub(in crate::transport) fn reset_on_close(&mut self) {
        self.cut = true;
        self.socket.reset_on_close();
    }

    /// Says once that nothing follows.
    fn close(&mut self) {
        if !std::mem::replace(&mut self.cut, true) {
            self.session.lock().close(&mut self.socket);
        }
    }
}

impl Drop for TlsWriteHalf {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a connection in one piece wants to know of it.
impl Inbound {
    /// The other end, when it has a number.
    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(half) => half.peer_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Our end, when it has a number.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(half) => half.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Reads what is there now. Costs no system call while nothing has come.
    pub(super) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(half) => half.try_read(buf),
            Self::Unix(half) => half.try_read(buf),
        }
    }
}

/// What has come, without waiting.
struct Peek<'a>(&'a Inbound);

impl Read for Peek<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buf)
    }
}

impl Sink for Outbound {
    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Self::poll_write(self, cx, slices)
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let socket = match &*self {
            Self::Tcp(Some(half)) => half.as_ref().as_fd(),
            Self::Unix(Some(half)) => half.as_ref().as_fd(),
            Self::Tcp(None) | Self::Unix(None) => return Err(io::ErrorKind::NotConnected.into()),
        };
        Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
    }
}
