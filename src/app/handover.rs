//! What two processes say to each other when one takes the place of the other.
//!
//! Over a pair of unix sockets that keep messages apart (SOCK_SEQPACKET, unix(7)). The old process sends every
//! listening socket in a message of its own, those where questions of the DNS come, the keys of TLS tickets if it has any,
//! then that it was the last. The new one answers once: which of the listening ones it listens on, or why it cannot serve. The end of the stream before that means that it died.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
};

use crate::acme::dns::{DnsSocket, DnsSockets};
use crate::transport::{InheritedSocket, Lender};

/// One end of the conversation.
#[derive(Debug)]
pub(super) struct Handover(OwnedFd);

/// A message of the new process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HandoverAnswer {
    /// It serves. The places of the sockets that it listens on, in the order in which they were sent.
    Ready(Vec<usize>),
    /// It cannot, for this reason.
    Failed(String),
}

/// Bytes of a message at most: a diagnostic of some screens. More is cut off.
const MESSAGE: usize = 32 * 1024;

/// What says that no more sockets come.
const LAST: &str = "last";

/// What an address of the DNS responder comes behind, with its two sockets.
const DNS: &str = "dns ";

/// Sockets of a message at most.
const SOCKETS: usize = 2;

/// What the keys of tickets come behind.
const TICKETS: &str = "tickets ";

/// What the old process sends.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What it listens on.
    pub(super) sockets: Vec<InheritedSocket>,
    /// Where questions of the DNS come.
    pub(super) dns: DnsSockets,
    /// The keys of TLS tickets, if there are any.
    pub(super) ticket_keys: Option<String>,
}

impl Handover {
    /// Both ends. Neither waits longer than `limit` for the other.
    pub(super) fn pair(limit: Duration) -> Result<(Self, OwnedFd)> {
        let (ours, theirs) = net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .context("cannot make a pair of sockets")?;
        for end in [&ours, &theirs] {
            for direction in [Timeout::Recv, Timeout::Send] {
                sockopt::set_socket_timeout(end, direction, Some(limit))
                    .context("cannot set a limit of time")?;
            }
        }
        Ok((Self(ours), theirs))
    }

    /// The end that [`Handover::pair`] gave away.
    pub(super) fn other(end: OwnedFd) -> Self {
        Self(end)
    }

    /// A second handle of this end.
    pub(super) fn duplicate(&self) -> Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    /// Ends the conversation; the side that waits for a message gets its end.
    pub(super) fn hang_up(&self) {
        // The other end may have done so.
        let _ = net::shutdown(&self.0, Shutdown::Both);
    }

    /// Sends all of it.
    pub(super) fn give(&self, given: Given) -> Result<()> {
        for socket in given.sockets {
            let managed = socket.lender == Lender::Manager;
            let facts = [socket.owns_file, managed].map(u8::from);
            let text = format!("{} {} {}", facts[0], facts[1], socket.address);
            self.send(&text, &[socket.socket.as_fd()])?;
        }
        for socket in given.dns {
            let both = [socket.packets.as_fd(), socket.connections.as_fd()];
            self.send(&format!("{DNS}{}", socket.address), &both)?;
        }
        if let Some(keys) = given.ticket_keys {
            self.send(&format!("{TICKETS}{keys}"), &[])?;
        }
        self.send(LAST, &[])
    }

    /// Gets what is given.
    pub(super) fn take(&self) -> Result<Given> {
        let (mut sockets, mut dns, mut ticket_keys) = (Vec::new(), Vec::new(), None);
        loop {
            let (text, fds) = self.receive()?.context("it hung up before the last socket")?;
            if text == LAST {
                break;
            } else if let Some(keys) = text.strip_prefix(TICKETS) {
                ticket_keys = Some(keys.to_owned());
            } else if let Some(address) = text.strip_prefix(DNS) {
                dns.push(dns_socket_of(address, fds)?);
            } else {
                sockets.push(socket_of(&text, fds)?);
            }
        }
        Ok(Given {
            sockets,
            dns: dns.into_iter().collect(),
            ticket_keys,
        })
    }

    /// Tells the old process what has become of us.
    pub(super) fn answer(&self, answer: &HandoverAnswer) -> Result<()> {
        match answer {
            HandoverAnswer::Ready(places) => {
                let places: Vec<_> = places.iter().map(usize::to_string).collect();
                self.send(&format!("ready {}", places.join(" ")), &[])
            }
            HandoverAnswer::Failed(why) => self.send(&format!("failed {why}"), &[]),
        }
    }

    /// What the new process answers; `None` when it ended without an answer.
    pub(super) fn ask(&self) -> Result<Option<HandoverAnswer>> {
        let Some((text, _)) = self.receive()? else {
            return Ok(None);
        };
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match word {
            "ready" => {
                let places = rest.split_ascii_whitespace().map(str::parse);
                Ok(Some(HandoverAnswer::Ready(places.collect::<Result<_, _>>()?)))
            }
            "failed" => Ok(Some(HandoverAnswer::Failed(rest.to_owned()))),
            other => bail!("it says {other:?}, which is not understood"),
        }
    }

