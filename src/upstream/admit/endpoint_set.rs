//! The endpoints of a pool, and which of them a request may use.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Address;
use crate::upstream::admit::circuit_breaker::{CircuitBreaker, Trouble};
use crate::upstream::model::config::{EndpointConfig, UpstreamConfig};
use crate::upstream::model::endpoint::{CircuitState, Endpoint, Id};
use crate::upstream::model::occupancy::Claim;
use crate::upstream::select::balance::{Balancer, Constraints, Pick};

/// The endpoints with what is known and kept of each.
pub(super) struct EndpointSet<C> {
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// In the same order.
    pub(super) states: Vec<EndpointState<C>>,
    balancer: Box<dyn Balancer>,
    /// Some breaker depends on the time.
    pub(super) degraded: bool,
    /// How long the memory of an endpoint that was alive makes waiting worth while.
    hold: Duration,
    /// Since when there is none, although endpoints are still to be found.
    empty_since: Option<Instant>,
    /// Whether endpoints come from elsewhere.
    is_dynamic: bool,
}

/// What only the pool knows of an endpoint.
pub(super) struct EndpointState<C> {
    pub(super) breaker: CircuitBreaker,
    pub(super) idle: VecDeque<Idle<C>>,
    /// The worst that was told of it since it was fine.
    pub(super) told: Trouble,
}

/// An endpoint with its state.
pub(super) type Member<C> = (Arc<Endpoint>, EndpointState<C>);

/// A connection between two exchanges.
pub(super) struct Idle<C> {
    pub(super) connection: C,
    pub(super) since: Instant,
}

/// What can be done for a request now.
pub(super) enum Choice {
    /// Send it to the endpoint at this index.
    Use(usize),
    /// Let it wait.
    Wait,
    /// Nothing.
    Nothing,
}

impl<C> EndpointSet<C> {
    pub(super) fn new(balancer: Box<dyn Balancer>, hold: Duration, is_dynamic: bool) -> Self {
        Self {
            endpoints: Vec::new(),
            states: Vec::new(),
            balancer,
            degraded: false,
            hold,
            empty_since: None,
            is_dynamic,
        }
    }

    /// Replaces the endpoints.
    pub(super) fn replace(&mut self, members: impl Iterator<Item = Member<C>>) {
        (self.endpoints, self.states) = members.unzip();
        self.balancer.rebuild(&self.endpoints);
        let is_empty = self.is_dynamic && self.endpoints.is_empty();
        self.empty_since = is_empty.then(|| self.empty_since.unwrap_or_else(Instant::now));
        self.review(Instant::now());
    }

    /// Chooses by another algorithm from the next [`replace`](Self::replace) on.
    pub(super) fn balance(&mut self, balancer: Box<dyn Balancer>) {
        self.balancer = balancer;
    }

    /// Takes the settings over that are about all endpoints; whether some of them come from elsewhere.
    pub(super) fn reconfigure(&mut self, config: &UpstreamConfig) -> bool {
        self.hold = config.hold;
        self.is_dynamic = !config.sources.is_empty();
        if config.health.is_none() {
            self.states.iter_mut().for_each(|state| state.breaker.unchecked());
        }
        self.is_dynamic
    }

    /// Forgets what was found out about all endpoints; gives their idle connections.
    pub(super) fn forget(&mut self) -> Vec<C> {
        let mut closing = Vec::new();
        for (endpoint, state) in self.endpoints.iter().zip(&mut self.states) {
            state.breaker = CircuitBreaker::new(&endpoint.config);
            closing.extend(state.idle.drain(..).map(|idle| idle.connection));
            endpoint.set_idle(0);
        }
        closing
    }

    /// The endpoints that are at none of these addresses.
    pub(super) fn others(&self, addresses: &[Address]) -> impl Iterator<Item = &EndpointConfig> {
        let endpoints = self.endpoints.iter().map(|endpoint| &endpoint.config);
        endpoints.filter(|endpoint| !addresses.contains(&endpoint.address))
    }

    /// Takes all endpoints out.
    pub(super) fn empty(&mut self) -> Vec<Member<C>> {
        std::mem::take(&mut self.endpoints)
            .into_iter()
            .zip(std::mem::take(&mut self.states))
            .collect()
    }

    /// The slots of the endpoints that get requests now.
    pub(super) fn slots(&self) -> usize {
        let slots = |backup| {
            let endpoints = self.endpoints.iter().filter(|endpoint| {
                let config = &endpoint.config;
                config.backup == backup && !config.down && !config.drain && endpoint.circuit().is_up()
            });
            endpoints
                .map(|endpoint| endpoint.limit())
                .fold(0, usize::saturating_add)
        };
        match slots(false) {
            0 => slots(true),
            slots => slots,
        }
    }

    pub(super) fn find(&self, id: Id) -> Option<usize> {
        self.endpoints.iter().position(|endpoint| endpoint.id == id)
    }

    /// Writes down where every endpoint stands now.
    pub(super) fn review(&mut self, now: Instant) {
        self.degraded = false;
        for (endpoint, state) in self.endpoints.iter().zip(&mut self.states) {
            state.breaker.publish(endpoint, now);
            self.degraded |= !state.breaker.is_settled();
        }
    }

