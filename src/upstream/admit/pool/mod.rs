//! Slots, the queue in front of them, and idle connections: an exact account under one lock.
//!
//! A slot is the right to use one worker of an endpoint. An idle kept connection pins a worker too, so that
//! slots in use and idle connections together never exceed the endpoint's limit. A slot that is
//! given back goes to the first request in the queue that may use it; only when none waits is it free.
//!
//! Which endpoints a request may use is one decision, `EndpointSet::fit`: the best circuit that any endpoint left to
//! it has, backups after the others. While none is left but one was alive a moment ago, requests wait.

mod finding;
mod keeper;
mod queue;
mod settings;
mod slot;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::upstream::admit::circuit_breaker::{CircuitBreaker, Trouble};
use crate::upstream::admit::endpoint_set::{Choice, EndpointSet, EndpointState, Idle, Member};
use crate::upstream::admit::registry::{Neighbour, Registry};
use crate::upstream::model::config::{EndpointConfig, ProtocolName, UpstreamConfig};
use crate::upstream::model::endpoint::Endpoint;
use crate::upstream::model::error::AdmissionError;
use crate::upstream::model::occupancy::Claim;
use crate::upstream::select::balance::{self, Constraints};
use keeper::Alarm;
use queue::{Place, Queue, Waiter};
use settings::Settings;

pub use slot::{Grant, Slot};

/// The slots of one upstream, over all generations of its configuration. `C` is what a kept connection is.
pub struct Pool<C: Send + 'static> {
    registry: Arc<Registry>,
    state: Mutex<PoolState<C>>,
}

/// A pool at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Requests that wait.
    pub waiting: usize,
    /// How long the first of them has been waiting.
    pub oldest: Option<Duration>,
    /// The endpoints, in the order of the configuration.
    pub endpoints: Vec<Arc<Endpoint>>,
}

struct PoolState<C: Send + 'static> {
    settings: Settings,
    set: EndpointSet<C>,
    queue: Queue<C>,
    alarm: Alarm,
}

/// How far the waiting requests were looked through.
#[derive(Default)]
struct Search {
    /// The place of the next one.
    at: usize,
    /// A request that takes any endpoint finds none: then all that do need not be asked.
    full: bool,
}

