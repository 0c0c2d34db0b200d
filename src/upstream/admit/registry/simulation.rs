//! A thousand seeded runs of two pools at the same addresses, with the account of both checked after each step. A failure
//! names its seed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::upstream::admit::Pool;
use crate::upstream::admit::pool::{Grant, tests::config};
use crate::upstream::model::AdmissionError;
use crate::upstream::select::balance::Constraints;

const SEEDS: u64 = 1_000;
const STEPS: usize = 100;

type Acquiring = Pin<Box<dyn Future<Output = Result<Grant<u32>, AdmissionError>>>>;

struct Twins {
    random: fastrand::Rng,
    pools: [Arc<Pool<u32>>; 2],
    holders: Vec<Grant<u32>>,
    /// With the index of the pool.
    queue: Vec<(usize, Acquiring)>,
}

impl Twins {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let registry = Arc::default();
        let addresses = random.usize(1..=2);
        let pools = [(); 2].map(|()| {
            let config = config(addresses, random.usize(1..=3), random.usize(0..=3), 5);
            Pool::new(&config, &registry)
        });
        Self {
            random,
            pools,
            holders: Vec::new(),
            queue: Vec::new(),
        }
    }

    fn step(&mut self) {
        match self.random.u8(..8) {
            0..4 => self.acquire(),
            4..7 => self.finish(),
            _ => self.leave(),
        }
        self.serve();
        self.check();
    }

    fn acquire(&mut self) {
        let at = self.random.usize(..2);
        let pool = self.pools[at].clone();
        let deadline = Instant::now() + Duration::from_secs(60);
        let acquiring = async move {
            let any = Constraints::default();
            pool.acquire(&any, deadline, &mut None).await
        };
        self.queue.push((at, Box::pin(acquiring)));
    }

    fn finish(&mut self) {
        if self.holders.is_empty() {
            return;
        }
        let at = self.random.usize(..self.holders.len());
        let Grant { idle, slot } = self.holders.swap_remove(at);
        match self.random.bool() {
            true => slot.keep(idle.unwrap_or_default()),
            false => drop(slot),
        }
    }

    fn leave(&mut self) {
        if !self.queue.is_empty() {
            let at = self.random.usize(..self.queue.len());
            drop(self.queue.remove(at));
        }
    }

    /// Lets those know that were served, until no more are.
    fn serve(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut before = usize::MAX;
        while self.queue.len() != before {
            before = self.queue.len();
            for (at, mut acquiring) in std::mem::take(&mut self.queue) {
                match acquiring.as_mut().poll(&mut cx) {
                    Poll::Ready(Ok(grant)) => self.holders.push(grant),
                    Poll::Ready(Err(error)) => assert_eq!(error, AdmissionError::QueueFull),
                    Poll::Pending => self.queue.push((at, acquiring)),
                }
            }
        }
    }

    fn check(&self) {
        for (at, pool) in self.pools.iter().enumerate() {
            let mut free = false;
            for endpoint in pool.endpoints() {
                let (limit, occupancy) = (endpoint.limit(), endpoint.occupancy());
                let at_address =
                    |grant: &&Grant<u32>| Arc::ptr_eq(grant.slot.endpoint().occupancy(), occupancy);
                assert_eq!(
                    occupancy.in_flight(),
                    self.holders.iter().filter(at_address).count(),
                    "a slot leaked"
                );
                let own = |grant: &&Grant<u32>| grant.slot.endpoint().id == endpoint.id;
                assert!(
                    self.holders.iter().filter(own).count() <= limit,
                    "more than the pool may"
                );
                assert!(
                    endpoint.idle() == 0 || occupancy.in_flight() + occupancy.idle() <= limit,
                    "a connection is kept that occupies a worker in use"
                );
                free |= endpoint.has_room();
            }
            let waits = self.queue.iter().any(|(of, _)| *of == at);
            assert!(!(waits && free), "a request waits while a worker is free");
        }
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

#[tokio::test(start_paused = true)]
async fn two_pools_at_one_address_keep_one_account() {
    // A budget of polls would hide grants.
    let runs = tokio::task::unconstrained(async {
        for seed in 0..SEEDS {
            let _named = Seed(seed);
            let mut twins = Twins::new(seed);
            for _ in 0..STEPS {
                twins.step();
            }
        }
    });
    runs.await;
}
