//! One connection of a case: what was sent, what has arrived, and whether the peer is still there.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Stream;

/// A connection that is read all the time and remembers everything.
#[derive(Debug)]
pub struct Link {
    stream: Option<Stream>,
    opened: Instant,
    received: Vec<u8>,
    arrivals: Vec<(Duration, usize)>,
    outgoing: Vec<u8>,
    sent: Vec<(Duration, Vec<u8>)>,
    peer: Peer,
    ended: Option<Duration>,
    reading: bool,
    writing: bool,
    /// Our direction ends when everything is written.
    ending: bool,
    /// A reset was the answer to bytes of ours.
    refused: bool,
    /// The link is closed when everything is written.
    closing: bool,
}

/// What the peer has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// It may still send.
    Open,
    /// It has closed, or finished writing.
    Fin,
    /// It has reset the connection.
    Reset,
}

impl Link {
    /// A link over a socket from which `received` was read already.
    pub fn new(stream: Stream, received: Vec<u8>) -> Self {
        Self {
            stream: Some(stream),
            opened: Instant::now(),
            arrivals: if received.is_empty() {
                Vec::new()
            } else {
                vec![(Duration::ZERO, received.len())]
            },
            received,
            outgoing: Vec::new(),
            sent: Vec::new(),
            peer: Peer::Open,
            ended: None,
            refused: false,
            reading: true,
            writing: true,
            ending: false,
            closing: false,
        }
    }

    /// Everything that has arrived.
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// When how many bytes arrived, since the link was opened.
    pub fn arrivals(&self) -> &[(Duration, usize)] {
        &self.arrivals
    }

    /// What was written, and when.
    pub fn sent(&self) -> &[(Duration, Vec<u8>)] {
        &self.sent
    }

    /// Whether the peer has closed.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// How long after opening the peer closed.
    pub fn ended(&self) -> Option<Duration> {
        self.ended
    }

    /// Nothing more can arrive.
    pub fn is_over(&self) -> bool {
        self.stream.is_none() || self.peer != Peer::Open
    }

    /// Takes bytes to be written by [`pump`].
    pub fn send(&mut self, bytes: &[u8]) {
        if self.is_writable() {
            self.outgoing.extend_from_slice(bytes);
            self.write_some();
        }
    }

    /// Whether bytes wait to be written.
    pub fn is_sending(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether bytes can still be sent: the link is open, and the peer has not refused any.
    pub fn is_writable(&self) -> bool {
        self.writing && self.stream.is_some()
    }

    /// Ends our direction, behind what waits to be written.
    pub fn half_close(&mut self) {
        self.writing = false;
        self.ending = true;
        self.end_if_written();
    }

    fn end_if_written(&mut self) {
        if self.ending
            && self.outgoing.is_empty()
            && let Some(stream) = &self.stream
        {
            stream.shut_write();
        }
    }

    /// Closes.
    pub fn close(&mut self) {
        self.stream = None;
        self.outgoing.clear();
    }

    /// Closes as soon as everything is written.
    pub fn close_when_sent(&mut self) {
        self.closing = true;
        self.close_if_sent();
    }

    fn close_if_sent(&mut self) {
        if self.closing && self.outgoing.is_empty() {
            self.close();
        }
    }

    /// Closes with a reset; on unix sockets that is the same as closing.
    pub fn reset(&mut self) {
        if let Some(stream) = &self.stream {
            stream.prepare_reset();
        }
        self.close();
    }

    /// Whether [`pump`] reads. Without that the kernel's buffers fill up.
    pub fn set_reading(&mut self, reading: bool) {
        self.reading = reading;
    }

    fn interest(&self) -> PollFlags {
        let mut interest = PollFlags::empty();
        if self.reading && self.peer == Peer::Open && self.received.len() < MAX_RECEIVED {
            interest |= PollFlags::IN;
        }
        if self.is_sending() {
            interest |= PollFlags::OUT;
        }
        interest
    }

    fn write_some(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        match stream.write(&self.outgoing) {
            Ok(count) => {
                let piece = self.outgoing.drain(..count).collect();
                self.sent.push((self.opened.elapsed(), piece));
                self.end_if_written();
            }
            Err(error) if is_temporary(&error) => {}
            Err(_) => {
                // A unix socket refuses bytes behind every close: there, reading tells how. Nothing but a reset has TCP
                // refuse them, and the kernel tells of that once: reading would find an end in good order.
                self.refused = matches!(stream, Stream::Tcp(_));
                self.outgoing.clear();
                self.writing = false;
            }
        }
    }

    fn read_some(&mut self) {
        let mut buffer = [0; READ_SIZE];
        let Some(stream) = &mut self.stream else { return };
        match stream.read(&mut buffer) {
            Ok(0) if self.refused => self.end(Peer::Reset),
            Ok(0) => self.end(Peer::Fin),
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                self.arrivals.push((self.opened.elapsed(), count));
            }
            Err(error) if is_temporary(&error) => {}
            Err(_) => self.end(Peer::Reset),
        }
    }

