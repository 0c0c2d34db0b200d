//! A thousand seeded runs of pools at the same addresses, one of which now and then makes way for another, with the account
//! of all checked after each step. A failure names its seed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::upstream::admit::Pool;
use crate::upstream::admit::pool::{Grant, tests::config};
use crate::upstream::model::{AdmissionError, Claim};
use crate::upstream::select::balance::Constraints;

const SEEDS: u64 = 1_000;
const STEPS: usize = 100;

/// Slots of a pool at most: those that the server has.
const WORKERS: usize = 3;

/// A connection that the server counts as long as it is open.
#[derive(Debug)]
struct Open(Arc<AtomicUsize>);

impl Open {
    fn connect(server: &Arc<AtomicUsize>) -> Self {
        let before = server.fetch_add(1, Ordering::Relaxed);
        assert!(before < WORKERS, "more connections than the server has workers");
        Self(server.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

type Acquiring = Pin<Box<dyn Future<Output = Result<Grant<Open>, AdmissionError>>>>;

struct Neighbours {
    random: fastrand::Rng,
    registry: Arc<Registry>,
    /// The connections that each server sees.
    servers: Vec<(Address, Arc<AtomicUsize>)>,
    /// All that have been. Requests come to the last two.
    pools: Vec<Arc<Pool<Open>>>,
    holders: Vec<Grant<Open>>,
    queue: Vec<Waiting>,
    /// Requests so far.
    requests: usize,
}

/// A request that has no slot yet.
struct Waiting {
    number: usize,
    /// The index of its pool.
    at: usize,
    acquiring: Acquiring,
}

impl Neighbours {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let servers = config(random.usize(1..=2), 1, 0, 0).endpoints.into_iter();
        let mut neighbours = Self {
            random,
            registry: Arc::default(),
            servers: servers.map(|config| (config.address, Arc::default())).collect(),
            pools: Vec::new(),
            holders: Vec::new(),
            queue: Vec::new(),
            requests: 0,
        };
        neighbours.open();
        neighbours.open();
        neighbours
    }

    fn open(&mut self) {
        let (slots, kept) = (self.random.usize(1..=WORKERS), self.random.usize(0..=WORKERS));
        let config = config(self.servers.len(), slots, kept, 5);
        self.pools.push(Pool::new(&config, &self.registry));
    }

    fn step(&mut self) {
        let next = match self.random.u8(..32) {
            0..16 => {
                self.acquire();
                None
            }
            16..27 => self.finish(),
            27..31 => {
                self.leave();
                None
            }
            _ => {
                self.open();
                self.pools[self.pools.len() - 3].retire();
                None
            }
        };
        self.serve();
        assert!(
            self.queue.iter().all(|waiting| Some(waiting.number) != next),
            "a younger request was served, or none"
        );
        self.check();
    }

    fn acquire(&mut self) {
        let at = self.pools.len() - self.random.usize(1..=2);
        let pool = self.pools[at].clone();
        let deadline = Instant::now() + Duration::from_secs(60);
        let acquiring = async move {
            let any = Constraints::default();
            pool.acquire(&any, deadline, &mut None).await
        };
        self.queue.push(Waiting {
            number: self.requests,
            at,
            acquiring: Box::pin(acquiring),
        });
        self.requests += 1;
    }

    /// Gives the number of the request that is to get the slot.
    fn finish(&mut self) -> Option<usize> {
        if self.holders.is_empty() {
            return None;
        }
        let at = self.random.usize(..self.holders.len());
        let Grant { idle, slot } = self.holders.swap_remove(at);
        let next = self.next_at(slot.endpoint().occupancy());
        match idle.filter(|_| self.random.bool()) {
            Some(connection) => slot.keep(connection),
            None => drop(slot),
        }
        next
    }

    /// The request that has waited longest of those that may have a slot that becomes free at an address.
    fn next_at(&self, occupancy: &Arc<Occupancy>) -> Option<usize> {
        let left = occupancy.in_flight() - 1;
        let has_room = |waiting: &&Waiting| {
            let endpoints = self.pools[waiting.at].endpoints();
            let mut there = endpoints.iter();
            there.any(|endpoint| Arc::ptr_eq(endpoint.occupancy(), occupancy) && left < endpoint.limit())
        };
        self.queue.iter().find(has_room).map(|waiting| waiting.number)
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
            for mut waiting in std::mem::take(&mut self.queue) {
                match waiting.acquiring.as_mut().poll(&mut cx) {
                    Poll::Ready(Ok(grant)) => self.connect(grant),
                    Poll::Ready(Err(error)) => assert_eq!(error, AdmissionError::QueueFull),
                    Poll::Pending => self.queue.push(waiting),
                }
            }
        }
    }

    fn connect(&mut self, mut grant: Grant<Open>) {
        let address = &grant.slot.endpoint().config.address;
        let (_, server) = self.servers.iter().find(|(at, _)| at == address).unwrap();
        grant.idle.get_or_insert_with(|| Open::connect(server));
        self.holders.push(grant);
    }

    fn check(&self) {
        for (at, pool) in self.pools.iter().enumerate() {
            let mut free = false;
            for endpoint in pool.endpoints() {
                let (limit, occupancy) = (endpoint.limit(), endpoint.occupancy());
                let at_address =
                    |grant: &&Grant<Open>| Arc::ptr_eq(grant.slot.endpoint().occupancy(), occupancy);
                assert_eq!(
                    occupancy.in_flight(),
                    self.holders.iter().filter(at_address).count(),
                    "a slot leaked"
                );
                let own = |grant: &&Grant<Open>| grant.slot.endpoint().id == endpoint.id;
                assert!(
                    self.holders.iter().filter(own).count() <= limit,
                    "more than the pool may"
                );
                assert!(
                    endpoint.idle() == 0 || occupancy.in_flight() + occupancy.idle() <= limit,
                    "a connection is kept that occupies a worker in use"
                );
                free |= endpoint.has_room(Claim::New);
            }
            let waits = self.queue.iter().any(|waiting| waiting.at == at);
            assert!(!(waits && free), "a request waits while a worker is free");
        }
        for (address, open) in &self.servers {
            let of_server = |grant: &&Grant<Open>| grant.slot.endpoint().config.address == *address;
            let in_use = self.holders.iter().filter(of_server).count();
            let endpoints = self.pools.iter().flat_map(|pool| pool.endpoints());
            let idle: usize = endpoints
                .filter(|endpoint| endpoint.config.address == *address)
                .map(|endpoint| endpoint.idle())
                .sum();
            assert_eq!(
                open.load(Ordering::Relaxed),
                in_use + idle,
                "a connection is in no account"
            );
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
async fn pools_at_one_address_keep_one_account() {
    // A budget of polls would hide grants.
    let runs = tokio::task::unconstrained(async {
        for seed in 0..SEEDS {
            let _named = Seed(seed);
            let mut neighbours = Neighbours::new(seed);
            for _ in 0..STEPS {
                neighbours.step();
                // Each request begins to wait at a time of its own.
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        }
    });
    runs.await;
}