    fn send(&self, text: &str, fds: &[BorrowedFd<'_>]) -> Result<()> {
        let text = &text.as_bytes()[..text.len().min(MESSAGE)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            let fits = control.push(SendAncillaryMessage::ScmRights(fds));
            debug_assert!(fits, "the space is for {SOCKETS} descriptors");
        }
        net::sendmsg(&self.0, &[IoSlice::new(text)], &mut control, SendFlags::NOSIGNAL)
            .context("cannot talk to the other process")?;
        Ok(())
    }

    /// The next message and what came with it; `None` at the end.
    fn receive(&self) -> Result<Option<(String, Vec<OwnedFd>)>> {
        let mut text = vec![0; MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = net::recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut text)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        );
        let received = match received {
            Ok(received) => received,
            Err(rustix::io::Errno::AGAIN) => bail!("the other process says nothing"),
            // It died with unread messages.
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(error) => return Err(error).context("cannot listen to the other process"),
        };
        let lost = ReturnFlags::TRUNC | ReturnFlags::CTRUNC;
        ensure!(!received.flags.intersects(lost), "a message was too long");
        if received.bytes == 0 {
            return Ok(None);
        }
        text.truncate(received.bytes);
        let fds = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        });
        let fds = fds.flatten().collect();
        Ok(Some((String::from_utf8_lossy(&text).into_owned(), fds)))
    }
}

/// `1 0 unix:/run/bridgehead.sock`
fn socket_of(text: &str, fds: Vec<OwnedFd>) -> Result<InheritedSocket> {
    let strange = || format!("it sent {text:?}, which is no socket");
    let socket = fds.into_iter().next().with_context(strange)?;
    let mut words = text.splitn(3, ' ');
    let mut word = || words.next().with_context(strange);
    let (file, managed, address) = (word()?, word()?, word()?);
    Ok(InheritedSocket {
        address: address.parse().with_context(strange)?,
        socket,
        owns_file: file == "1",
        lender: if managed == "1" {
            Lender::Manager
        } else {
            Lender::Predecessor
        },
    })
}

/// `127.0.0.1:53`
fn dns_socket_of(address: &str, fds: Vec<OwnedFd>) -> Result<DnsSocket> {
    let strange = || format!("it sent {address:?}, which is no place for questions of the DNS");
    let [packets, connections] = fds.try_into().ok().with_context(strange)?;
    Ok(DnsSocket {
        address: address.parse().with_context(strange)?,
        packets: UdpSocket::from(packets),
        connections: TcpListener::from(connections),
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    fn pair() -> (Handover, Handover) {
        let (ours, theirs) = Handover::pair(Duration::from_secs(10)).unwrap();
        (ours, Handover::other(theirs))
    }

    fn socket(address: &str, owns_file: bool, lender: Lender) -> InheritedSocket {
        InheritedSocket {
            address: address.parse().unwrap(),
            socket: TcpListener::bind("127.0.0.1:0").unwrap().into(),
            owns_file,
            lender,
        }
    }

    #[test]
    fn sockets_come_as_they_were_sent() {
        let (old, new) = pair();
        let sockets = [
            socket("127.0.0.1:0", false, Lender::Manager),
            socket("unix:/run/a b.sock", true, Lender::Predecessor),
        ];
        let address = "127.0.0.1:0".parse().unwrap();
        let dns = DnsSockets::open(&[address], DnsSockets::default()).unwrap();
        let before = dns.duplicate().unwrap().into_iter().next().unwrap();
        old.give(Given {
            sockets: sockets.into(),
            dns,
            ticket_keys: Some("1:00 2:ff".to_owned()),
        })
        .unwrap();
        let Given {
            sockets: taken,
            dns,
            ticket_keys,
        } = new.take().unwrap();
        let after = dns.into_iter().next().unwrap();
        assert_eq!(after.address, address);
        assert_eq!(
            after.packets.local_addr().unwrap(),
            before.packets.local_addr().unwrap()
        );
        assert_eq!(
            after.connections.local_addr().unwrap(),
            before.connections.local_addr().unwrap()
        );
        assert_eq!(ticket_keys.as_deref(), Some("1:00 2:ff"));
        let facts: Vec<_> = taken
            .iter()
            .map(|socket| (socket.address.to_string(), socket.owns_file, socket.lender))
            .collect();
        assert_eq!(
            facts,
            [
                ("127.0.0.1:0".to_owned(), false, Lender::Manager),
                ("unix:/run/a b.sock".to_owned(), true, Lender::Predecessor)
            ]
        );
        assert!(
            taken
                .iter()
                .all(|taken| taken.socket.as_fd().try_clone_to_owned().is_ok())
        );
    }

    #[test]
    fn the_answer_is_understood() {
        for answer in [
            HandoverAnswer::Ready(vec![]),
            HandoverAnswer::Ready(vec![0, 12]),
            HandoverAnswer::Failed("two\nlines".to_owned()),
        ] {
            let (old, new) = pair();
            new.answer(&answer).unwrap();
            assert_eq!(old.ask().unwrap(), Some(answer));
        }
    }

    #[test]
    fn a_long_reason_is_cut_off() {
        let (old, new) = pair();
        new.answer(&HandoverAnswer::Failed("x".repeat(2 * MESSAGE)))
            .unwrap();
        assert!(matches!(old.ask().unwrap(), Some(HandoverAnswer::Failed(why)) if why.len() > MESSAGE / 2));
    }

    #[test]
    fn an_end_without_an_answer_is_noticed() {
        let (old, new) = pair();
        old.give(Given {
            sockets: vec![socket("127.0.0.1:0", false, Lender::Manager)],
            ..Given::default()
        })
        .unwrap();
        drop(new);
        assert_eq!(old.ask().unwrap(), None);
        let (old, new) = pair();
        old.duplicate().unwrap().hang_up();
        assert_eq!(old.ask().unwrap(), None);
        assert!(new.take().is_err());
    }

    #[test]
    fn a_silent_process_is_not_waited_for() {
        let (old, _new) = Handover::pair(Duration::from_millis(10)).unwrap();
        assert!(old.ask().is_err());
    }
}
