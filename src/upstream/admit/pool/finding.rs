//! What is found out about endpoints, by requests and by probes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Pool, PoolState};
use crate::upstream::admit::circuit_breaker::{CircuitBreaker, Trouble};
use crate::upstream::model::Workers;
use crate::upstream::model::endpoint::{Endpoint, Id};

impl<C: Send + 'static> Pool<C> {
    /// An answer's head came from the endpoint, `latency` after its request began.
    pub fn answered(self: &Arc<Self>, endpoint: &Endpoint, latency: Duration) {
        endpoint.observe(latency);
        if !endpoint.is_steady() {
            self.learn(endpoint.id, false, CircuitBreaker::answered);
        }
    }

    /// An exchange with the endpoint broke, or took too long, and the endpoint is to blame.
    pub fn broken(self: &Arc<Self>, endpoint: &Endpoint) {
        endpoint.failure_seen();
        self.learn(endpoint.id, false, CircuitBreaker::broken);
    }

    /// The endpoint has more than it can do: its backlog is full, or it says so.
    pub fn full(self: &Arc<Self>, endpoint: &Endpoint) {
        // The slot of the request that found out is still taken.
        let others = endpoint.in_flight().saturating_sub(1);
        if let Some(limit) = endpoint.refused() {
            self.set_limit(endpoint.id, limit);
        }
        // An idle connection occupies a worker that could empty the backlog.
        self.learn(endpoint.id, true, |breaker, now| breaker.full(now, others));
    }

    /// No connection to the endpoint could be made.
    pub(super) fn unreachable(self: &Arc<Self>, endpoint: &Endpoint) {
        endpoint.failure_seen();
        self.learn(endpoint.id, true, CircuitBreaker::unreachable);
    }

    /// A connection stands; whether the fate of its exchange still decides about the endpoint.
    pub(super) fn reached(self: &Arc<Self>, endpoint: &Endpoint) -> bool {
        let mut decides = false;
        self.learn(endpoint.id, false, |breaker, now| {
            breaker.reached(now);
            decides = breaker.is_on_probation();
        });
        decides
    }

    /// The endpoint said how many workers it has. Gives the slots that it has from now on, if they are others.
    pub fn count(self: &Arc<Self>, endpoint: &Endpoint, workers: Workers) -> Option<usize> {
        let limit = endpoint.count(workers)?;
        self.set_limit(endpoint.id, limit);
        Some(limit)
    }

    /// What a health check found. One that was begun with settings that are no longer in force finds nothing: under
    /// those that are, no check may be there to take it back.
    pub fn judge(self: &Arc<Self>, endpoint: &Arc<Endpoint>, alive: bool) {
        let mut state = self.lock();
        let mut ours = state.set.endpoints.iter();
        if let Some(at) = ours.position(|ours| Arc::ptr_eq(ours, endpoint)) {
            self.put_down(&mut state, at, false, |breaker, now| breaker.judge(now, alive));
        }
    }

    /// Nothing is known of the endpoints yet, and they were alive a moment ago: those that cannot be reached are waited
    /// for.
    pub fn were_alive(&self) {
        let now = Instant::now();
        for state in &mut self.lock().set.states {
            state.breaker.was_alive(now);
        }
    }

    /// Sets the slots of an endpoint.
    pub fn set_limit(self: &Arc<Self>, id: Id, limit: usize) {
        let mut state = self.lock();
        if let Some(at) = state.set.find(id) {
            state.set.endpoints[at].set_limit(limit);
            drop(self.trim(&mut state, at, 0));
            self.serve(&mut state);
        }
    }

    /// Puts a finding about an endpoint down, if it is still one of ours.
    fn learn(self: &Arc<Self>, id: Id, evict: bool, finding: impl FnOnce(&mut CircuitBreaker, Instant)) {
        let mut state = self.lock();
        if let Some(at) = state.set.find(id) {
            self.put_down(&mut state, at, evict, finding);
        }
    }

    /// Puts a finding about the endpoint at an index down, and serves the requests that it opens a way. Closes the idle
    /// connections of an endpoint that cannot be reached, or all when `evict` says so.
    fn put_down(
        self: &Arc<Self>,
        state: &mut PoolState<C>,
        at: usize,
        evict: bool,
        finding: impl FnOnce(&mut CircuitBreaker, Instant),
    ) {
        let now = Instant::now();
        let set = &mut state.set;
        let (endpoint, known) = (&set.endpoints[at], &mut set.states[at]);
        finding(&mut known.breaker, now);
        tell(endpoint, &mut known.told, known.breaker.trouble());
        if evict || known.breaker.is_open() {
            known.idle.clear();
        }
        endpoint.set_idle(known.idle.len());
        set.review(now);
        if !state.queue.is_empty() {
            self.serve(state);
            if let Some(due) = state.set.next_chance(now) {
                state.alarm.set(self, due);
            }
        }
    }
}

/// Logs that an endpoint's fortune turned; what a health check found is logged by the watch. One that comes and goes is
/// told of when it is worse than before, and when all is well.
fn tell(endpoint: &Endpoint, told: &mut Trouble, trouble: Trouble) {
    let endpoint = &*endpoint.name;
    let before = match trouble {
        Trouble::None => std::mem::take(told),
        worse if worse > *told => std::mem::replace(told, worse),
        _ => return,
    };
    match (before, trouble) {
        (_, Trouble::Unreachable) => tracing::warn!(endpoint, "endpoint is down"),
        (_, Trouble::Breaks) => tracing::warn!(
            endpoint,
            "exchanges broke: other endpoints are preferred for `fail_timeout`, if there are any"
        ),
        (Trouble::Unreachable, Trouble::None) => tracing::info!(endpoint, "endpoint is up"),
        (Trouble::Breaks, Trouble::None) => tracing::info!(endpoint, "endpoint answers again"),
        (Trouble::None, Trouble::None) => {}
    }
}
