//! What a process finds when it starts: sockets of a service manager, or of the process that it replaces.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, Result};
use listenfd::ListenFd;
use rustix::process::getppid;

use super::handover::{Handover, HandoverAnswer};
use crate::acme::dns::DnsSockets;
use crate::transport::{Address, Inherited, InheritedSocket};

/// Sockets that are open already, and the process that waits for what becomes of them.
#[derive(Debug, Default)]
pub struct Inheritance {
    /// Not asked for yet.
    pub(super) sockets: Inherited,
    pub(super) predecessor: Option<Predecessor>,
    /// Where questions of the DNS come to the predecessor.
    pub(super) dns: DnsSockets,
    /// The keys of the predecessor's TLS tickets.
    pub(super) ticket_keys: Option<String>,
}

/// The process that goes on until we serve.
#[derive(Debug)]
pub(super) struct Predecessor {
    handover: Handover,
    /// What it sent.
    offered: Vec<Address>,
}

/// The variable that tells a process that its standard input is one end of a [`Handover`]: it holds the process id of
/// what started it, so that a copy in the wrong environment means nothing.
pub(super) const PREDECESSOR: &str = "BRIDGEHEAD_PREDECESSOR";

impl Inheritance {
    /// Takes what there is. To be called before there are threads: the variables of the service manager are removed
    /// from the environment.
    pub fn take() -> Result<Self> {
        let mut sockets = activated();
        let predecessor = Predecessor::find()?;
        let Some(handover) = predecessor else {
            return Ok(Self {
                sockets,
                ..Self::default()
            });
        };
        let given = handover.take().context("the process to replace")?;
        let offered = given
            .sockets
            .iter()
            .map(|socket| socket.address.clone())
            .collect();
        for socket in given.sockets {
            sockets.add(socket);
        }
        let predecessor = Some(Predecessor { handover, offered });
        Ok(Self {
            sockets,
            predecessor,
            dns: given.dns,
            ticket_keys: given.ticket_keys,
        })
    }

    /// Tells the process that waits for us that it will be in vain.
    pub fn refuse(&self, why: &str) {
        if let Some(predecessor) = &self.predecessor {
            // It may have given up.
            let _ = predecessor
                .handover
                .answer(&HandoverAnswer::Failed(why.to_owned()));
        }
    }
}

impl Predecessor {
    /// The conversation on standard input, if that is what it is. Nothing else reads it afterwards.
    fn find() -> Result<Option<Handover>> {
        let named = std::env::var(PREDECESSOR).ok();
        let parent = getppid().map(|parent| parent.as_raw_nonzero().to_string());
        if named.is_none() || named != parent {
            return Ok(None);
        }
        let end: OwnedFd = std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .context("cannot take over standard input")?;
        let nothing = File::open("/dev/null").context("cannot open /dev/null")?;
        rustix::stdio::dup2_stdin(&nothing).context("cannot replace standard input")?;
        Ok(Some(Handover::other(end)))
    }

    /// Tells it that we serve, and on which of its sockets: on all but the `left` ones.
    pub(super) fn relieve(self, left: &Inherited) {
        let mut left: Vec<&Address> = left.addresses().collect();
        let mut taken = Vec::new();
        for (place, address) in self.offered.iter().enumerate() {
            match left.iter().position(|left| *left == address) {
                Some(found) => {
                    left.remove(found);
                }
                None => taken.push(place),
            }
        }
        if let Err(error) = self.handover.answer(&HandoverAnswer::Ready(taken)) {
            // Gone, and we serve.
            tracing::warn!(%error, "the process to replace does not listen");
        }
    }
}

/// The sockets of the service manager (sd_listen_fds(3)).
fn activated() -> Inherited {
    let mut manager = ListenFd::from_env();
    let mut sockets = Inherited::default();
    for place in 0..manager.len() {
        let tcp = manager
            .take_tcp_listener(place)
            .map(|found| found.map(OwnedFd::from));
        let found = tcp.or_else(|_| {
            manager
                .take_unix_listener(place)
                .map(|found| found.map(OwnedFd::from))
        });
        match found.and_then(|found| found.map(InheritedSocket::from_manager).transpose()) {
            Ok(Some(socket)) => sockets.add(socket),
            Ok(None) => {}
            // There is no log yet; the service manager reads this one.
            Err(error) => eprintln!("warning: a socket of the service manager is of no use: {error}"),
        }
    }
    sockets
}