    fn end(&mut self, how: Peer) {
        self.peer = how;
        self.ended = Some(self.opened.elapsed());
    }
}

/// Reads and writes what can be read and written, on all links; waits for that until the given time at most.
///
/// # Errors
///
/// When the system cannot poll.
pub fn pump(links: &mut [&mut Link], until: Instant) -> io::Result<()> {
    let limit = until.saturating_duration_since(Instant::now());
    let ready = ready(links, limit)?;
    for (link, events) in links.iter_mut().zip(ready) {
        if events.intersects(PollFlags::OUT | PollFlags::ERR | PollFlags::HUP) && link.is_sending() {
            link.write_some();
            link.close_if_sent();
        }
        if events.intersects(PollFlags::IN | PollFlags::ERR | PollFlags::HUP) && link.reading {
            link.read_some();
        }
    }
    Ok(())
}

/// What each link is ready for.
fn ready(links: &[&mut Link], limit: Duration) -> io::Result<Vec<PollFlags>> {
    let wanted = |link: &Link| link.stream.is_some() && !link.interest().is_empty();
    let mut polled: Vec<_> = links
        .iter()
        .filter(|link| wanted(link))
        .filter_map(|link| {
            Some(PollFd::from_borrowed_fd(
                std::os::fd::AsFd::as_fd(link.stream.as_ref()?),
                link.interest(),
            ))
        })
        .collect();
    // Rounded up, or the last millisecond would be spent in a busy loop.
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    match poll(&mut polled, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut events = polled.iter().map(PollFd::revents);
    let of_link = |link: &&mut Link| match wanted(link) {
        true => events.next().unwrap_or(PollFlags::empty()),
        false => PollFlags::empty(),
    };
    Ok(links.iter().map(of_link).collect())
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

const MAX_RECEIVED: usize = 64 << 20; // bytes; a target that sends more is not read any further
const READ_SIZE: usize = 64 << 10; // bytes at a time

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (Link, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        (Link::new(Stream::unix(ours).expect("ours"), Vec::new()), theirs)
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn what_arrives_is_kept_and_the_end_is_noticed() {
        let (mut link, mut peer) = pair();
        peer.write_all(b"abc").expect("written");
        pump(&mut [&mut link], later()).expect("pumped");
        assert_eq!((link.received(), link.is_over()), (&b"abc"[..], false));
        drop(peer);
        pump(&mut [&mut link], later()).expect("pumped");
        assert_eq!(link.peer(), Peer::Fin);
    }

    #[test]
    fn unread_bytes_make_the_end_a_reset() {
        let (mut link, peer) = pair();
        link.send(b"x");
        drop(peer);
        pump(&mut [&mut link], later()).expect("pumped");
        assert_eq!(link.peer(), Peer::Reset);
    }

    #[test]
    fn a_reset_that_a_write_has_seen_is_no_end_in_good_order() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let client = TcpStream::connect(listener.local_addr().expect("its address")).expect("connected");
        let (peer, _) = listener.accept().expect("accepted");
        let mut link = Link::new(Stream::tcp(client).expect("a stream"), Vec::new());
        link.set_reading(false);
        drop(peer);
        let limit = later();
        while link.is_writable() && Instant::now() < limit {
            link.send(b"x");
        }
        link.set_reading(true);
        pump(&mut [&mut link], later()).expect("pumped");
        assert_eq!(link.peer(), Peer::Reset);
    }

    #[test]
    fn a_half_close_comes_behind_what_waits_to_be_written() {
        let (mut link, mut peer) = pair();
        let bytes = vec![7; 4 << 20];
        link.send(&bytes);
        link.half_close();
        assert!(link.is_sending() && !link.is_writable());
        let reader = std::thread::spawn(move || {
            let mut received = Vec::new();
            peer.read_to_end(&mut received).expect("read");
            received
        });
        while link.is_sending() {
            pump(&mut [&mut link], later()).expect("pumped");
        }
        assert!(reader.join().expect("read") == bytes);
    }

    #[test]
    fn both_directions_go_on_at_once() {
        let (mut link, mut peer) = pair();
        let echo = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = peer.read(&mut buffer) {
                peer.write_all(&buffer[..count]).expect("echoed");
            }
        });
        let bytes = vec![7; 4 << 20];
        link.send(&bytes);
        while link.received().len() < bytes.len() {
            pump(&mut [&mut link], later()).expect("pumped");
        }
        link.half_close();
        while !link.is_over() {
            pump(&mut [&mut link], later()).expect("pumped");
        }
        assert!(link.received() == bytes && link.peer() == Peer::Fin);
        echo.join().expect("echo");
    }
}
