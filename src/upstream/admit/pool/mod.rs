//! Slots, the queue in front of them, and idle connections: an exact account under one lock.
//!
//! A slot is the right to use one worker of an endpoint. An idle kept connection pins a worker too, so that
//! slots in use and idle connections together never exceed the endpoint's limit. A slot that is
//! given back goes to the first request in the queue that may use it; only when none waits is it free.
//!
//! Which endpoints a request may use is one decision, `EndpointSet::fit`: the best circuit that any endpoint left to
//! it has, backups after the others. While none is left but one was alive a moment ago, requests wait.

mod fair;
mod finding;
mod granting;
mod keeper;
mod queue;
mod settings;
mod slot;

use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::RequestHead;
use crate::upstream::admit::circuit_breaker::{CircuitBreaker, Trouble};
use crate::upstream::admit::endpoint_set::{EndpointSet, EndpointState, Idle, Member};
use crate::upstream::admit::registry::{Neighbour, Registry};
use crate::upstream::model::config::{EndpointConfig, UpstreamConfig};
use crate::upstream::model::endpoint::Endpoint;
use crate::upstream::model::error::AdmissionError;
use crate::upstream::model::fair::ClientKey;
use crate::upstream::model::occupancy::Claim;
use crate::upstream::select::balance::{self, Constraints};
use fair::Fair;
use keeper::Alarm;
use queue::{Queue, Search};
use settings::Settings;

pub use slot::{Grant, Slot};

/// The slots of one upstream, over all generations of its configuration. `C` is what a kept connection is.
pub struct Pool<C: Send + 'static> {
    registry: Arc<Registry>,
    /// Clients have no say in which of them are taken for one.
    secret: RandomState,
    state: Mutex<PoolState<C>>,
}

/// A pool at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Requests that wait.
    pub waiting: usize,
    /// How long the first of them has been waiting.
    pub oldest: Option<Duration>,
    /// Of how many clients they are, where those have turns.
    pub clients: usize,
    /// How many of these have their share of the slots.
    pub capped: usize,
    /// Requests that gave their place up to those of other clients.
    pub displaced: u64,
    /// The endpoints, in the order of the configuration.
    pub endpoints: Vec<Arc<Endpoint>>,
}

struct PoolState<C: Send + 'static> {
    settings: Settings,
    set: EndpointSet<C>,
    queue: Queue<C>,
    alarm: Alarm,
}

