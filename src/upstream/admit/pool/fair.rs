//! Whose turn it is, where workers are shared between keys.
//!
//! Start-time fair queueing over worker time: the next slot goes to the key that has had the least, and within a key to
//! the request that came first. A key that comes begins where the others are, whatever it had not wanted before. What an
//! exchange takes is known when it is over; until then it counts with what it has taken, or is expected to.
//!
//! A key never has more than its share of the slots, whether others wait or not: its exchanges may be long, and what
//! comes next needs a worker now.

mod account;
mod clock;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use tokio::time::Instant;

use account::{Account, mean};
use clock::{Clock, Work};

/// The accounts of the keys that want workers, and of some that had more than their part.
#[derive(Debug)]
pub(super) struct Fair {
    /// Tells this account from earlier ones.
    epoch: u64,
    clock: Clock,
    accounts: HashMap<u64, Account>,
    /// Those of the keys that wait and may have another slot.
    turns: BTreeSet<Turn>,
    /// How many requests of each key wait.
    crowds: BTreeSet<(usize, u64)>,
    /// Keys that want nothing and are remembered, in the order in which they left.
    resting: VecDeque<u64>,
    /// Slots that one key may have.
    share: usize,
    /// What an exchange takes, over all keys.
    usual: Work,
}

/// The place of a key among those that wait: what it has had, its first ticket, and the key.
pub(super) type Turn = (Work, u64, u64);

/// An exchange of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    key: u64,
    epoch: u64,
    began: Work,
    expected: Work,
}

/// How far the waiting requests were looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor(Option<(Turn, u64)>);

/// Keys that want nothing and are remembered. Beyond that the one goes that left first.
const RESTING: usize = 4096;

/// The weight of the last exchange in the mean over all keys is one of so many parts.
const MEMORY: Work = 32;

impl Fair {
    pub(super) fn new(epoch: u64, now: Instant) -> Self {
        Self {
            epoch,
            clock: Clock::new(now),
            accounts: HashMap::new(),
            turns: BTreeSet::new(),
            crowds: BTreeSet::new(),
            resting: VecDeque::new(),
            share: usize::MAX,
            usual: 0,
        }
    }

    /// One key may have so many slots from now on.
    pub(super) fn set_share(&mut self, share: usize) {
        let before = std::mem::replace(&mut self.share, share);
        if share > before {
            let capped = self.accounts.iter().filter(|(_, account)| account.is_capped);
            let capped: Vec<_> = capped.map(|(key, _)| *key).collect();
            capped.into_iter().for_each(|key| self.file(key));
        }
    }

    /// Whether the key may have another slot.
    pub(super) fn may_have(&self, key: u64) -> bool {
        let account = self.accounts.get(&key);
        account.is_none_or(|account| account.running < self.share)
    }

    /// A request of the key waits from now on.
    pub(super) fn wait(&mut self, key: u64, ticket: u64, now: Instant) {
        self.wake(key, now);
        self.change(key, |account| account.waiting.insert(ticket));
    }

    /// A request of the key does not wait any more.
    pub(super) fn stop(&mut self, key: u64, ticket: u64, now: Instant) {
        self.clock.time(now);
        self.change(key, |account| account.waiting.remove(&ticket));
        self.rest(key, now);
    }

    /// An exchange of the key begins.
    pub(super) fn begin(&mut self, key: u64, now: Instant) -> Charge {
        self.wake(key, now);
        let (began, usual) = (self.clock.moment(now), self.usual);
        let mut expected = 0;
        self.change(key, |account| expected = account.begin(began, usual));
        self.clock.running += 1;
        Charge {
            key,
            epoch: self.epoch,
            began,
            expected,
        }
    }

    /// An exchange is over, and the key has had what it took.
    pub(super) fn end(&mut self, charge: Charge, now: Instant) {
        let took = self.clock.moment(now).saturating_sub(charge.began);
        if self.take_back(charge, now, Some(took)) {
            self.usual = match self.usual {
                0 => took,
                usual => mean(usual, took, MEMORY),
            };
        }
    }

    /// An exchange has not taken place.
    pub(super) fn undo(&mut self, charge: Charge, now: Instant) {
        self.take_back(charge, now, None);
    }

