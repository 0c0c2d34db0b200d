//! What becomes of the listeners: which stay, which go, which are new.

use std::sync::{Arc, Weak};

use anyhow::{Context, Result};

use super::holder::Holder;
use super::progress::Progress;
use crate::frontend::config::Listener as ListenerConfig;
use crate::transport::{Address, BoundSocket, Inherited, ListenError, Listener, Ownership};

/// Listeners are known by their addresses.
#[derive(Debug)]
pub(in crate::app) struct Listeners {
    /// For each that was open: what it is to be like, or that it goes.
    pub(in crate::app) stay: Vec<Option<(ListenerConfig, Ownership)>>,
    /// They listen, and nothing is accepted on them yet.
    pub(in crate::app) added: Vec<Added>,
}

/// One that is open already.
#[derive(Debug)]
pub(in crate::app) struct Open {
    /// As it was configured.
    pub(in crate::app) address: Address,
    /// What opens things may hang for longer than it is open.
    pub(in crate::app) listener: Weak<Listener>,
}

/// One that was not open.
#[derive(Debug)]
pub(in crate::app) struct Added {
    pub(in crate::app) config: ListenerConfig,
    pub(in crate::app) ownership: Ownership,
    pub(in crate::app) socket: BoundSocket,
}

impl Listeners {
    /// Opens the wanted ones that are not open yet, or takes those that are inherited.
    pub(super) fn open(
        open: &[Open],
        wanted: &[ListenerConfig],
        inherited: &mut Inherited,
        progress: &Progress,
    ) -> Result<Self> {
        let mut listeners = Self {
            stay: vec![None; open.len()],
            added: Vec::new(),
        };
        for config in wanted {
            listeners
                .want(open, config, inherited, progress)
                .context("cannot listen")?;
        }
        Ok(listeners)
    }

    fn want(
        &mut self,
        open: &[Open],
        config: &ListenerConfig,
        inherited: &mut Inherited,
        progress: &Progress,
    ) -> Result<()> {
        let address = &config.address;
        progress.at("the listener", "[[listen]]", address);
        if let Address::Unix(_) = address {
            progress.hint("another process may hold the lock beside the socket");
        }
        let ownership = config.access.resolve().with_context(|| address.to_string())?;
        let same = |(open, stays): &(&Open, &mut Option<_>)| stays.is_none() && open.address == *address;
        match open.iter().zip(&mut self.stay).find(same) {
            Some((_, stays)) => *stays = Some((config.clone(), ownership)),
            None => {
                let socket = BoundSocket::open(address, config.backlog, &ownership, inherited);
                let socket = socket.map_err(|error| self.explain(error, open, inherited))?;
                self.added.push(Added {
                    config: config.clone(),
                    ownership,
                    socket,
                });
            }
        }
        Ok(())
    }

    /// What is in use may be in use by ourselves.
    fn explain(&self, error: ListenError, open: &[Open], inherited: &Inherited) -> anyhow::Error {
        let added = self.added.iter().map(|added| &added.socket);
        let running: Vec<_> = open.iter().filter_map(|open| open.listener.upgrade()).collect();
        let running = running.iter().map(Arc::as_ref);
        let holder = match &error {
            ListenError::InUse(wanted) => Holder::find(wanted, added, inherited, running),
            _ => None,
        };
        holder.map_or_else(|| error.into(), Into::into)
    }
}
