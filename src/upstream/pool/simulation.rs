//! A thousand seeded runs of requests that come, wait, leave, finish and keep, with the account checked after every
//! step. A failure names its seed.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::tests::config;
use super::*;

const SEEDS: u64 = 1_000;
const STEPS: usize = 80;

/// A connection that knows how many there are.
#[derive(Debug)]
struct Token {
    number: usize,
    live: Arc<AtomicUsize>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

type Acquired = Result<Grant<Token>, AdmissionError>;

struct Waiting {
    tried: Vec<usize>,
    deadline: Instant,
    acquiring: Pin<Box<dyn Future<Output = Acquired>>>,
}

struct World {
    random: fastrand::Rng,
    pool: Arc<Pool<Token>>,
    holders: Vec<Grant<Token>>,
    /// First come, first served.
    queue: Vec<Waiting>,
    live: Arc<AtomicUsize>,
    made: usize,
}

impl<C: Send + 'static> Pool<C> {
    /// What must be true between any two calls.
    fn check_invariants(&self) {
        let state = self.lock();
        let slots = self.limits.slots;
        assert!(state.waiters.len() <= self.limits.waiting, "more wait than may");
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            let (used, idle) = (endpoint.in_flight(), state.idle[index].len());
            assert!(
                used + idle <= slots,
                "endpoint {index}: {used} used and {idle} idle of {slots}"
            );
            assert!(idle <= self.limits.kept, "endpoint {index}: {idle} idle");
            for waiter in &state.waiters {
                let free = used < slots && self.suits(&waiter.tried, index);
                assert!(!free, "{} waits while endpoint {index} has a slot", waiter.ticket);
            }
        }
        assert!(state.waiters.iter().is_sorted_by_key(|waiter| waiter.ticket));
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let endpoints = random.usize(1..=4);
        let mut config = config(
            endpoints,
            random.usize(1..=3),
            random.usize(0..=3),
            random.usize(0..=5),
        );
        for endpoint in &mut config.endpoints[1..] {
            endpoint.backup = random.u8(..4) == 0;
            endpoint.weight = random.u32(1..=3);
        }
        config.timeouts.idle = Duration::from_millis(random.u64(1..3_000));
        Self {
            random,
            pool: Pool::new(&config),
            holders: Vec::new(),
            queue: Vec::new(),
            live: Arc::default(),
            made: 0,
        }
    }

    async fn step(&mut self) {
        match self.random.u8(..10) {
            0..4 => self.acquire(),
            4 | 5 => self.finish(false),
            6 | 7 => self.finish(true),
            8 => self.leave(),
            _ => self.wait().await,
        }
        self.pool.check_invariants();
    }

    fn acquire(&mut self) {
        let tried: Vec<_> = (0..self.pool.endpoints.len())
            .filter(|_| self.random.u8(..4) == 0)
            .collect();
        let deadline = Instant::now() + Duration::from_millis(self.random.u64(1..2_000));
        let (pool, own) = (self.pool.clone(), tried.clone());
        let mut waiting = Waiting {
            tried,
            deadline,
            acquiring: Box::pin(async move { pool.acquire(&own, deadline).await }),
        };
        let queued = self.pool.waiting();
        match poll(&mut waiting) {
            None => self.queue.push(waiting),
            Some(Ok(grant)) => self.hold(grant, &waiting.tried),
            Some(Err(AdmissionError::QueueFull)) => assert_eq!(queued, self.pool.limits.waiting),
            Some(Err(AdmissionError::NoEndpoint)) => {
                assert_eq!(waiting.tried.len(), self.pool.endpoints.len())
            }
            Some(Err(AdmissionError::QueueTimeout)) => panic!("timed out at once"),
        }
    }

    fn hold(&mut self, grant: Grant<Token>, tried: &[usize]) {
        assert!(
            self.pool.suits(tried, grant.slot.index()),
            "an endpoint that was tried"
        );
        self.holders.push(grant);
    }

    /// Ends an exchange: the first in the queue that may use its slot gets it, and nobody else does.
    fn finish(&mut self, keep: bool) {
        if self.holders.is_empty() {
            return;
        }
        let at = self.random.usize(..self.holders.len());
        let Grant { slot, idle } = self.holders.swap_remove(at);
        let index = slot.index();
        let heir = self
            .queue
            .iter()
            .position(|waiting| self.pool.suits(&waiting.tried, index));
        if keep {
            let token = idle.unwrap_or_else(|| self.token());
            slot.keep(token);
        } else {
            drop(idle);
            drop(slot);
        }
        // Sometimes the heir leaves with what it does not know it has.
        if let Some(heir) = heir
            && self.random.u8(..5) == 0
        {
            drop(self.queue.remove(heir));
            self.serve(None);
        } else {
            self.serve(Some(heir));
        }
    }

    fn token(&mut self) -> Token {
        self.made += 1;
        self.live.fetch_add(1, Ordering::Relaxed);
        Token {
            number: self.made,
            live: self.live.clone(),
        }
    }

    /// Lets those who were served know; `heir` is who must be.
    fn serve(&mut self, heir: Option<Option<usize>>) {
        let mut served = Vec::new();
        let now = Instant::now();
        for (at, mut waiting) in std::mem::take(&mut self.queue).into_iter().enumerate() {
            match poll(&mut waiting) {
                None => {
                    assert!(waiting.deadline > now, "waits beyond its deadline");
                    self.queue.push(waiting);
                }
                Some(Ok(grant)) => {
                    served.push(at);
                    self.hold(grant, &waiting.tried);
                }
                Some(Err(error)) => {
                    assert_eq!(error, AdmissionError::QueueTimeout);
                    assert!(waiting.deadline <= now, "timed out early");
                }
            }
        }
        if let Some(heir) = heir {
            assert_eq!(served, heir.into_iter().collect::<Vec<_>>(), "out of turn");
        }
        self.check_holders();
    }

    /// Nobody is on the way to its slot now: the counters are what is held.
    fn check_holders(&self) {
        let used: usize = self.pool.endpoints.iter().map(Endpoint::in_flight).sum();
        assert_eq!(used, self.holders.len(), "a slot leaked");
        assert_eq!(self.pool.waiting(), self.queue.len(), "a place leaked");
        let lent = self
            .holders
            .iter()
            .filter_map(|grant| Some(grant.idle.as_ref()?.number));
        let (count, lent) = (lent.clone().count(), lent.collect::<BTreeSet<_>>());
        assert_eq!(lent.len(), count, "a connection was lent twice");
        let live = self.live.load(Ordering::Relaxed);
        assert_eq!(live, count + self.pool.idle(), "a connection leaked");
    }

    fn leave(&mut self) {
        if !self.queue.is_empty() {
            let at = self.random.usize(..self.queue.len());
            drop(self.queue.remove(at));
        }
    }

    async fn wait(&mut self) {
        tokio::time::advance(Duration::from_millis(self.random.u64(..700))).await;
        self.serve(None);
    }

    async fn end(mut self) {
        self.queue.clear();
        self.holders.clear();
        self.pool.check_invariants();
        self.check_holders();
        tokio::time::sleep(2 * self.pool.limits.idle).await;
        assert_eq!(
            (self.pool.idle(), self.live.load(Ordering::Relaxed)),
            (0, 0),
            "kept for ever"
        );
    }
}

fn poll(waiting: &mut Waiting) -> Option<Acquired> {
    let mut cx = std::task::Context::from_waker(Waker::noop());
    match waiting.acquiring.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(acquired) => Some(acquired),
        std::task::Poll::Pending => None,
    }
}

/// Names the seed of a run that fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

#[test]
fn whatever_happens_the_account_is_right() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    for seed in 0..SEEDS {
        let _named = Seed(seed);
        runtime.block_on(async {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step().await;
            }
            world.end().await;
        });
    }
}
