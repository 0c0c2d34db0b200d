//! How requests get their slots: at once, or out of the queue.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fair::Charge;
use super::queue::{self, Place, Search, Waiter};
use super::slot::{Grant, Holding, Slot};
use super::{Pool, PoolState};
use crate::upstream::admit::endpoint_set::{Choice, Idle};
use crate::upstream::model::config::ProtocolName;
use crate::upstream::model::error::AdmissionError;
use crate::upstream::model::occupancy::Claim;
use crate::upstream::select::balance::Constraints;

impl<C: Send + 'static> Pool<C> {
    /// A slot for a request, if one is free.
    pub fn take_free(
        self: &Arc<Self>,
        constraints: &Constraints,
        now: Instant,
    ) -> Result<Option<Grant<C>>, AdmissionError> {
        let mut state = self.lock();
        let fair = state.queue.fair();
        if fair.is_some_and(|fair| !fair.may_have(constraints.client)) {
            return Ok(None);
        }
        let choice = state.set.choose(constraints, Claim::New);
        let (taken, stale) = match choice {
            Choice::Use(at) if state.set.endpoints[at].take_slot(Claim::New) => {
                let charge = state.queue.begin(constraints.client, now);
                self.take(&mut state, at, constraints.protocol, charge, now)
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

    /// A slot for a request, in its turn, at `deadline` at the latest. `ticket` is its place in the
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
            let last = state.queue.yield_to(constraints.client);
            let last = last.ok_or(AdmissionError::QueueFull)?;
            // It left in this moment: none is to be told.
            let _ = last.verdict.send(Err(AdmissionError::QueueFull));
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
        charge: Option<Charge>,
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
        let since = endpoint.is_adaptive().then_some(now);
        let is_counted = since.is_some() || charge.is_some();
        let holding = is_counted.then(|| Box::new(Holding { since, charge }));
        let slot = Slot {
            holding,
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

    /// Gives slots to the waiting requests, as far as there are any.
    pub(super) fn serve(self: &Arc<Self>, state: &mut PoolState<C>) {
        let mut search = Search::default();
        while self.serve_next(state, &mut search, Claim::New) {}
    }

    /// Gives a slot to the next of the waiting requests that may have one; whether there is one.
    pub(super) fn serve_next(
        self: &Arc<Self>,
        state: &mut PoolState<C>,
        search: &mut Search,
        claim: Claim,
    ) -> bool {
        state.share();
        while let Some(place) = state.queue.next(search)
            && let Some(waiter) = state.queue.get(place)
        {
            if search.full && waiter.constraints.is_unconstrained() {
                state.queue.pass(search);
                continue;
            }
            match state.set.choose(&waiter.constraints, claim) {
                Choice::Use(endpoint) if state.set.endpoints[endpoint].take_slot(claim) => {
                    if self.give(state, place, endpoint) {
                        search.turn();
                        return true;
                    }
                    // Its slot may be what those before it wait for.
                    *search = Search::default();
                }
                Choice::Nothing => {
                    if let Some(waiter) = state.queue.remove(place) {
                        // It left in this moment: none is to be told.
                        let _ = waiter.verdict.send(Err(AdmissionError::NoEndpoint));
                    }
                }
                // Another pool has taken the last slot in this moment.
                Choice::Use(_) | Choice::Wait if state.queue.all_unconstrained() => return false,
                Choice::Use(_) | Choice::Wait => {
                    search.full |= waiter.constraints.is_unconstrained();
                    state.queue.pass(search);
                }
            }
        }
        false
    }

    /// Gives the waiter at `at` the slot that was taken of the endpoint at `endpoint`; whether it was still there.
    fn give(self: &Arc<Self>, state: &mut PoolState<C>, at: usize, endpoint: usize) -> bool {
        let now = Instant::now();
        // Before it leaves the queue: a key that wants nothing for a moment is forgotten.
        let key = state.queue.get(at).map(|waiter| waiter.constraints.client);
        let charge = key.and_then(|key| state.queue.begin(key, now));
        let Some(waiter) = state.queue.remove(at) else {
            state.set.endpoints[endpoint].slot_freed();
            return true;
        };
        let (grant, stale) = self.take(state, endpoint, waiter.constraints.protocol, charge, now);
        // Rare, and nothing waits for them: closed under the lock.
        drop(stale);
        let Err(Ok(Grant { idle, mut slot })) = waiter.verdict.send(Ok(grant)) else {
            return true;
        };
        // It left in this moment. As if it had never been.
        slot.released = true;
        slot.endpoint.slot_freed();
        if let (Some(charge), Some(fair)) = (slot.charge(), state.queue.fair_mut()) {
            fair.undo(charge, now);
        }
        if slot.trial {
            state.set.left(endpoint, true);
        }
        if let Some(connection) = idle {
            drop(self.park(state, endpoint, connection, Instant::now(), 0));
        }
        false
    }
}
