//! What every exchange needs of the configuration in force, whatever answers it.

use std::sync::Arc;
use std::time::Duration;

use super::listener_id::ListenerId;
use super::trust::Trust;
use crate::telemetry::{AccessLog, Counters, RouteTimes, SlowLog};
use crate::upstream::Relays;

/// The surroundings of an exchange. Immutable; shared by all exchanges of a configuration.
pub struct ExchangeContext {
    /// Which peers are believed about clients.
    pub trust: Trust,
    /// Where answers wait for their clients; with the spools of all bodies.
    pub relays: Relays,
    /// Gets a line for each exchange.
    pub log: Arc<AccessLog>,
    /// Tells of slow ones.
    pub slow: SlowLog,
    /// Count exchanges.
    pub counters: Arc<Counters>,
    /// What is counted for each route, by its number. The service has them made.
    pub routes: Box<[Observed]>,
    /// What routes call the listeners. The service fills it in.
    pub listeners: Box<[(ListenerId, Option<String>)]>,
}

/// What all exchanges of one route have in common, for whatever looks at them.
pub struct Observed {
    /// How long they took.
    pub(super) times: Arc<RouteTimes>,
    /// When they count as slow, if the route says so.
    pub(super) slow: Option<Duration>,
    /// How long their clients may take nothing, if the route says so.
    pub(super) send: Option<Duration>,
    /// Whether connections go on after its answers.
    pub(super) keep_alive: bool,
}
