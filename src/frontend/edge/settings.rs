//! What a connection needs of a configuration.

use std::sync::Arc;
use std::time::Duration;

use crate::frontend::FrontendConfig;
use crate::frontend::config::{ClientTimeouts, Edge, KeepAlive};
use crate::frontend::listener_id::ListenerId;
use crate::protocol::http1::Limits;

/// What a connection keeps of a configuration. Not all of it: a service holds its upstreams.
#[derive(Debug)]
pub(in crate::frontend) struct Settings {
    edge: Edge,
    /// How long a client may still ask on a connection that is about to be closed.
    pub(super) grace: Duration,
    /// The listener that they are for.
    listener: Option<Arc<ListenerId>>,
}

impl Settings {
    /// Those of connections of no listener that there is.
    pub(in crate::frontend) fn of(config: &FrontendConfig) -> Self {
        Self {
            edge: config.edge,
            grace: config.timeouts.grace,
            listener: None,
        }
    }

    /// Those of each listener.
    pub(in crate::frontend) fn of_listeners(config: &FrontendConfig) -> Box<[Arc<Self>]> {
        let listeners = config.listeners.iter().zip(ListenerId::all(config.addresses()));
        let settings = listeners.map(|(listener, id)| Self {
            edge: listener.edge,
            listener: Some(Arc::new(id)),
            ..Self::of(config)
        });
        settings.map(Arc::new).collect()
    }

    /// The listener that they are for.
    pub(in crate::frontend) fn listener(&self) -> Option<&Arc<ListenerId>> {
        self.listener.as_ref()
    }

    /// Deadlines.
    pub(in crate::frontend) fn timeouts(&self) -> &ClientTimeouts {
        &self.edge.timeouts
    }

    /// Bytes of a request that are dropped.
    pub(super) fn discard(&self) -> u64 {
        self.edge.discard
    }

    /// How long connections go on.
    pub(super) fn keep_alive(&self) -> KeepAlive {
        self.edge.keep_alive
    }

    /// Streams of a connection at a time.
    pub(super) fn streams(&self) -> u32 {
        self.edge.streams
    }

    /// Of request heads.
    pub(super) fn head(&self) -> Limits {
        Limits {
            size: self.edge.head_size,
            fields: self.edge.head_fields,
        }
    }
}
