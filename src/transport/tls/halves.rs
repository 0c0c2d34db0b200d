//! The two directions of a connection with TLS. They share the session, and each has its direction of the socket.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use rustix::net::SendFlags;

use super::blocking::Sink;
use super::session::Session;
use super::stream::TlsStream;
use crate::transport::directions::{Inbound, Outbound};

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

impl TlsStream {
    /// The two directions.
    pub(in crate::transport) fn into_halves(self) -> (TlsReadHalf, TlsWriteHalf) {
        let (socket, session) = self.into_parts();
        let (inbound, outbound) = socket.into_directions();
        let session = Shared(Arc::new(Mutex::new(session)));
        let read = TlsReadHalf {
            socket: inbound,
            session: session.clone(),
        };
        let write = TlsWriteHalf {
            socket: outbound,
            session,
            cut: false,
        };
        (read, write)
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
        let mut room = bytes.limit(spare);
        self.session.lock().poll_read(&mut self.socket, cx, &mut room)
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
