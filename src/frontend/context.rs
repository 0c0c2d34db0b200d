//! What every exchange needs of the configuration in force, whatever answers it.

use std::sync::Arc;

use ipnet::IpNet;

use crate::telemetry::{AccessLog, Counters};
use crate::upstream::Relays;

/// The surroundings of an exchange. Immutable; shared by all exchanges of a configuration.
pub struct ExchangeContext {
    /// Peers whose forwarding fields are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where answers wait for their clients; with the spools of all bodies.
    pub relays: Relays,
    /// Gets a line for each exchange.
    pub log: Arc<AccessLog>,
    /// Count exchanges.
    pub counters: Arc<Counters>,
}