    fn take_back(&mut self, charge: Charge, now: Instant, took: Option<Work>) -> bool {
        // The exchange began when the queue was another one.
        if charge.epoch != self.epoch || !self.accounts.contains_key(&charge.key) {
            return false;
        }
        let time = self.clock.time(now);
        self.change(charge.key, |account| {
            account.forget(charge.began, charge.expected);
            if let Some(took) = took {
                account.charge(took, time);
            }
        });
        self.clock.running -= 1;
        self.rest(charge.key, now);
        true
    }

    /// The ticket of the next waiting request that may have a slot, behind those at which the cursor was.
    pub(super) fn next(&mut self, cursor: &mut Cursor, now: Instant) -> Option<u64> {
        let time = self.clock.time(now);
        let mut behind = Unbounded;
        if let Some((turn, last)) = cursor.0 {
            let account = self.accounts.get(&turn.2);
            let next = account.and_then(|account| account.waiting.range(last + 1..).next());
            if let Some(ticket) = next {
                cursor.0 = Some((turn, *ticket));
                return next.copied();
            }
            behind = Excluded(turn);
        }
        loop {
            let turn = *self.turns.range((behind, Unbounded)).next()?;
            let (had, ticket, key) = turn;
            let account = self.accounts.get(&key)?;
            // It has had more since it took its place: others may be before it now.
            if account.had_by(self.clock.moment(now), time) > had || !self.may_have(key) {
                self.file(key);
                continue;
            }
            cursor.0 = Some((turn, ticket));
            return Some(ticket);
        }
    }

    /// The last ticket of the key with the most waiting requests, if that is to give its place up to a request of `key`.
    pub(super) fn yields(&self, key: u64) -> Option<u64> {
        let own = self.accounts.get(&key).map_or(0, |account| account.waiting.len());
        let (most, longest) = self.crowds.last()?;
        let account = self.accounts.get(longest).filter(|_| *most > own + 1)?;
        account.waiting.last().copied()
    }

    /// Keys whose requests wait, and those of them that have their share of the slots.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.crowds.len(), self.crowds.len() - self.turns.len())
    }

    /// The key wants workers: it begins where the others are.
    fn wake(&mut self, key: u64, now: Instant) {
        let time = self.clock.time(now);
        let account = self.accounts.entry(key).or_default();
        if !account.is_active() {
            account.had = account.had.max(time);
            self.clock.active += 1;
        }
    }

    /// Changes an account, and its place among the others with it.
    fn change<T>(&mut self, key: u64, change: impl FnOnce(&mut Account) -> T) {
        let Some(account) = self.accounts.get_mut(&key) else {
            return;
        };
        let before = account.waiting.len();
        change(account);
        let after = account.waiting.len();
        if before != after {
            self.crowds.remove(&(before, key));
            if after > 0 {
                self.crowds.insert((after, key));
            }
        }
        self.file(key);
    }

    /// Gives an account its place, by what is known of it now.
    fn file(&mut self, key: u64) {
        let Some(account) = self.accounts.get_mut(&key) else {
            return;
        };
        if let Some(turn) = account.turn.take() {
            self.turns.remove(&turn);
        }
        let first = account.waiting.first().copied();
        account.is_capped = first.is_some() && account.running >= self.share;
        if let Some(first) = first.filter(|_| !account.is_capped) {
            let turn = (
                account.had_by(self.clock.now(), self.clock.virtual_time()),
                first,
                key,
            );
            account.turn = Some(turn);
            self.turns.insert(turn);
        }
    }

    /// Remembers a key that wants nothing any more as long as it has had more than its part.
    fn rest(&mut self, key: u64, now: Instant) {
        let time = self.clock.time(now);
        let Some(account) = self.accounts.get_mut(&key).filter(|account| !account.is_active()) else {
            return;
        };
        self.clock.active -= 1;
        if !account.is_resting {
            account.is_resting = true;
            self.resting.push_back(key);
        }
        while let Some(first) = self.resting.front().copied() {
            let account = self.accounts.get_mut(&first);
            let is_active = account.as_ref().is_some_and(|account| account.is_active());
            let is_due = account.as_ref().is_none_or(|account| account.had <= time);
            if !is_active && !is_due && self.resting.len() <= RESTING {
                return;
            }
            self.resting.pop_front();
            match account {
                Some(account) if is_active => account.is_resting = false,
                _ => drop(self.accounts.remove(&first)),
            }
        }
    }
}

#[cfg(test)]
mod invariants;

#[cfg(test)]
mod tests;
