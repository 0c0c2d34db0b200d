//! What becomes of the listeners: which stay, which go, which are new.

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::frontend::config::Listener as ListenerConfig;
use crate::transport::{Address, BoundSocket, Inherited, Ownership};

/// Listeners are known by their addresses.
#[derive(Debug)]
pub(in crate::app) struct Listeners {
    /// For each that was open: what it is to be like, or that it goes.
    pub(in crate::app) stay: Vec<Option<(ListenerConfig, Ownership)>>,
    /// They listen, and nothing is accepted on them yet.
    pub(in crate::app) added: Vec<Added>,
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
        open: &[Address],
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
        open: &[Address],
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
        let same = |(open, stays): &(&Address, &mut Option<_>)| stays.is_none() && *open == address;
        match open.iter().zip(&mut self.stay).find(same) {
            Some((_, stays)) => *stays = Some((config.clone(), ownership)),
            None => self.added.push(Added {
                config: config.clone(),
                ownership,
                socket: BoundSocket::open(address, config.backlog, &ownership, inherited)?,
            }),
        }
        Ok(())
    }
}
