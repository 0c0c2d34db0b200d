//! Slots, the queue in front of them, and idle connections: an exact account under one lock.
//!
//! A slot is the right to use one worker of an endpoint. An idle kept connection pins a worker too, so that
//! slots in use and idle connections together never exceed `max_connections`. Whoever gives a slot back
//! hands it to the first in the queue that may use it; only when nobody waits is it free.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::balance::{self, Balancer, Pick};
use super::config::Config;
use super::endpoint::Endpoint;

/// The slots of one upstream. `C` is what a kept connection is.
pub struct Pool<C: Send + 'static> {
    endpoints: Vec<Endpoint>,
    balancer: Box<dyn Balancer>,
    limits: Limits,
    state: Mutex<State<C>>,
}

/// The right to use one worker; given back when dropped.
pub struct Slot<C: Send + 'static> {
    pool: Arc<Pool<C>>,
    endpoint: usize,
    /// Set while the slot is not to be given back by `drop`: it was handed over.
    spent: bool,
}

/// A slot, with a connection when one was idle.
pub struct Grant<C: Send + 'static> {
    /// A connection that an earlier exchange left behind. Dropped before the slot: the worker is free when the
    /// connection is closed.
    pub idle: Option<C>,
    /// The right.
    pub slot: Slot<C>,
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// As many wait as may wait.
    #[error("queue is full")]
    QueueFull,
    /// No slot became free in time.
    #[error("no free worker in time")]
    QueueTimeout,
    /// Every endpoint was tried.
    #[error("no endpoint is left to try")]
    NoEndpoint,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    slots: usize,
    kept: usize,
    idle: Duration,
    waiting: usize,
}

struct State<C: Send + 'static> {
    idle: Vec<VecDeque<Idle<C>>>,
    waiters: VecDeque<Waiter<C>>,
    next_ticket: u64,
    reaping: bool,
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

struct Waiter<C: Send + 'static> {
    ticket: u64,
    tried: Vec<usize>,
    grant: oneshot::Sender<Grant<C>>,
}

