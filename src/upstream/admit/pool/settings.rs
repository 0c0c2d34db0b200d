//! What a pool needs of the settings of its upstream.

use std::sync::Arc;
use std::time::Duration;

use crate::transport::Address;
use crate::upstream::admit::endpoint_set::Member;
use crate::upstream::model::Endpoint;
use crate::upstream::model::config::{Balance, EndpointConfig, ProtocolName, Slots, Sticky, UpstreamConfig};
use crate::upstream::model::fair::Share;
use crate::upstream::select::sticky::Signer;

/// The settings of a pool.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) protocol: ProtocolName,
    pub(super) balance: Balance,
    slots: Slots,
    /// Idle connections kept per endpoint.
    pub(super) kept: usize,
    /// How long they are.
    pub(super) idle: Duration,
    /// Requests that may wait.
    pub(super) waiting: usize,
    /// The most that one key may have; `None`: first come, first served.
    pub(super) share: Option<Share>,
    /// The addresses that need no source.
    pub(super) fixed: Vec<Address>,
    sticky: Option<Sticky>,
    /// Names endpoints in cookies.
    signer: Option<Signer>,
}

impl Settings {
    /// Those of an upstream, and what goes on of those `before`: a secret that was made up.
    pub(super) fn new(config: &UpstreamConfig, before: Option<&Self>) -> Self {
        let known = before.filter(|before| before.sticky == config.sticky);
        let signer = match known {
            Some(known) => known.signer.clone(),
            None => config
                .sticky
                .as_ref()
                .map(|sticky| Signer::new(sticky, &config.name)),
        };
        Self {
            protocol: config.protocol,
            balance: config.balance.clone(),
            slots: config.max_connections.clone(),
            kept: config.keep_alive.min(config.max_connections.most()),
            idle: config.timeouts.idle,
            waiting: config.queue.size,
            share: config.fair.as_ref().map(|fair| fair.share),
            fixed: addresses(&config.endpoints),
            sticky: config.sticky.clone(),
            signer,
        }
    }

    /// The slots of an endpoint.
    pub(super) fn slots_of(&self, config: &EndpointConfig) -> Slots {
        match config.max_connections {
            Some(slots) => Slots::Fixed(slots),
            None => self.slots.clone(),
        }
    }

    /// An endpoint with what sessions and the balancer need.
    pub(super) fn outfit(&self, mut endpoint: Endpoint) -> Endpoint {
        endpoint.token = self.signer.as_ref().map(|signer| signer.token(&endpoint.name));
        endpoint.latency = match self.balance {
            Balance::Ewma => Some(endpoint.latency.take().unwrap_or_default()),
            _ => None,
        };
        endpoint
    }

    /// A member of the pool as it is from now on; `before`: the settings until now, if they were others.
    pub(super) fn renew<C>(
        &self,
        member: Member<C>,
        config: &EndpointConfig,
        before: Option<&Self>,
    ) -> Member<C> {
        let (endpoint, state) = member;
        if before.is_none() && endpoint.config == *config {
            return (endpoint, state);
        }
        let mut renewed = endpoint.renewed(config.clone());
        let slots = self.slots_of(config);
        if slots != before.unwrap_or(self).slots_of(&endpoint.config) {
            renewed = renewed.resized(&slots);
        }
        endpoint.set_idle(0);
        renewed.set_idle(state.idle.len());
        (Arc::new(self.outfit(renewed)), state)
    }
}

fn addresses(endpoints: &[EndpointConfig]) -> Vec<Address> {
    endpoints
        .iter()
        .map(|endpoint| endpoint.address.clone())
        .collect()
}
