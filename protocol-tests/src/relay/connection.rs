//! One connection through the relay.
//!
//! A half-close ends one direction, and is passed on as one. On unix sockets a close can be told from it at once; on
//! TCP it shows as soon as something is written there. Whoever has closed is told nothing more, and its peer is
//! closed when it has got everything.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};

use super::tap::Tap;
use crate::net::Stream;
use crate::trace::{Event, Origin};

/// One of the two sockets, and the bytes that were read from it and are not passed on yet.
#[derive(Debug)]
struct Side {
    origin: Origin,
    stream: Stream,
    /// The last read, as far as its peer has not taken it. Nothing is read before that.
    held: Vec<u8>,
    /// Nothing more comes from there, or nobody takes it any more.
    is_done: bool,
    /// It has closed.
    is_gone: bool,
}

/// What a look at a socket gave.
enum Heard {
    Nothing,
    Bytes(Vec<u8>),
    End(Event),
}

/// Passes on what both say, until both have ended or `stop` is closed; says whether they have ended.
pub(super) fn serve<W: Write>(
    client: Stream,
    server: Stream,
    tap: &mut Tap<'_, W>,
    stop: &UnixStream,
) -> bool {
    let mut sides = [
        Side::new(Origin::Client, client),
        Side::new(Origin::Server, server),
    ];
    while !is_over(&sides) {
        let Ok([first, second, stopped]) = wait(&sides, stop) else {
            return false;
        };
        if !stopped.is_empty() {
            return false;
        }
        let [client, server] = &mut sides;
        client.flush_from(server, second, tap);
        server.flush_from(client, first, tap);
        client.hear(server, first, tap);
        server.hear(client, second, tap);
    }
    true
}

fn is_over(sides: &[Side; 2]) -> bool {
    let is_passed_on = sides.iter().all(|side| side.held.is_empty());
    let is_done = sides.iter().all(|side| side.is_done);
    is_passed_on && (is_done || sides.iter().any(|side| side.is_gone))
}

/// What both sockets and `stop` are ready for.
fn wait(sides: &[Side; 2], stop: &UnixStream) -> io::Result<[PollFlags; 3]> {
    let [client, server] = sides;
    let wanted = [client.interest(server), server.interest(client)];
    let mut polled = vec![PollFd::from_borrowed_fd(stop.as_fd(), PollFlags::IN)];
    for (side, interest) in sides.iter().zip(wanted) {
        if let Some(interest) = interest {
            polled.push(PollFd::from_borrowed_fd(side.stream.as_fd(), interest));
        }
    }
    match poll(&mut polled, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut ready = polled.iter().map(PollFd::revents);
    let stopped = ready.next().unwrap_or(PollFlags::empty());
    let mut of =
        |interest: Option<PollFlags>| interest.and_then(|_| ready.next()).unwrap_or(PollFlags::empty());
    Ok([of(wanted[0]), of(wanted[1]), stopped])
}

impl Side {
    fn new(origin: Origin, stream: Stream) -> Self {
        Self {
            origin,
            stream,
            held: Vec::new(),
            is_done: false,
            is_gone: false,
        }
    }

    /// What to poll for; `None`: not at all, or a socket that is closed would be reported again and again.
    fn interest(&self, peer: &Self) -> Option<PollFlags> {
        let mut interest = PollFlags::empty();
        if self.can_be_read() {
            interest |= PollFlags::IN;
        }
        if !peer.held.is_empty() {
            interest |= PollFlags::OUT;
        }
        // A side that has ended its direction may close later.
        (!interest.is_empty() || self.is_done).then_some(interest)
    }

    fn can_be_read(&self) -> bool {
        !self.is_done && self.held.is_empty()
    }

    /// Writes what is held for the peer, when that can take it.
    fn flush_from<W: Write>(&mut self, peer: &mut Self, ready: PollFlags, tap: &mut Tap<'_, W>) {
        if !self.held.is_empty() && ready.intersects(PollFlags::OUT | ENDED) {
            self.flush_to(peer, tap);
        }
    }

    fn flush_to<W: Write>(&mut self, peer: &mut Self, tap: &mut Tap<'_, W>) {
        match peer.stream.write(&self.held) {
            Ok(count) => drop(self.held.drain(..count)),
            Err(error) if is_temporary(&error) => {}
            Err(_) => {
                // Nobody takes it any more; what the peer has said before may still be there to be read.
                self.held.clear();
                self.is_done = true;
                if peer.is_done && !peer.is_gone {
                    peer.is_gone = true;
                    tap.note(peer.origin, Event::Close);
                }
            }
        }
    }

    fn hear<W: Write>(&mut self, peer: &mut Self, ready: PollFlags, tap: &mut Tap<'_, W>) {
        if self.is_done {
            if ready.intersects(ENDED) && !self.is_gone {
                self.is_gone = true;
                tap.note(self.origin, Event::Close);
            }
            return;
        }
        if !self.can_be_read() || !ready.intersects(PollFlags::IN | ENDED) {
            return;
        }
        let now = Instant::now();
        match self.read(ready) {
            Heard::Nothing => {}
            Heard::Bytes(bytes) => {
                self.held.extend_from_slice(&bytes);
                self.flush_to(peer, tap);
                tap.note_at(now, self.origin, Event::Bytes(bytes));
            }
            Heard::End(event) => {
                self.end(&event, peer);
                tap.note_at(now, self.origin, event);
            }
        }
    }

    fn read(&mut self, ready: PollFlags) -> Heard {
        let mut buffer = vec![0; MAX_HELD];
        match self.stream.read(&mut buffer) {
            Ok(0) if matches!(self.stream, Stream::Unix(_)) && ready.contains(PollFlags::HUP) => {
                Heard::End(Event::Close)
            }
            Ok(0) => Heard::End(Event::Fin),
            Ok(count) => {
                buffer.truncate(count);
                Heard::Bytes(buffer)
            }
            Err(error) if is_temporary(&error) => Heard::Nothing,
            Err(_) => Heard::End(Event::Reset),
        }
    }

    /// Passes an end on. Everything before it was passed on already.
    fn end(&mut self, event: &Event, peer: &mut Self) {
        self.is_done = true;
        self.is_gone = !matches!(event, Event::Fin);
        match event {
            Event::Reset => {
                // What is held for it cannot be delivered any more.
                peer.held.clear();
                peer.stream.prepare_reset();
            }
            _ => peer.stream.shut_write(),
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

const ENDED: PollFlags = PollFlags::HUP.union(PollFlags::ERR);
const MAX_HELD: usize = 64 << 10; // bytes of each direction in hand: one read