impl<C: Send + 'static> Pool<C> {
    /// A pool for the endpoints of an upstream.
    pub fn new(config: &Config) -> Arc<Self> {
        let endpoints: Vec<_> = config.endpoints.iter().map(Endpoint::new).collect();
        let slots = config.max_connections.first();
        Arc::new(Self {
            balancer: balance::make(config.balance, endpoints.len()),
            limits: Limits {
                slots,
                kept: config.keep_alive.min(slots),
                idle: config.timeouts.idle,
                waiting: config.queue.size,
            },
            state: Mutex::new(State {
                idle: endpoints.iter().map(|_| VecDeque::new()).collect(),
                waiters: VecDeque::new(),
                next_ticket: 0,
                reaping: false,
            }),
            endpoints,
        })
    }

    /// The endpoints, in the order of the configuration.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Requests that wait for a slot now.
    pub fn waiting(&self) -> usize {
        self.lock().waiters.len()
    }

    /// Idle connections kept now.
    pub fn idle(&self) -> usize {
        self.lock().idle.iter().map(VecDeque::len).sum()
    }

    /// A slot of an endpoint that is not in `tried`, if one is free.
    pub fn take_free(self: &Arc<Self>, tried: &[usize]) -> Result<Option<Grant<C>>, AdmissionError> {
        let mut state = self.lock();
        Ok(self.pick(tried)?.map(|endpoint| self.take(&mut state, endpoint)))
    }

    /// A slot of an endpoint that is not in `tried`, first come, first served, at `deadline` at the latest.
    pub async fn acquire(
        self: &Arc<Self>,
        tried: &[usize],
        deadline: Instant,
    ) -> Result<Grant<C>, AdmissionError> {
        let (mut place, granted) = {
            let mut state = self.lock();
            if let Some(endpoint) = self.pick(tried)? {
                return Ok(self.take(&mut state, endpoint));
            }
            if state.waiters.len() >= self.limits.waiting {
                return Err(AdmissionError::QueueFull);
            }
            let (grant, granted) = oneshot::channel();
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            state.waiters.push_back(Waiter {
                ticket,
                tried: tried.to_vec(),
                grant,
            });
            (
                Place {
                    pool: self,
                    ticket,
                    held: true,
                },
                granted,
            )
        };
        let granted = tokio::time::timeout_at(deadline, granted).await;
        let Ok(Ok(grant)) = granted else {
            return Err(AdmissionError::QueueTimeout);
        };
        place.held = false;
        Ok(grant)
    }

    /// The endpoint to use now; `None` when all that may be used are full.
    fn pick(&self, tried: &[usize]) -> Result<Option<usize>, AdmissionError> {
        for backup in [false, true] {
            let pick = Pick {
                tried,
                slots: self.limits.slots,
                backup,
            };
            let mut all = self.endpoints.iter().enumerate();
            if all.any(|(index, endpoint)| pick.possible(index, endpoint)) {
                return Ok(self.balancer.pick(&self.endpoints, &pick));
            }
        }
        Err(AdmissionError::NoEndpoint)
    }

    /// Whether a waiter that tried `tried` would take a slot of this endpoint.
    fn suits(&self, tried: &[usize], index: usize) -> bool {
        let possible = |backup, index: usize, endpoint| {
            Pick {
                tried,
                slots: self.limits.slots,
                backup,
            }
            .possible(index, endpoint)
        };
        let endpoint = &self.endpoints[index];
        if !endpoint.backup {
            return possible(false, index, endpoint);
        }
        let primary = self
            .endpoints
            .iter()
            .enumerate()
            .any(|(index, other)| possible(false, index, other));
        !primary && possible(true, index, endpoint)
    }

    fn take(self: &Arc<Self>, state: &mut State<C>, endpoint: usize) -> Grant<C> {
        self.endpoints[endpoint].slot_taken();
        // The youngest: the others get a chance to grow old and be closed.
        let mut idle = state.idle[endpoint].pop_back();
        // Not reached through an idle time that the reaper has not seen yet.
        if idle
            .as_ref()
            .is_some_and(|idle| idle.since.elapsed() >= self.limits.idle)
        {
            idle = None;
        }
        let slot = Slot {
            pool: self.clone(),
            endpoint,
            spent: false,
        };
        Grant {
            slot,
            idle: idle.map(|idle| idle.connection),
        }
    }

    /// Gives the slot to the first waiter that suits, else frees it and keeps the connection if it may.
    fn release(self: &Arc<Self>, endpoint: usize, mut connection: Option<C>) {
        let mut state = self.lock();
        while let Some(at) = state
            .waiters
            .iter()
            .position(|waiter| self.suits(&waiter.tried, endpoint))
        {
            let Some(waiter) = state.waiters.remove(at) else {
                break;
            };
            let slot = Slot {
                pool: self.clone(),
                endpoint,
                spent: false,
            };
            match waiter.grant.send(Grant {
                slot,
                idle: connection.take(),
            }) {
                Ok(()) => return self.endpoints[endpoint].slot_handed_over(),
                // It left in this moment: the next one.
                Err(mut refused) => {
                    refused.slot.spent = true;
                    connection = refused.idle.take();
                }
            }
        }
        self.endpoints[endpoint].slot_freed();
        if let Some(connection) = connection {
            self.park(&mut state, endpoint, connection);
        }
    }

    /// Keeps a connection; the oldest goes when there are too many.
    fn park(self: &Arc<Self>, state: &mut State<C>, endpoint: usize, connection: C) {
        let in_use = self.endpoints[endpoint].in_flight();
        let room = self.limits.kept.min(self.limits.slots.saturating_sub(in_use));
        if room == 0 {
            return;
        }
        let idle = &mut state.idle[endpoint];
        while idle.len() >= room {
            idle.pop_front();
        }
        idle.push_back(Idle {
            connection,
            since: Instant::now(),
        });
        if !state.reaping {
            state.reaping = true;
            tokio::spawn(reap(Arc::downgrade(self), self.limits.idle));
        }
    }

    /// Closes what has been idle for too long; gives the moment when the next one is due.
    fn close_idle(&self) -> Option<Instant> {
        let mut state = self.lock();
        let period = self.limits.idle;
        for idle in &mut state.idle {
            while idle.front().is_some_and(|idle| idle.since.elapsed() >= period) {
                idle.pop_front();
            }
        }
        let oldest = state
            .idle
            .iter()
            .filter_map(|idle| idle.front())
            .map(|idle| idle.since)
            .min();
        state.reaping = oldest.is_some();
        oldest.map(|oldest| oldest + period)
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Send + 'static> Slot<C> {
    /// The endpoint whose worker this is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.pool.endpoints[self.endpoint]
    }

    /// The endpoint's place in the configuration.
    pub fn index(&self) -> usize {
        self.endpoint
    }

    /// Gives the slot back together with a connection that can serve another exchange.
    pub fn keep(mut self, connection: C) {
        self.spent = true;
        self.pool.release(self.endpoint, Some(connection));
    }
}

