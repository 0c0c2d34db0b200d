//! Where requests wait: first come, first served, or each key in its turn.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fair::{Charge, Cursor, Fair};
use super::slot::Grant;
use super::{AdmissionError, Pool};
use crate::upstream::select::balance::Constraints;

/// What a waiter is told.
pub(super) type Verdict<C> = Result<Grant<C>, AdmissionError>;

/// The waiters, in the order of their tickets.
pub(super) struct Queue<C: Send + 'static> {
    waiters: VecDeque<Waiter<C>>,
    next: u64,
    /// Waiters that do not take just any endpoint.
    constrained: usize,
    /// Whose turn it is, where it is not that of the first.
    fair: Option<Box<Fair>>,
    /// Waiters that had to go for those of other keys.
    displaced: u64,
}

/// How far the waiting requests were looked through.
#[derive(Default)]
pub(super) struct Search {
    /// The place of the next one.
    at: usize,
    /// The same, where keys take turns.
    cursor: Cursor,
    /// A request that takes any endpoint finds none: then all that do need not be asked.
    pub(super) full: bool,
}

/// A request that waits.
pub(super) struct Waiter<C: Send + 'static> {
    pub(super) ticket: u64,
    pub(super) constraints: Constraints,
    pub(super) since: Instant,
    pub(super) deadline: Instant,
    pub(super) verdict: oneshot::Sender<Verdict<C>>,
}

/// A place in the queue; given up when its owner leaves.
pub(super) struct Place<'a, C: Send + 'static> {
    pub(super) pool: &'a Pool<C>,
    pub(super) ticket: u64,
    pub(super) held: bool,
}

impl Search {
    /// A slot was given: the turns are others now.
    pub(super) fn turn(&mut self) {
        self.cursor = Cursor::default();
    }
}

impl<C: Send + 'static> Queue<C> {
    pub(super) fn new() -> Self {
        Self {
            waiters: VecDeque::new(),
            next: 0,
            constrained: 0,
            fair: None,
            displaced: 0,
        }
    }

    /// A new ticket, behind all others.
    pub(super) fn ticket(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether keys take turns from now on.
    pub(super) fn take_turns(&mut self, is_fair: bool, now: Instant) {
        if is_fair == self.fair.is_some() {
            return;
        }
        let epoch = self.ticket();
        self.fair = is_fair.then(|| {
            let mut fair = Box::new(Fair::new(epoch, now));
            for waiter in &self.waiters {
                fair.wait(waiter.constraints.client, waiter.ticket, now);
            }
            fair
        });
    }

    /// The account of the keys, where they take turns.
    pub(super) fn fair(&self) -> Option<&Fair> {
        self.fair.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn fair_mut(&mut self) -> Option<&mut Fair> {
        self.fair.as_deref_mut()
    }

    /// An exchange of the key begins.
    pub(super) fn begin(&mut self, key: u64, now: Instant) -> Option<Charge> {
        self.fair.as_mut().map(|fair| fair.begin(key, now))
    }

    /// The place of the next waiter that may have a slot.
    pub(super) fn next(&mut self, search: &mut Search) -> Option<usize> {
        let Some(fair) = &mut self.fair else {
            return (search.at < self.waiters.len()).then_some(search.at);
        };
        let ticket = fair.next(&mut search.cursor, Instant::now())?;
        Some(self.find(ticket))
    }

    /// The waiter that was found stays, and the next one has its turn.
    pub(super) fn pass(&self, search: &mut Search) {
        search.at += 1;
    }

    /// Makes room for a request of the key, at the cost of the key with the most that wait; gives the one that has to go.
    pub(super) fn yield_to(&mut self, key: u64) -> Option<Waiter<C>> {
        let ticket = self.fair.as_ref()?.yields(key)?;
        let waiter = self.leave(ticket)?;
        self.displaced += 1;
        Some(waiter)
    }

    /// Waiters that had to go for those of other keys.
    pub(super) fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Takes a place where its ticket belongs: a request that comes back does not start again at the end.
    pub(super) fn enter(&mut self, waiter: Waiter<C>) {
        let at = self.find(waiter.ticket);
        self.constrained += usize::from(!waiter.constraints.is_unconstrained());
        if let Some(fair) = &mut self.fair {
            fair.wait(waiter.constraints.client, waiter.ticket, waiter.since);
        }
        self.waiters.insert(at, waiter);
    }

    /// Gives a place up; `None` when it was served.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Waiter<C>> {
        let at = self.find(ticket);
        let is_there = self.waiters.get(at).is_some_and(|waiter| waiter.ticket == ticket);
        is_there.then(|| self.remove(at)).flatten()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Waiter<C>> {
        self.waiters.get(at)
    }

    pub(super) fn remove(&mut self, at: usize) -> Option<Waiter<C>> {
        let removed = self.waiters.remove(at)?;
        self.constrained -= usize::from(!removed.constraints.is_unconstrained());
        if let Some(fair) = &mut self.fair {
            fair.stop(removed.constraints.client, removed.ticket, Instant::now());
        }
        Some(removed)
    }

    /// Whether every waiter takes any endpoint.
    pub(super) fn all_unconstrained(&self) -> bool {
        self.constrained == 0
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter<C>> {
        self.waiters.iter()
    }

    /// Tells those whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(waiter) = self.waiters.get(at) {
            if waiter.deadline > now {
                at += 1;
            } else if let Some(late) = self.remove(at) {
                // It left in this moment: none is to be told.
                let _ = late.verdict.send(Err(AdmissionError::QueueTimeout));
            }
        }
    }

    fn find(&self, ticket: u64) -> usize {
        self.waiters.partition_point(|waiter| waiter.ticket < ticket)
    }
}

impl<C: Send + 'static> Drop for Place<'_, C> {
    fn drop(&mut self) {
        if self.held {
            // Outside the lock: a grant inside would give its slot back.
            let left = self.pool.lock().queue.leave(self.ticket);
            drop(left);
        }
    }
}
