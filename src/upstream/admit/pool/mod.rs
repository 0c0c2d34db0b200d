//! Slots, the queue in front of them, and idle connections: an exact account under one lock.
//!
//! A slot is the right to use one worker of an endpoint. An idle kept connection pins a worker too, so that
//! slots in use and idle connections together never exceed the endpoint's limit. Whoever gives a slot back
//! hands it to the first in the queue that may use it; only when nobody waits is it free.
//!
//! Which endpoints a request may use is one decision, `EndpointSet::fit`: the best circuit that any endpoint left to
//! it has, backups after the others. While none is left but one was alive a moment ago, requests wait.

mod finding;
mod keeper;
mod queue;
mod slot;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::upstream::admit::circuit_breaker::CircuitBreaker;
use crate::upstream::admit::endpoint_set::{Choice, EndpointSet, EndpointState, Idle};
use crate::upstream::model::config::{Balance, Config, EndpointConfig, Slots};
use crate::upstream::model::endpoint::Endpoint;
use crate::upstream::model::error::AdmissionError;
use crate::upstream::select::balance::{self, Constraints};
use crate::upstream::select::sticky::Signer;
use keeper::Alarm;
use queue::{Place, Queue, Waiter};

pub use slot::{Grant, Slot};

/// The slots of one upstream. `C` is what a kept connection is.
pub struct Pool<C: Send + 'static> {
    limits: Limits,
    /// Names endpoints in cookies.
    signer: Option<Signer>,
    /// The balancer asks for the latency of endpoints.
    timed: bool,
    state: Mutex<State<C>>,
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

#[derive(Clone, Debug)]
struct Limits {
    slots: Slots,
    kept: usize,
    idle: Duration,
    waiting: usize,
}

struct State<C: Send + 'static> {
    set: EndpointSet<C>,
    queue: Queue<C>,
    alarm: Alarm,
}