impl<C: Send + 'static> Drop for Slot<C> {
    fn drop(&mut self) {
        if !self.spent {
            self.pool.release(self.endpoint, None);
        }
    }
}

/// A place in the queue; given up when its owner leaves.
struct Place<'a, C: Send + 'static> {
    pool: &'a Pool<C>,
    ticket: u64,
    held: bool,
}

impl<C: Send + 'static> Drop for Place<'_, C> {
    fn drop(&mut self) {
        if self.held {
            let left = {
                let mut state = self.pool.lock();
                let at = state
                    .waiters
                    .iter()
                    .position(|waiter| waiter.ticket == self.ticket);
                at.and_then(|at| state.waiters.remove(at))
            };
            // Outside the lock: a grant inside would give its slot back.
            drop(left);
        }
    }
}

/// Closes idle connections in time. Ends when none is left or the pool is gone.
async fn reap<C: Send + 'static>(pool: Weak<Pool<C>>, period: Duration) {
    let mut due = Instant::now() + period;
    loop {
        tokio::time::sleep_until(due).await;
        let Some(pool) = pool.upgrade() else { return };
        match pool.close_idle() {
            Some(next) => due = next,
            None => return,
        }
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::upstream::config::{Balance, EndpointConfig, ProtocolName, Queue, Slots, Timeouts};
    use crate::upstream::profile::Profile;

    pub(in crate::upstream) fn config(endpoints: usize, slots: usize, kept: usize, waiting: usize) -> Config {
        let endpoint = EndpointConfig {
            address: "127.0.0.1:1".parse().unwrap(),
            weight: 1,
            backup: false,
        };
        Config {
            name: "test".into(),
            protocol: ProtocolName::FastCgi,
            quirks: Profile::Generic.quirks(),
            endpoints: vec![endpoint; endpoints],
            balance: Balance::RoundRobin,
            max_connections: Slots::Fixed(slots),
            health: None,
            keep_alive: kept,
            queue: Queue {
                size: waiting,
                timeout: Duration::from_secs(1),
            },
            timeouts: Timeouts::default(),
            head_size: Config::HEAD_SIZE,
            head_fields: Config::HEAD_FIELDS,
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    /// Waits until `count` requests wait in the queue.
    async fn queued(pool: &Pool<u32>, count: usize) {
        while pool.waiting() != count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn slots_are_exact_and_the_queue_is_first_come_first_served() {
        let pool = Pool::<u32>::new(&config(1, 1, 0, 2));
        let first = pool.acquire(&[], soon()).await.unwrap();
        let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
        for name in [1, 2] {
            let (pool, order) = (pool.clone(), order.clone());
            tokio::spawn(async move {
                let granted = pool.acquire(&[], soon()).await.map(drop);
                order.send((name, granted)).unwrap();
            });
            queued(&Arc::clone(&first.slot.pool), name).await;
        }
        assert_eq!(
            pool.acquire(&[], soon()).await.err(),
            Some(AdmissionError::QueueFull)
        );
        drop(first);
        assert_eq!(served.recv().await, Some((1, Ok(()))));
        assert_eq!(served.recv().await, Some((2, Ok(()))));
        assert_eq!(pool.endpoints()[0].in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_told_so_and_leaves_no_trace() {
        let pool = Pool::<u32>::new(&config(1, 1, 0, 1));
        let _first = pool.acquire(&[], soon()).await.unwrap();
        assert_eq!(
            pool.acquire(&[], soon()).await.err(),
            Some(AdmissionError::QueueTimeout)
        );
        assert_eq!(pool.waiting(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_gives_the_place_up() {
        let pool = Pool::<u32>::new(&config(1, 1, 0, 1));
        let first = pool.acquire(&[], soon()).await.unwrap();
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.acquire(&[], soon()).await.map(drop) }
        });
        queued(&pool, 1).await;
        waiting.abort();
        queued(&pool, 0).await;
        drop(first);
        assert_eq!(pool.endpoints()[0].in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_lent_and_counts_as_a_slot() {
        let pool = Pool::new(&config(1, 2, 2, 1));
        let one = pool.acquire(&[], soon()).await.unwrap();
        let two = pool.acquire(&[], soon()).await.unwrap();
        one.slot.keep(1);
        assert_eq!((pool.idle(), pool.endpoints()[0].in_flight()), (1, 1));
        let three = pool.acquire(&[], soon()).await.unwrap();
        assert_eq!(three.idle, Some(1));
        two.slot.keep(2);
        three.slot.keep(3);
        assert_eq!((pool.idle(), pool.endpoints()[0].in_flight()), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_lent_the_connection_at_once() {
        let pool = Pool::new(&config(1, 1, 1, 1));
        let one = pool.acquire(&[], soon()).await.unwrap();
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move { pool.acquire(&[], soon()).await.map(|grant| grant.idle) }
        });
        queued(&pool, 1).await;
        one.slot.keep(7);
        assert_eq!(waiting.await.unwrap(), Ok(Some(7)));
    }

    /// Notes at its end whether a slot was still taken.
    struct Watching(Weak<Pool<Watching>>, Arc<AtomicUsize>);

    impl Drop for Watching {
        fn drop(&mut self) {
            let taken = self.0.upgrade().map_or(0, |pool| pool.endpoints()[0].in_flight());
            self.1.store(taken, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_closed_before_its_slot_is_free() {
        let pool = Pool::new(&config(1, 1, 1, 1));
        let taken = Arc::new(AtomicUsize::new(0));
        let watching = Watching(Arc::downgrade(&pool), taken.clone());
        pool.acquire(&[], soon()).await.unwrap().slot.keep(watching);
        drop(pool.acquire(&[], soon()).await.unwrap());
        assert_eq!(taken.load(Ordering::Relaxed), 1);
        assert_eq!((pool.idle(), pool.endpoints()[0].in_flight()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_are_closed_in_time() {
        let config = config(1, 4, 4, 1);
        let pool = Pool::new(&config);
        let (one, two) = (
            pool.acquire(&[], soon()).await.unwrap(),
            pool.acquire(&[], soon()).await.unwrap(),
        );
        one.slot.keep(1);
        tokio::time::sleep(config.timeouts.idle / 2).await;
        two.slot.keep(2);
        tokio::time::sleep(config.timeouts.idle / 2 + Duration::from_millis(10)).await;
        assert_eq!(pool.idle(), 1);
        tokio::time::sleep(config.timeouts.idle).await;
        assert_eq!(pool.idle(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_backup_is_used_only_when_the_others_were_tried() {
        let mut config = config(2, 1, 0, 1);
        config.endpoints[1].backup = true;
        let pool = Pool::<u32>::new(&config);
        let first = pool.acquire(&[], soon()).await.unwrap();
        assert_eq!(first.slot.index(), 0);
        assert_eq!(
            pool.acquire(&[], soon()).await.err(),
            Some(AdmissionError::QueueTimeout)
        );
        assert_eq!(pool.acquire(&[0], soon()).await.unwrap().slot.index(), 1);
        assert_eq!(
            pool.acquire(&[0, 1], soon()).await.err(),
            Some(AdmissionError::NoEndpoint)
        );
    }
}