impl<C: Send + 'static> Pool<C> {
    /// A pool for the endpoints of an upstream.
    pub fn new(config: &UpstreamConfig, registry: &Arc<Registry>) -> Arc<Self> {
        let pool = Arc::new(Self {
            registry: registry.clone(),
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
        pool.set_endpoints(&config.endpoints);
        pool
    }

    /// The settings are these from now on. Slots stay taken, requests keep their places in the queue, idle connections
    /// are kept as far as they have room and speak the protocol.
    pub fn reconfigure(self: &Arc<Self>, config: &UpstreamConfig) {
        let mut state = self.lock();
        let settings = Settings::new(config, Some(&state.settings));
        let before = std::mem::replace(&mut state.settings, settings);
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
        Snapshot {
            waiting: state.queue.len(),
            oldest: state.queue.get(0).map(|first| first.since.elapsed()),
            endpoints: state.set.endpoints.clone(),
        }
    }

    /// A slot for a request, if one is free.
    pub fn take_free(
        self: &Arc<Self>,
        constraints: &Constraints,
        now: Instant,
    ) -> Result<Option<Grant<C>>, AdmissionError> {
        let mut state = self.lock();
        let choice = state.set.choose(constraints, Claim::New);
        let (taken, stale) = match choice {
            Choice::Use(at) if state.set.endpoints[at].take_slot(Claim::New) => {
                self.take(&mut state, at, constraints.protocol, now)
            }
            Choice::Use(_) | Choice::Wait => return Ok(None),
            Choice::Nothing => return Err(AdmissionError::NoEndpoint),
        };
        // Under the lock: they are in no account any more.
        drop(stale);
        drop(state);
        self.taken(&taken);
        Ok(Some(taken))
    }

    /// The idle connections of other pools are in the way of this exchange, which is not to connect before they are
    /// closed.
    fn taken(&self, grant: &Grant<C>) {
        let endpoint = &grant.slot.endpoint;
        if endpoint.occupancy().is_shared() {
            self.registry.make_room(&endpoint.config.address);
        }
    }

    /// A slot for a request, first come, first served, at `deadline` at the latest. `ticket` is its place in the
    /// queue, with which it may come back.
    pub async fn acquire(
        self: &Arc<Self>,
        constraints: &Constraints,
        deadline: Instant,
        ticket: &mut Option<u64>,
    ) -> Result<Grant<C>, AdmissionError> {
        if let Some(grant) = self.take_free(constraints, Instant::now())? {
            return Ok(grant);
        }
        let (mut place, verdict) = self.enter(constraints, deadline, ticket)?;
        let verdict = verdict.await;
        place.held = false;
        // The sender lives in the queue, and says something before it is dropped.
        let granted = verdict.unwrap_or(Err(AdmissionError::NoEndpoint));
        granted.inspect(|grant| self.taken(grant))
    }

    /// Takes a place in the queue.
    fn enter(
        self: &Arc<Self>,
        constraints: &Constraints,
        deadline: Instant,
        ticket: &mut Option<u64>,
    ) -> Result<(Place<'_, C>, oneshot::Receiver<queue::Verdict<C>>), AdmissionError> {
        let mut state = self.lock();
        // A request that comes back had a place before.
        if ticket.is_none() && state.queue.len() >= state.settings.waiting {
            return Err(AdmissionError::QueueFull);
        }
        let now = Instant::now();
        let number = *ticket.get_or_insert_with(|| state.queue.ticket());
        let (sender, receiver) = oneshot::channel();
        state.queue.enter(Waiter {
            ticket: number,
            constraints: constraints.clone(),
            since: now,
            deadline,
            verdict: sender,
        });
        let place = Place {
            pool: self,
            ticket: number,
            held: true,
        };
        // A slot may have become free since it was asked for.
        self.serve(&mut state);
        let due = state.set.next_chance(now).map_or(deadline, |at| at.min(deadline));
        state.alarm.set(self, due);
        Ok((place, receiver))
    }

    /// What comes with a slot of the endpoint at this index; also gives connections that are of no use.
    fn take(
        self: &Arc<Self>,
        state: &mut PoolState<C>,
        at: usize,
        protocol: Option<ProtocolName>,
        now: Instant,
    ) -> (Grant<C>, Vec<Idle<C>>) {
        let PoolState { settings, set, .. } = state;
        let endpoint = set.endpoints[at].clone();
        let state = &mut set.states[at];
        let mut trial = false;
        if set.degraded {
            trial = state.breaker.enter(now);
            state.breaker.publish(&endpoint, now);
        }
        // The youngest: the others get a chance to grow old and be closed.
        let mut idle = state.idle.pop_back();
        let mut stale = Vec::new();
        if protocol.is_some_and(|protocol| protocol != settings.protocol) {
            stale.extend(idle.take());
        }
        if idle
            .as_ref()
            .is_some_and(|idle| now.saturating_duration_since(idle.since) >= settings.idle)
        {
            // The keeper has not seen it yet; the others are older.
            stale.extend(state.idle.drain(..).chain(idle.take()));
        }
        endpoint.set_idle(state.idle.len());
        let slot = Slot {
            since: endpoint.is_adaptive().then_some(now),
            pool: self.clone(),
            endpoint,
            protocol: protocol.unwrap_or(settings.protocol),
            trial,
            answered: false,
            released: false,
        };
        let idle = idle.map(|idle| idle.connection);
        (Grant { idle, slot }, stale)
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

    /// Gives slots to the waiting requests, as far as there are any.
    fn serve(self: &Arc<Self>, state: &mut PoolState<C>) {
        let mut search = Search::default();
        while self.serve_next(state, &mut search, Claim::New) {}
    }

    /// Gives a slot to the next of the waiting requests that may have one; whether there is one.
    fn serve_next(self: &Arc<Self>, state: &mut PoolState<C>, search: &mut Search, claim: Claim) -> bool {
        while let Some(waiter) = state.queue.get(search.at) {
            if search.full && waiter.constraints.is_unconstrained() {
                search.at += 1;
                continue;
            }
            match state.set.choose(&waiter.constraints, claim) {
                Choice::Use(endpoint) if state.set.endpoints[endpoint].take_slot(claim) => {
                    if self.give(state, search.at, endpoint) {
                        return true;
                    }
                    // Its slot may be what those before it wait for.
                    *search = Search::default();
                }
                Choice::Nothing => {
                    if let Some(waiter) = state.queue.remove(search.at) {
                        // It left in this moment: none is to be told.
                        let _ = waiter.verdict.send(Err(AdmissionError::NoEndpoint));
                    }
                }
                // Another pool has taken the last slot in this moment.
                Choice::Use(_) | Choice::Wait if state.queue.all_unconstrained() => return false,
                Choice::Use(_) | Choice::Wait => {
                    search.full |= waiter.constraints.is_unconstrained();
                    search.at += 1;
                }
            }
        }
        false
    }

    /// Gives the waiter at `at` the slot that was taken of the endpoint at `endpoint`; whether it was still there.
    fn give(self: &Arc<Self>, state: &mut PoolState<C>, at: usize, endpoint: usize) -> bool {
        let Some(waiter) = state.queue.remove(at) else {
            state.set.endpoints[endpoint].slot_freed();
            return true;
        };
        let (grant, stale) = self.take(state, endpoint, waiter.constraints.protocol, Instant::now());
        // Rare, and nothing waits for them: closed under the lock.
        drop(stale);
        let Err(Ok(Grant { idle, mut slot })) = waiter.verdict.send(Ok(grant)) else {
            return true;
        };
        // It left in this moment. As if it had never been.
        slot.released = true;
        slot.endpoint.slot_freed();
        if slot.trial {
            state.set.left(endpoint, true);
        }
        if let Some(connection) = idle {
            drop(self.park(state, endpoint, connection, Instant::now(), 0));
        }
        false
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
mod simulation;

#[cfg(test)]
pub(in crate::upstream) mod tests;