impl<C: Send + 'static> Pool<C> {
    /// A pool for the endpoints of an upstream.
    pub fn new(config: &Config) -> Arc<Self> {
        let slots = &config.max_connections;
        let pool = Self {
            limits: Limits {
                slots: slots.clone(),
                kept: config.keep_alive.min(slots.most()),
                idle: config.timeouts.idle,
                waiting: config.queue.size,
            },
            signer: config
                .sticky
                .as_ref()
                .map(|sticky| Signer::new(sticky, &config.name)),
            timed: config.balance == Balance::Ewma,
            state: Mutex::new(State {
                set: EndpointSet::new(
                    balance::make(&config.balance),
                    config.hold,
                    !config.sources.is_empty(),
                ),
                queue: Queue::new(),
                alarm: Alarm::default(),
            }),
        };
        let pool = Arc::new(pool);
        pool.set_endpoints(&config.endpoints);
        pool
    }

    /// The endpoints are these from now on. Those that stay keep all that is known of them, also when their share
    /// of the requests is another one; the exchanges of those that go are finished.
    pub fn set_endpoints(self: &Arc<Self>, configs: &[EndpointConfig]) {
        let mut state = self.lock();
        let mut before = state.set.empty();
        let now = configs.iter().map(|config| {
            let is = |(endpoint, _): &(Arc<Endpoint>, _)| endpoint.config == *config;
            let is_alike = |(endpoint, _): &(Arc<Endpoint>, _)| endpoint.config.is_alike(config);
            if let Some(at) = before.iter().position(is) {
                return before.swap_remove(at);
            }
            let Some(at) = before.iter().position(is_alike) else {
                return self.insert(config, &mut state.set);
            };
            let (endpoint, state) = before.swap_remove(at);
            (Arc::new(endpoint.renewed(config.clone())), state)
        });
        let now: Vec<_> = now.collect();
        state.set.retire(before.iter().map(|(endpoint, _)| endpoint));
        state.set.replace(now.into_iter());
        self.serve(&mut state);
        drop(state);
        // Outside the lock: these close connections.
        drop(before);
    }

    fn insert(&self, config: &EndpointConfig, set: &mut EndpointSet<C>) -> (Arc<Endpoint>, EndpointState<C>) {
        let endpoint = match set.revive(config) {
            Some(endpoint) => {
                endpoint.set_idle(0);
                endpoint.renewed(config.clone())
            }
            None => self.create(config),
        };
        let state = EndpointState {
            breaker: CircuitBreaker::new(config),
            idle: VecDeque::new(),
        };
        (Arc::new(endpoint), state)
    }

    fn create(&self, config: &EndpointConfig) -> Endpoint {
        let mut endpoint = Endpoint::with_slots(config.clone(), &self.limits.slots);
        endpoint.token = self.signer.as_ref().map(|signer| signer.token(&endpoint.name));
        endpoint.latency = self.timed.then(Arc::default);
        endpoint
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
        let choice = state.set.choose(constraints);
        let (taken, stale) = match choice {
            Choice::Use(at) => self.take(&mut state, at, now),
            Choice::Wait => return Ok(None),
            Choice::Nothing => return Err(AdmissionError::NoEndpoint),
        };
        drop(state);
        drop(stale);
        Ok(Some(taken))
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
        verdict.unwrap_or(Err(AdmissionError::NoEndpoint))
    }

    /// Takes a place in the queue.
    fn enter(
        self: &Arc<Self>,
        constraints: &Constraints,
        deadline: Instant,
        ticket: &mut Option<u64>,
    ) -> Result<(Place<'_, C>, oneshot::Receiver<queue::Verdict<C>>), AdmissionError> {
        let mut state = self.lock();
        // Whoever comes back had a place before.
        if ticket.is_none() && state.queue.len() >= self.limits.waiting {
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

    /// Takes a slot of the endpoint at this index; also gives connections that were idle for too long.
    fn take(self: &Arc<Self>, state: &mut State<C>, at: usize, now: Instant) -> (Grant<C>, Vec<Idle<C>>) {
        let set = &mut state.set;
        let endpoint = set.endpoints[at].clone();
        let state = &mut set.states[at];
        let mut trial = false;
        if set.degraded {
            trial = state.breaker.enter(now);
            state.breaker.publish(&endpoint, now);
        }
        endpoint.slot_taken();
        // The youngest: the others get a chance to grow old and be closed.
        let mut idle = state.idle.pop_back();
        let mut stale = Vec::new();
        if idle
            .as_ref()
            .is_some_and(|idle| now.saturating_duration_since(idle.since) >= self.limits.idle)
        {
            // The keeper has not seen it yet; the others are older.
            stale.extend(state.idle.drain(..).chain(idle.take()));
        }
        endpoint.set_idle(state.idle.len());
        let slot = Slot {
            since: endpoint.is_adaptive().then_some(now),
            pool: self.clone(),
            endpoint,
            trial,
            answered: false,
            released: false,
        };
        let idle = idle.map(|idle| idle.connection);
        (Grant { idle, slot }, stale)
    }

    /// Frees a slot, keeps the connection if it may be kept, and serves who waits.
    fn release(self: &Arc<Self>, slot: &Slot<C>, connection: Option<(C, Instant)>) {
        let endpoint = &slot.endpoint;
        let limit = slot.held_for().and_then(|held| endpoint.held(held));
        let mut state = self.lock();
        endpoint.slot_freed();
        let mut closing = Vec::new();
        match (state.set.find(endpoint.id), connection) {
            (Some(at), connection) => {
                if state.set.degraded {
                    state.set.left(at, slot.trial);
                }
                if let Some((connection, now)) = connection {
                    closing = self.park(&mut state, at, connection, now);
                }
                if let Some(limit) = limit {
                    tracing::debug!(endpoint = &*endpoint.name, slots = limit, "slots adapted");
                    endpoint.set_limit(limit);
                    closing.extend(self.trim(&mut state, at));
                }
            }
            // It is no longer one of ours.
            (None, Some((connection, _))) => closing.push(connection),
            (None, None) => {}
        }
        if !state.queue.is_empty() {
            self.serve(&mut state);
        }
        drop(state);
        drop(closing);
    }

    /// Keeps a connection; gives those for which there is no room.
    fn park(self: &Arc<Self>, state: &mut State<C>, at: usize, connection: C, now: Instant) -> Vec<C> {
        state.set.states[at].idle.push_back(Idle {
            connection,
            since: now,
        });
        state.alarm.set(self, now + self.limits.idle);
        self.trim(state, at)
    }

    /// Takes out the connections for which there is no room, the oldest first.
    fn trim(&self, state: &mut State<C>, at: usize) -> Vec<C> {
        let endpoint = &state.set.endpoints[at];
        let EndpointState { breaker, idle } = &mut state.set.states[at];
        let free = endpoint.limit().saturating_sub(endpoint.in_flight());
        let room = if breaker.is_open() {
            0
        } else {
            self.limits.kept.min(free)
        };
        let mut closing = Vec::new();
        while idle.len() > room {
            closing.extend(idle.pop_front().map(|idle| idle.connection));
        }
        endpoint.set_idle(idle.len());
        closing
    }

    /// Gives slots to those who wait, as far as there are any.
    fn serve(self: &Arc<Self>, state: &mut State<C>) {
        let mut at = 0;
        // Whether somebody who takes any endpoint finds none: then all who do need not be asked.
        let mut full = false;
        while let Some(waiter) = state.queue.get(at) {
            if full && waiter.constraints.is_unconstrained() {
                at += 1;
                continue;
            }
            match state.set.choose(&waiter.constraints) {
                Choice::Use(endpoint) => {
                    if !self.give(state, at, endpoint) {
                        // Its slot may be what those before it wait for.
                        (at, full) = (0, false);
                    }
                }
                Choice::Nothing => {
                    if let Some(waiter) = state.queue.remove(at) {
                        // It left in this moment: nobody is to be told.
                        let _ = waiter.verdict.send(Err(AdmissionError::NoEndpoint));
                    }
                }
                Choice::Wait if state.queue.all_unconstrained() => return,
                Choice::Wait => {
                    full |= waiter.constraints.is_unconstrained();
                    at += 1;
                }
            }
        }
    }

    /// Gives the waiter at `at` a slot of the endpoint at `endpoint`; whether it was still there.
    fn give(self: &Arc<Self>, state: &mut State<C>, at: usize, endpoint: usize) -> bool {
        let Some(waiter) = state.queue.remove(at) else {
            return true;
        };
        let (grant, stale) = self.take(state, endpoint, Instant::now());
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
            drop(self.park(state, endpoint, connection, Instant::now()));
        }
        false
    }

    /// Does what is due; gives the moment when something is due again.
    fn tend(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        let mut state = self.lock();
        state.queue.expire(now);
        let closing = state.set.close_idle(now, self.limits.idle);
        if !state.queue.is_empty() {
            self.serve(&mut state);
        }
        let due = state.due(now, self.limits.idle);
        state.alarm.reset(due);
        drop(state);
        drop(closing);
        due
    }

    /// When the keeper is to wake up.
    fn due(&self) -> Option<Instant> {
        self.lock().alarm.due()
    }

    /// Whether an endpoint was alive a moment ago, or only its backlog is full: then it is worth waiting.
    pub fn is_held(&self) -> bool {
        self.lock().set.is_held(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Send + 'static> State<C> {
    /// When something is to be done.
    fn due(&self, now: Instant, idle: Duration) -> Option<Instant> {
        let late = self.queue.iter().map(|waiter| waiter.deadline).min();
        let chance = late.and_then(|_| self.set.next_chance(now));
        [self.set.idle_due(idle), late, chance]
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
