//! A unix stream socket that we have connected.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::task::coop;

/// A connected unix socket, of which the runtime hears when there is something to be read.
///
/// The kernel reports room for writing each time that the peer has read, whether room was missing or not. A backend reads
/// each request, and each report would wake a thread for nothing: only from the first write on that finds no room is the
/// socket watched for it.
#[derive(Debug)]
pub struct DialedSocket {
    /// The runtime watches what it takes for the end of a pipe for reading alone; a socket is read by the same call.
    reading: pipe::Receiver,
    /// The same socket, watched for room.
    writing: Option<pipe::Sender>,
}

impl DialedSocket {
    /// A socket that is connected and does not block.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            reading: pipe::Receiver::from_owned_fd_unchecked(socket)?,
            writing: None,
        })
    }

    /// The socket, of which the runtime hears nothing any more.
    pub(super) fn into_fd(self) -> io::Result<OwnedFd> {
        self.reading.into_nonblocking_fd()
    }

    /// Reads what is there now. Costs no system call while nothing has come.
    pub(super) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.reading.try_read(buf)
    }

    /// Has `write` write now, or as soon as there is room.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(BorrowedFd<'_>) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.writing.is_none() {
            let turn = ready!(coop::poll_proceed(cx));
            let written = retry_on_intr(|| write(self.reading.as_fd()));
            if written != Err(Errno::WOULDBLOCK) {
                turn.made_progress();
                return Poll::Ready(Ok(written?));
            }
        }
        let writing = self.watched_for_room()?;
        loop {
            ready!(writing.poll_write_ready(cx))?;
            match writing.try_io(|| Ok(retry_on_intr(|| write(writing.as_fd()))?)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// A second descriptor of the socket: the runtime watches each for one thing only.
    fn watched_for_room(&mut self) -> io::Result<&pipe::Sender> {
        let writing = match self.writing.take() {
            Some(writing) => writing,
            None => pipe::Sender::from_owned_fd_unchecked(self.reading.as_fd().try_clone_to_owned()?)?,
        };
        Ok(self.writing.insert(writing))
    }
}

impl AsFd for DialedSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reading.as_fd()
    }
}

impl AsyncRead for DialedSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().reading).poll_read(cx, buf)
    }
}

impl AsyncWrite for DialedSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_send(cx, |socket| send(socket, buf, SendFlags::NOSIGNAL))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send(cx, |socket| {
            sendmsg(
                socket,
                slices,
                &mut SendAncillaryBuffer::default(),
                SendFlags::NOSIGNAL,
            )
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets have nothing to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&*self).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn pair() -> (DialedSocket, UnixStream) {
        let (ours, peer) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (DialedSocket::new(ours.into()).unwrap(), peer)
    }

    #[tokio::test]
    async fn it_takes_bytes_before_the_runtime_has_looked_at_it() {
        let (mut ours, _peer) = pair();
        let written = poll_fn(|cx| Poll::Ready(Pin::new(&mut ours).poll_write(cx, b"hello"))).await;
        assert!(matches!(written, Poll::Ready(Ok(5))));
        assert!(ours.writing.is_none());
    }

    #[tokio::test]
    async fn a_write_without_room_waits_for_it() {
        const SIZE: usize = 4 * 1024 * 1024;
        let (mut ours, mut peer) = pair();
        let bytes: Vec<u8> = (0..SIZE).map(|at| (at / 7) as u8).collect();
        // What reads as fast as is written would leave room all the time.
        let mut at = 0;
        poll_fn(|cx| {
            while let Poll::Ready(written) = Pin::new(&mut ours).poll_write(cx, &bytes[at..]) {
                at += written.unwrap();
            }
            Poll::Ready(())
        })
        .await;
        assert!(ours.writing.is_some() && at < SIZE / 3);
        let reading = std::thread::spawn(move || {
            let mut received = Vec::new();
            peer.read_to_end(&mut received).map(|_| received)
        });
        let (head, body) = bytes[at..].split_at(SIZE / 3);
        ours.write_all(head).await.unwrap();
        let mut body = IoSlice::new(body);
        while !body.is_empty() {
            let written = poll_fn(|cx| Pin::new(&mut ours).poll_write_vectored(cx, &[body])).await;
            body.advance(written.unwrap());
        }
        ours.shutdown().await.unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), bytes);
    }

    #[tokio::test]
    async fn what_waits_to_read_is_woken_while_writes_wait_for_room() {
        let (mut ours, peer) = pair();
        poll_fn(|cx| {
            let mut room = [0; 1];
            let read = Pin::new(&mut ours).poll_read(cx, &mut ReadBuf::new(&mut room));
            assert!(read.is_pending());
            while Pin::new(&mut ours).poll_write(cx, &[0; 65536]).is_ready() {}
            Poll::Ready(())
        })
        .await;
        assert!(ours.writing.is_some());
        drop(peer);
        // Unread bytes make the end a reset.
        let error = ours.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn the_end_is_read_and_makes_writing_fail() {
        let (mut ours, peer) = pair();
        drop(peer);
        assert_eq!(ours.read(&mut [0; 1]).await.unwrap(), 0);
        let error = ours.write(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