impl<C: Send + 'static> Pool<C> {
    /// A pool for the endpoints of an upstream.
    pub fn new(config: &UpstreamConfig, registry: &Arc<Registry>) -> Arc<Self> {
        let pool = Arc::new(Self {
            registry: registry.clone(),
            secret: RandomState::new(),
            state: Mutex::new(PoolState {
                settings: Settings::new(config, None),
                set: EndpointSet::new(
                    balance::make(&config.balance),
                    config.hold,
                    !config.sources.is_empty(),
                ),
                queue: Queue::new(),
                alarm: Alarm::default(),
            }),
        });
        pool.lock()
            .queue
            .take_turns(config.fair.is_some(), Instant::now());
        pool.set_endpoints(&config.endpoints);
        pool
    }

    /// The settings are these from now on. Slots stay taken, requests keep their places in the queue, idle connections
    /// are kept as far as they have room and speak the protocol.
    pub fn reconfigure(self: &Arc<Self>, config: &UpstreamConfig) {
        let mut state = self.lock();
        let settings = Settings::new(config, Some(&state.settings));
        let before = std::mem::replace(&mut state.settings, settings);
        state.queue.take_turns(config.fair.is_some(), Instant::now());
        let mut closing = Vec::new();
        if before.protocol != config.protocol {
            closing.extend(state.set.forget());
        }
        if before.balance != config.balance {
            state.set.balance(balance::make(&config.balance));
        }
        let mut endpoints = config.endpoints.clone();
        if state.set.reconfigure(config) {
            // What was found stays until it is found again, and what was only said does not.
            let fixed = [&before.fixed[..], &state.settings.fixed].concat();
            endpoints.extend(state.set.others(&fixed).cloned());
        }
        let gone = self.change_endpoints(&mut state, &endpoints, Some(&before));
        closing.extend(self.trim_all(&mut state));
        // Before a slot is given: what has it must not find the worker occupied.
        drop((gone, closing));
        self.serve(&mut state);
    }

    /// No request comes any more: keeps no connection from now on.
    pub fn retire(self: &Arc<Self>) {
        let mut state = self.lock();
        state.settings.kept = 0;
        // Under the lock: they are in no account any more, and other pools wait for it before they connect.
        drop(self.trim_all(&mut state));
    }

    /// The endpoints are these from now on. Those that stay keep all that is known of them, also when their share
    /// of the requests is another one; the exchanges of those that go are finished.
    pub fn set_endpoints(self: &Arc<Self>, configs: &[EndpointConfig]) {
        let mut state = self.lock();
        let gone = self.change_endpoints(&mut state, configs, None);
        let closing = self.trim_all(&mut state);
        // Before a slot is given: what has it must not find the worker occupied.
        drop((gone, closing));
        self.serve(&mut state);
    }

    /// Gives the endpoints that go, with their idle connections. `before`: what was said of all of them, where that has
    /// changed.
    fn change_endpoints(
        self: &Arc<Self>,
        state: &mut PoolState<C>,
        configs: &[EndpointConfig],
        before: Option<&Settings>,
    ) -> Vec<Member<C>> {
        let PoolState { settings, set, .. } = state;
        let mut known = set.empty();
        let now = configs.iter().map(|config| {
            let is = |(endpoint, _): &Member<C>| endpoint.config == *config;
            let is_alike = |(endpoint, _): &Member<C>| endpoint.config.is_alike(config);
            let at = known
                .iter()
                .position(is)
                .or_else(|| known.iter().position(is_alike));
            match at.map(|at| known.swap_remove(at)) {
                Some(member) => settings.renew(member, config, before),
                None => self.create(config, settings),
            }
        });
        let now: Vec<_> = now.collect();
        for (endpoint, _) in &known {
            endpoint.set_idle(0);
        }
        set.replace(now.into_iter());
        known
    }

    fn create(self: &Arc<Self>, config: &EndpointConfig, settings: &Settings) -> Member<C> {
        let pool: Weak<dyn Neighbour> = Arc::<Self>::downgrade(self);
        let occupancy = self.registry.join(&config.address, pool);
        let endpoint = Endpoint::with_slots(config.clone(), &settings.slots_of(config)).at(occupancy);
        let state = EndpointState {
            breaker: CircuitBreaker::new(config),
            idle: VecDeque::new(),
            told: Trouble::None,
        };
        (Arc::new(settings.outfit(endpoint)), state)
    }

    /// The endpoints, in the order of the configuration.
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.lock().set.endpoints.clone()
    }

    /// What the pool looks like now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let (clients, capped) = state.queue.fair().map(Fair::count).unwrap_or_default();
        Snapshot {
            waiting: state.queue.len(),
            clients,
            capped,
            displaced: state.queue.displaced(),
            oldest: state.queue.get(0).map(|first| first.since.elapsed()),
            endpoints: state.set.endpoints.clone(),
        }
    }

    /// Frees a slot, keeps the connection if it may be kept, and serves the queue, or those of all pools at its
    /// address.
    fn release(self: &Arc<Self>, slot: &Slot<C>, connection: Option<(C, Instant)>) {
        let endpoint = &slot.endpoint;
        let limit = slot.held_for().and_then(|held| endpoint.held(held));
        let mut state = self.lock();
        let at = state.set.find(endpoint.id);
        // What cannot be kept is closed before the slot is free: what gets that must not find the worker occupied.
        if let Some((connection, now)) = connection {
            drop(match at.filter(|_| slot.protocol == state.settings.protocol) {
                Some(at) => self.park(&mut state, at, connection, now, 1),
                None => vec![connection],
            });
        }
        let offer = endpoint
            .occupancy()
            .is_shared()
            .then(|| endpoint.occupancy().offer());
        endpoint.slot_freed();
        if let Some(charge) = slot.charge()
            && let Some(fair) = state.queue.fair_mut()
        {
            fair.end(charge, Instant::now());
        }
        if let Some(at) = at {
            if state.set.degraded {
                state.set.left(at, slot.trial);
            }
            // Not what was found out with other settings.
            if let Some(limit) = limit.filter(|_| Arc::ptr_eq(endpoint, &state.set.endpoints[at])) {
                tracing::debug!(endpoint = &*endpoint.name, slots = limit, "slots adapted");
                endpoint.set_limit(limit);
                drop(self.trim(&mut state, at, 0));
            }
        }
        if let Some(offer) = offer {
            drop(state);
            self.registry.settle(&endpoint.config.address, offer);
        } else if !state.queue.is_empty() {
            self.serve(&mut state);
        }
    }

    /// Keeps a connection; gives those for which there is no room when `leaving` of the exchanges are over.
    fn park(
        self: &Arc<Self>,
        state: &mut PoolState<C>,
        at: usize,
        connection: C,
        now: Instant,
        leaving: usize,
    ) -> Vec<C> {
        state.set.states[at].idle.push_back(Idle {
            connection,
            since: now,
        });
        let due = now + state.settings.idle;
        state.alarm.set(self, due);
        self.trim(state, at, leaving)
    }

    /// Takes out the connections for which there is no room, the oldest first. They are to be closed before a slot is
    /// given.
    fn trim(&self, state: &mut PoolState<C>, at: usize, leaving: usize) -> Vec<C> {
        let endpoint = &state.set.endpoints[at];
        let EndpointState { breaker, idle, .. } = &mut state.set.states[at];
        let free = endpoint.room_for_idle(leaving);
        let room = if breaker.is_open() {
            0
        } else {
            state.settings.kept.min(free)
        };
        let mut closing = Vec::new();
        while idle.len() > room {
            closing.extend(idle.pop_front().map(|idle| idle.connection));
        }
        endpoint.set_idle(idle.len());
        closing
    }

    /// The same at all endpoints.
    fn trim_all(&self, state: &mut PoolState<C>) -> Vec<C> {
        let all = 0..state.set.endpoints.len();
        all.flat_map(|at| self.trim(state, at, 0)).collect()
    }

    /// Does what is due; gives the moment when something is due again.
    fn tend(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        state.queue.expire(now);
        let period = state.settings.idle;
        drop(state.set.close_idle(now, period));
        if !state.queue.is_empty() {
            self.serve(&mut state);
        }
        let due = state.due(now);
        state.alarm.reset(due);
        drop(state);
        due
    }

    /// What a request shares the workers by.
    pub fn client(&self, key: &ClientKey, head: &RequestHead) -> u64 {
        key.hash(head, &self.secret)
    }

    /// When the keeper is to wake up.
    fn due(&self) -> Option<Instant> {
        self.lock().alarm.due()
    }

    /// Whether there is an endpoint that a request may use, full or not.
    pub fn has(&self, constraints: &Constraints) -> bool {
        self.lock().set.fit(constraints).is_some()
    }

    /// Whether an endpoint was alive a moment ago, or only its backlog is full: then it is worth waiting.
    pub fn is_held(&self) -> bool {
        self.lock().set.is_held(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, PoolState<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Send + 'static> Neighbour for Pool<C> {
    fn waits_since(&self) -> Option<Instant> {
        self.lock().queue.get(0).map(|first| first.since)
    }

    fn make_room(&self) {
        let mut state = self.lock();
        // Under the lock: what makes room here has it afterwards.
        drop(self.trim_all(&mut state));
    }

    fn serve_next(self: Arc<Self>) -> bool {
        Pool::serve_next(&self, &mut self.lock(), &mut Search::default(), Claim::Turn)
    }
}

impl<C: Send + 'static> PoolState<C> {
    /// Tells the queue how many slots one key may have now. What waits is to be served then.
    fn share(&mut self) {
        if let (Some(fair), Some(share)) = (self.queue.fair_mut(), self.settings.share) {
            fair.set_share(share.of(self.set.slots()));
        }
    }

    /// When something is to be done.
    fn due(&self, now: Instant) -> Option<Instant> {
        let late = self.queue.iter().map(|waiter| waiter.deadline).min();
        let chance = late.and_then(|_| self.set.next_chance(now));
        [self.set.idle_due(self.settings.idle), late, chance]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod session_tests;

#[cfg(test)]
mod shared_tests;

#[cfg(test)]
mod simulation;

#[cfg(test)]
pub(in crate::upstream) mod tests;
