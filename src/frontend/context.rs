//! What every exchange needs of the configuration in force, whatever answers it.

use std::sync::Arc;
use std::time::Duration;

use super::listener_id::ListenerId;
use super::received::Received;
use super::rule::Path;
use super::trust::Trust;
use crate::files::DecodedPath;
use crate::telemetry::{AccessLog, Counters, Finished, Observer, RouteTimes, Sink, SlowLog};
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
    /// Get those of routes that have one of their own, in the order of the routes; none: there is no such route. The service
    /// hands them out.
    pub route_logs: Box<[Option<Arc<AccessLog>>]>,
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
    /// Gets a line for each of them, in place of the log of all others.
    pub(super) log: Option<Arc<AccessLog>>,
    /// Paths whose requests have no line.
    pub(super) unlogged: Box<[Path]>,
}

impl ExchangeContext {
    /// Lines of access logs that are lost, of all that are in use.
    pub(super) fn lines_dropped(&self) -> u64 {
        let of_routes = self.routes.iter().filter_map(|route| route.log.as_ref());
        let logs = [&self.log].into_iter().chain(of_routes);
        let mut sinks: Vec<&Sink> = Vec::new();
        for sink in logs.filter_map(|log| log.sink()) {
            if !sinks.iter().any(|known| known.is_same(sink)) {
                sinks.push(sink);
            }
        }
        sinks.iter().map(|sink| sink.dropped()).sum()
    }
}

impl Observed {
    /// Whether its requests are not logged like all others.
    #[inline]
    pub(super) fn has_log(&self) -> bool {
        self.log.is_some() || !self.unlogged.is_empty()
    }

    /// Shows a request to the log that it belongs to.
    pub(super) fn finished(&self, request: &Finished<'_>, asked: &Received, main: &AccessLog) {
        let log = self.log.as_deref().unwrap_or(main);
        if log.is_on() && !self.is_unlogged(asked) {
            log.finished(request);
        }
    }

    fn is_unlogged(&self, asked: &Received) -> bool {
        let target = asked.asked();
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        let has = |path: DecodedPath| self.unlogged.iter().any(|unlogged| unlogged.has(path.as_bytes()));
        !self.unlogged.is_empty() && DecodedPath::parse(path).is_ok_and(has)
    }
}
