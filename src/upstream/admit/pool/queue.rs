//! Where requests wait: first come, first served.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

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

impl<C: Send + 'static> Queue<C> {
    pub(super) fn new() -> Self {
        Self {
            waiters: VecDeque::new(),
            next: 0,
            constrained: 0,
        }
    }

    /// A new ticket, behind all others.
    pub(super) fn ticket(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Takes a place where its ticket belongs: a request that comes back does not start again at the end.
    pub(super) fn enter(&mut self, waiter: Waiter<C>) {
        let at = self.find(waiter.ticket);
        self.constrained += usize::from(!waiter.constraints.is_unconstrained());
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
