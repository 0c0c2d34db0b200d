//! How much one address is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The use of one address, whatever upstreams and generations of the configuration have endpoints there. An exchange
/// occupies a worker of the application, and so does an idle connection.
#[derive(Debug, Default)]
pub struct Occupancy {
    /// Exchanges under way.
    in_flight: AtomicUsize,
    /// Idle connections kept.
    idle: AtomicUsize,
    /// Slots that were freed, and that those which wait are asked about first.
    offered: AtomicUsize,
    /// Several pools have endpoints there.
    shared: AtomicBool,
}

/// What a request that wants a slot of a shared address may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It has just come: a slot that is free. One on offer may go to a request that waits in another pool.
    New,
    /// It is its turn: a slot on offer, too.
    Turn,
}

/// A slot that was freed, on offer to those that wait. Dropped: whatever of it was not taken is free to all.
#[derive(Debug)]
pub struct Offer(Arc<Occupancy>);

/// The part of one endpoint in the occupancy of its address. Dropped: its idle connections are closed.
#[derive(Debug, Default)]
pub struct Tenancy {
    occupancy: Arc<Occupancy>,
    /// Idle connections kept.
    idle: AtomicUsize,
}

impl Occupancy {
    /// Exchanges under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Idle connections kept, in all pools together.
    pub fn idle(&self) -> usize {
        self.idle.load(Ordering::Relaxed)
    }

    /// Whether another exchange fits into a `limit`.
    pub(in crate::upstream) fn has_room(&self, limit: usize, claim: Claim) -> bool {
        self.admits(self.in_flight.load(Ordering::Acquire), limit, claim)
    }

    /// Begins an exchange, unless `limit` of them are under way.
    pub(in crate::upstream) fn enter(&self, limit: usize, claim: Claim) -> bool {
        let more = |in_flight: usize| self.admits(in_flight, limit, claim).then_some(in_flight + 1);
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Acquire, more)
            .is_ok()
    }

    fn admits(&self, in_flight: usize, limit: usize, claim: Claim) -> bool {
        let withheld = match claim {
            Claim::New => self.offered.load(Ordering::Relaxed),
            Claim::Turn => 0,
        };
        in_flight < limit.saturating_sub(withheld)
    }

    /// Ends an exchange.
    pub(in crate::upstream) fn leave(&self) {
        // What sees this sees the offer that came before it.
        let before = self.in_flight.fetch_sub(1, Ordering::Release);
        debug_assert!(before > 0, "a slot was freed twice");
    }

    /// The slot of an exchange that is about to end goes to those that wait.
    pub(in crate::upstream) fn offer(self: &Arc<Self>) -> Offer {
        self.offered.fetch_add(1, Ordering::Relaxed);
        Offer(self.clone())
    }

    /// Whether several pools have endpoints there: what one of them does is to be told to the others.
    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    /// From now on several pools have.
    pub(in crate::upstream) fn share(&self) {
        self.shared.store(true, Ordering::Relaxed);
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.0.offered.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Tenancy {
    /// A part without idle connections.
    pub(in crate::upstream) fn new(occupancy: Arc<Occupancy>) -> Self {
        Self {
            occupancy,
            idle: AtomicUsize::new(0),
        }
    }

    /// The whole.
    pub fn occupancy(&self) -> &Arc<Occupancy> {
        &self.occupancy
    }

    /// Idle connections kept.
    pub fn idle(&self) -> usize {
        self.idle.load(Ordering::Relaxed)
    }

    /// So many are kept from now on.
    pub(in crate::upstream) fn set_idle(&self, idle: usize) {
        let before = self.idle.swap(idle, Ordering::Relaxed);
        if before != idle {
            // The sum wraps, and is right again.
            self.occupancy
                .idle
                .fetch_add(idle.wrapping_sub(before), Ordering::Relaxed);
        }
    }

    /// How many idle connections fit beside what else occupies one of `limit` workers, when `leaving` of the exchanges
    /// are over.
    pub(in crate::upstream) fn room_for_idle(&self, limit: usize, leaving: usize) -> usize {
        let others = self.occupancy.idle().saturating_sub(self.idle());
        let busy = self.occupancy.in_flight().saturating_sub(leaving);
        limit.saturating_sub(busy).saturating_sub(others)
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        self.set_idle(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_all_tenants_together() {
        let occupancy = Arc::new(Occupancy::default());
        let enter = || occupancy.enter(2, Claim::New);
        assert!(enter() && enter() && !enter());
        occupancy.leave();
        let (one, other) = (Tenancy::new(occupancy.clone()), Tenancy::new(occupancy.clone()));
        one.set_idle(1);
        assert_eq!((one.room_for_idle(2, 0), other.room_for_idle(2, 0)), (1, 0));
    }

    #[test]
    fn a_slot_on_offer_is_for_those_that_wait() {
        let occupancy = Arc::new(Occupancy::default());
        assert!(occupancy.enter(2, Claim::New) && occupancy.enter(2, Claim::New));
        let offer = occupancy.offer();
        occupancy.leave();
        assert!(!occupancy.has_room(2, Claim::New) && !occupancy.enter(2, Claim::New));
        assert!(occupancy.has_room(2, Claim::Turn) && occupancy.enter(2, Claim::Turn));
        assert!(!occupancy.enter(2, Claim::Turn), "it was one");
        occupancy.leave();
        drop(offer);
        assert!(occupancy.enter(2, Claim::New), "none wanted it");
    }

    #[test]
    fn what_a_tenant_kept_goes_with_it() {
        let occupancy = Arc::new(Occupancy::default());
        let one = Tenancy::new(occupancy.clone());
        one.set_idle(3);
        one.set_idle(2);
        assert_eq!(occupancy.idle(), 2);
        drop(one);
        assert_eq!(occupancy.idle(), 0);
    }
}