    /// An exchange is over.
    pub(super) fn left(&mut self, at: usize, undecided: bool) {
        let (endpoint, breaker) = (&self.endpoints[at], &mut self.states[at].breaker);
        if undecided {
            breaker.undecided();
        }
        if endpoint.in_flight() == 0 {
            breaker.idle();
        }
        self.review(Instant::now());
    }

    /// The endpoint to use now.
    pub(super) fn choose(&mut self, constraints: &Constraints, claim: Claim) -> Choice {
        if self.degraded {
            self.review(Instant::now());
        }
        if let Some(own) = self.own(constraints, claim) {
            return own;
        }
        let Some(pick) = self.fit(constraints) else {
            return match constraints.tried.is_empty() && self.is_held(Instant::now()) {
                true => Choice::Wait,
                false => Choice::Nothing,
            };
        };
        let pick = Pick { claim, ..pick };
        let picked = self.balancer.pick(&self.endpoints, &pick);
        let picked = picked.or_else(|| self.balancer.pick(&self.endpoints, &pick.overflow()?));
        match picked {
            Some(at) => Choice::Use(at),
            None => Choice::Wait,
        }
    }

    /// The endpoint of the request's session, as long as it works. From one that is down the session moves.
    fn own(&self, constraints: &Constraints, claim: Claim) -> Option<Choice> {
        constraints.sticky?;
        let mut all = self.endpoints.iter().enumerate();
        let (at, endpoint) = all.find(|(_, endpoint)| constraints.belongs_to(endpoint))?;
        let possible = |circuit| {
            let backup = endpoint.config.backup;
            let pick = Pick {
                constraints,
                backup,
                circuit,
                claim,
            };
            pick.possible(endpoint)
        };
        // A full backlog opens the circuit of an endpoint that works.
        let full = self.states[at].breaker.is_full() && constraints.wait;
        let worst = if full {
            CircuitState::HalfOpen
        } else {
            CircuitState::Ejected
        };
        if possible(worst) && endpoint.has_room(claim) {
            return Some(Choice::Use(at));
        }
        let waits = constraints.wait && (possible(worst) || full && possible(CircuitState::Open));
        waits.then_some(Choice::Wait)
    }

    /// Which endpoints a request may use, full or not; `None`: there is none for now.
    pub(super) fn fit<'a>(&self, constraints: &'a Constraints) -> Option<Pick<'a>> {
        let circuits = [
            CircuitState::Closed,
            CircuitState::Ejected,
            CircuitState::HalfOpen,
            CircuitState::Open,
        ];
        for circuit in circuits {
            // None is known to be alive: then all are asked, rather than none.
            if circuit == CircuitState::Open && self.is_held(Instant::now()) {
                break;
            }
            for backup in [false, true] {
                let pick = Pick {
                    constraints,
                    backup,
                    circuit,
                    claim: Claim::New,
                };
                if self.endpoints.iter().any(|endpoint| pick.possible(endpoint)) {
                    return Some(pick);
                }
            }
        }
        None
    }

    pub(super) fn is_held(&self, now: Instant) -> bool {
        let alive = |(endpoint, state): (&Arc<Endpoint>, &EndpointState<C>)| {
            let breaker = &state.breaker;
            !endpoint.config.drain
                && !endpoint.config.down
                && (breaker.is_full() || breaker.last_alive(now).is_some_and(|at| now < at + self.hold))
        };
        let is_found_soon = self.empty_since.is_some_and(|since| now < since + self.hold);
        is_found_soon || self.endpoints.iter().zip(&self.states).any(alive)
    }

    /// When the waiting requests have a chance that they do not have now, or lose the last one.
    pub(super) fn next_chance(&self, now: Instant) -> Option<Instant> {
        let changes = self
            .states
            .iter()
            .filter_map(|state| state.breaker.next_change(now));
        let ends = self
            .states
            .iter()
            .filter_map(|state| Some(state.breaker.last_alive(now)? + self.hold))
            .filter(|end| *end > now);
        let found = self
            .empty_since
            .map(|since| since + self.hold)
            .filter(|end| *end > now);
        match self.degraded {
            true => changes.chain(ends).min(),
            false => found,
        }
    }

    /// When a connection will have been idle for `period`.
    pub(super) fn idle_due(&self, period: Duration) -> Option<Instant> {
        let oldest = self.states.iter().filter_map(|state| state.idle.front());
        oldest.map(|idle| idle.since + period).min()
    }

    /// Takes out what has been idle for `period`.
    pub(super) fn close_idle(&mut self, now: Instant, period: Duration) -> Vec<Idle<C>> {
        let mut closing = Vec::new();
        for (endpoint, state) in self.endpoints.iter().zip(&mut self.states) {
            while state
                .idle
                .front()
                .is_some_and(|idle| now.duration_since(idle.since) >= period)
            {
                closing.extend(state.idle.pop_front());
            }
            endpoint.set_idle(state.idle.len());
        }
        closing
    }
}
