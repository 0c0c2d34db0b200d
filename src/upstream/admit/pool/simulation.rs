//! A thousand seeded runs of requests that come, wait, leave, finish and keep, and of endpoints that fail, fill up,
//! recover, come and go, with the account checked after every step. A failure names its seed.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use super::tests::config;
use super::*;
use crate::transport::Address;
use crate::upstream::model::config::{Balance, Hash, ProtocolName, Slots};
use crate::upstream::model::endpoint::CircuitState;
use crate::upstream::model::fair::{Fair, Share};

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
    constraints: Constraints,
    deadline: Instant,
    acquiring: Pin<Box<dyn Future<Output = Acquired>>>,
}

struct World {
    random: fastrand::Rng,
    config: UpstreamConfig,
    pool: Arc<Pool<Token>>,
    /// Slots that were taken when their number was changed: they may be more than there are.
    excess: usize,
    holders: Vec<Grant<Token>>,
    /// First come, first served.
    queue: Vec<Waiting>,
    live: Arc<AtomicUsize>,
    made: usize,
}

impl<C: Send + 'static> Pool<C> {
    /// What must be true between any two calls. No endpoint has more than `excess` slots taken, unless it has them.
    fn check_invariants(&self, excess: usize) {
        let state = self.lock();
        let (set, kept) = (&state.set, state.settings.kept);
        assert!(state.queue.len() <= state.settings.waiting, "more wait than may");
        if let Some(fair) = state.queue.fair() {
            let waiting = state
                .queue
                .iter()
                .map(|waiter| (waiter.constraints.client, waiter.ticket));
            fair.check_invariants(waiting.collect());
        }
        for (index, (endpoint, state)) in set.endpoints.iter().zip(&set.states).enumerate() {
            let (used, idle) = (endpoint.in_flight(), state.idle.len());
            let (limit, all_idle) = (endpoint.limit(), endpoint.occupancy().idle());
            assert!(
                used <= limit.max(excess),
                "endpoint {index}: {used} used of {limit}"
            );
            assert!(
                idle == 0 || used.saturating_add(all_idle) <= limit,
                "endpoint {index}: {used} used and {all_idle} idle of {limit}",
            );
            assert!(idle <= kept, "endpoint {index}: {idle} idle");
            assert_eq!(endpoint.idle(), idle, "the published number is another");
            assert!(
                idle == 0 || !state.breaker.is_open(),
                "kept connections that are of no use"
            );
            assert!(
                !state.breaker.is_steady() || endpoint.circuit() == CircuitState::Closed,
                "steady, and its circuit is not closed"
            );
            assert!(
                set.degraded || state.breaker.is_settled(),
                "trouble that is not looked after"
            );
        }
        for waiter in state.queue.iter() {
            let Some(pick) = set.fit(&waiter.constraints) else {
                continue;
            };
            let fair = state.queue.fair();
            if fair.is_some_and(|fair| !fair.may_have(waiter.constraints.client)) {
                continue;
            }
            let picks = [Some(pick), pick.overflow()];
            let mut picks = picks.iter().flatten();
            let free = picks.any(|pick| set.endpoints.iter().any(|endpoint| pick.eligible(endpoint)));
            assert!(!free, "{} waits while a slot is free", waiter.ticket);
        }
        assert!(state.queue.iter().is_sorted_by_key(|waiter| waiter.ticket));
        assert!(
            state.queue.is_empty() || state.alarm.due().is_some(),
            "requests wait and the keeper will not wake up"
        );
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
        for (at, endpoint) in config.endpoints.iter_mut().enumerate() {
            *endpoint = some_endpoint(&mut random);
            endpoint.address = Address::Unix(format!("/{at}").into());
        }
        // For those that draw.
        fastrand::seed(seed);
        config.balance = some_balance(&mut random);
        config.timeouts.idle = Duration::from_millis(random.u64(1..3_000));
        config.hold = Duration::from_millis(random.u64(0..3_000));
        config.fair = some_fair(&mut random);
        Self {
            random,
            pool: Pool::new(&config, &Arc::default()),
            config,
            excess: 0,
            holders: Vec::new(),
            queue: Vec::new(),
            live: Arc::default(),
            made: 0,
        }
    }

    async fn step(&mut self) {
        match self.random.u8(..15) {
            0..5 => self.acquire(),
            5 | 6 => self.finish(false),
            7 | 8 => self.finish(true),
            9 => self.leave(),
            10 | 11 => self.learn(),
            12 => self.change(),
            13 if self.random.u8(..4) == 0 => self.reconfigure(),
            _ => self.wait().await,
        }
        self.serve();
        self.pool.check_invariants(self.excess);
    }

    fn acquire(&mut self) {
        let endpoints = self.pool.endpoints();
        let tried = endpoints.iter().filter(|_| self.random.u8(..4) == 0);
        let constraints = Constraints {
            tried: tried.map(|endpoint| endpoint.id).collect(),
            key: self.random.bool().then(|| self.random.u32(..).into()),
            client: self.random.u64(..4),
            protocol: Some(self.config.protocol),
            ..Constraints::default()
        };
        let deadline = Instant::now() + Duration::from_millis(self.random.u64(1..2_000));
        let (pool, own) = (self.pool.clone(), constraints.clone());
        let mut waiting = Waiting {
            constraints,
            deadline,
            acquiring: Box::pin(async move { pool.acquire(&own, deadline, &mut None).await }),
        };
        let queued = self.pool.snapshot().waiting;
        match poll(&mut waiting) {
            None => self.queue.push(waiting),
            Some(Ok(grant)) => self.hold(grant, &waiting.constraints),
            Some(Err(AdmissionError::QueueFull)) => assert_eq!(queued, self.pool.lock().settings.waiting),
            Some(Err(AdmissionError::NoEndpoint)) => self.check_hopeless(&waiting.constraints),
            Some(Err(AdmissionError::QueueTimeout)) => panic!("timed out at once"),
        }
    }

    fn hold(&mut self, grant: Grant<Token>, constraints: &Constraints) {
        let endpoint = grant.slot.endpoint();
        assert!(
            !constraints.tried.contains(&endpoint.id),
            "an endpoint that was tried"
        );
        assert!(!endpoint.config.drain, "an endpoint that is draining");
        assert!(!endpoint.config.down, "an endpoint that is down by order");
        self.holders.push(grant);
    }

    /// No request is turned away that had an endpoint left, or one that was alive a moment ago.
    fn check_hopeless(&self, constraints: &Constraints) {
        let state = self.pool.lock();
        assert!(state.set.fit(constraints).is_none(), "there was one");
        let held = state.set.is_held(Instant::now());
        assert!(
            !held || !constraints.tried.is_empty(),
            "it was alive within {:?}",
            self.config.hold
        );
    }

    /// Ends an exchange. Sometimes a request that was served leaves before it knows.
    fn finish(&mut self, keep: bool) {
        if self.holders.is_empty() {
            return;
        }
        let at = self.random.usize(..self.holders.len());
        let Grant { slot, idle } = self.holders.swap_remove(at);
        if keep {
            let token = idle.unwrap_or_else(|| self.token());
            slot.keep(token);
        } else {
            drop(idle);
            drop(slot);
        }
        if self.random.u8(..5) == 0 {
            self.leave();
        }
    }

    /// An exchange tells something about its endpoint.
    fn learn(&mut self) {
        let Some(at) = (!self.holders.is_empty()).then(|| self.random.usize(..self.holders.len())) else {
            return;
        };
        let endpoint = self.holders[at].slot.endpoint().clone();
        match self.random.u8(..6) {
            0 => self.holders[at].slot.reached(),
            1 => self.pool.answered(&endpoint, Duration::ZERO),
            2 => self.pool.broken(&endpoint),
            3 => self.pool.judge(&endpoint, self.random.bool()),
            4 => {
                self.holders[at].slot.full();
                drop(self.holders.swap_remove(at));
            }
            _ => {
                self.holders[at].slot.unreachable();
                drop(self.holders.swap_remove(at));
            }
        }
    }

    /// Endpoints come and go.
    fn change(&mut self) {
        let mut configs: Vec<_> = self
            .pool
            .endpoints()
            .iter()
            .filter(|_| self.random.u8(..3) > 0)
            .map(|endpoint| endpoint.config.clone())
            .collect();
        let comes = some_endpoint(&mut self.random);
        let is_new = configs.iter().all(|config| config.address != comes.address);
        if is_new && (configs.is_empty() || self.random.bool()) {
            configs.push(comes);
        }
        if let Some(config) = configs.first_mut().filter(|_| self.random.bool()) {
            config.weight = self.random.u32(1..5);
            config.backup = self.random.bool();
        }
        self.random.shuffle(&mut configs);
        self.excess = self.most_held();
        self.pool.set_endpoints(&configs);
    }

    /// Another generation of the configuration; one that speaks another protocol finds no connection of use.
    fn reconfigure(&mut self) {
        let endpoints = self.pool.endpoints();
        self.excess = self.most_held();
        let random = &mut self.random;
        let config = &mut self.config;
        config.endpoints = endpoints.iter().map(|endpoint| endpoint.config.clone()).collect();
        config.max_connections = Slots::Fixed(random.usize(1..=3));
        config.keep_alive = random.usize(0..=3);
        config.queue.size = random.usize(self.queue.len()..=self.queue.len() + 3);
        config.timeouts.idle = Duration::from_millis(random.u64(1..3_000));
        config.hold = Duration::from_millis(random.u64(0..3_000));
        if random.bool() {
            config.fair = some_fair(random);
        }
        if random.bool() {
            config.balance = some_balance(random);
        }
        let other = random.u8(..4) == 0;
        if other {
            config.protocol = match config.protocol {
                ProtocolName::Http => ProtocolName::FastCgi,
                _ => ProtocolName::Http,
            };
        }
        self.pool.reconfigure(&self.config);
        assert!(
            !other || self.idle() == 0,
            "connections that speak another protocol"
        );
    }

    /// The most slots that are taken at one address.
    fn most_held(&self) -> usize {
        let occupancies = self.holders.iter().map(|grant| grant.slot.endpoint().in_flight());
        occupancies.max().unwrap_or(0)
    }

    fn token(&mut self) -> Token {
        self.made += 1;
        self.live.fetch_add(1, Ordering::Relaxed);
        Token {
            number: self.made,
            live: self.live.clone(),
        }
    }

    /// Lets the requests that were served know. Those that take any endpoint are served in turn, where clients have turns
    /// those of each of them.
    fn serve(&mut self) {
        let is_fair = self.config.fair.is_some();
        let mut passed = BTreeSet::new();
        let now = Instant::now();
        for mut waiting in std::mem::take(&mut self.queue) {
            let client = if is_fair { waiting.constraints.client } else { 0 };
            match poll(&mut waiting) {
                None => {
                    assert!(waiting.deadline > now, "waits beyond its deadline");
                    if waiting.constraints.is_unconstrained() {
                        passed.insert(client);
                    }
                    self.queue.push(waiting);
                }
                Some(Ok(grant)) => {
                    let in_turn = !passed.contains(&client) || !waiting.constraints.is_unconstrained();
                    assert!(in_turn, "out of turn");
                    self.hold(grant, &waiting.constraints);
                }
                Some(Err(AdmissionError::NoEndpoint)) => {}
                Some(Err(AdmissionError::QueueFull)) => assert!(is_fair, "gave its place up"),
                Some(Err(error)) => {
                    assert_eq!(error, AdmissionError::QueueTimeout);
                    assert!(waiting.deadline <= now, "timed out early");
                }
            }
        }
        self.check_holders();
    }

    /// No grant is on its way now: the counters are what is held.
    fn check_holders(&self) {
        for endpoint in self.pool.endpoints() {
            let held = self
                .holders
                .iter()
                .filter(|grant| grant.slot.endpoint().config.address == endpoint.config.address);
            assert_eq!(endpoint.in_flight(), held.count(), "a slot leaked");
        }
        assert_eq!(self.pool.snapshot().waiting, self.queue.len(), "a place leaked");
        if let Some(fair) = self.pool.lock().queue.fair() {
            fair.check_running(self.holders.iter().filter_map(|grant| grant.slot.charge()));
        }
        let lent = self
            .holders
            .iter()
            .filter_map(|grant| Some(grant.idle.as_ref()?.number));
        let (count, lent) = (lent.clone().count(), lent.collect::<BTreeSet<_>>());
        assert_eq!(lent.len(), count, "a connection was lent twice");
        let live = self.live.load(Ordering::Relaxed);
        assert_eq!(live, count + self.idle(), "a connection leaked");
    }

    fn idle(&self) -> usize {
        self.pool.endpoints().iter().map(|endpoint| endpoint.idle()).sum()
    }

    fn leave(&mut self) {
        if !self.queue.is_empty() {
            let at = self.random.usize(..self.queue.len());
            drop(self.queue.remove(at));
        }
    }

    /// Time passes, and the keeper does what is due.
    async fn wait(&mut self) {
        tokio::time::advance(Duration::from_millis(self.random.u64(..700))).await;
        self.pool.tend(Instant::now());
    }

    async fn end(mut self) {
        self.queue.clear();
        self.holders.clear();
        self.pool.check_invariants(self.excess);
        self.check_holders();
        // Longer than any deadline, idle time and hold.
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(
            (self.idle(), self.live.load(Ordering::Relaxed)),
            (0, 0),
            "kept for ever"
        );
        assert_eq!(self.pool.due(), None, "the keeper stays for nothing");
    }
}

fn some_balance(random: &mut fastrand::Rng) -> Balance {
    match random.u8(..6) {
        0 => Balance::RoundRobin,
        1 => Balance::LeastConn,
        2 => Balance::RandomTwo,
        3 => Balance::IpHash,
        4 => Balance::Hash(Hash {
            key: "uri".parse().unwrap(),
            bound: random.bool().then(|| "1.25".parse().unwrap()),
        }),
        _ => Balance::Ewma,
    }
}

fn some_fair(random: &mut fastrand::Rng) -> Option<Fair> {
    random.bool().then(|| Fair {
        share: Share([30, 50, 100][random.usize(..3)]),
        ..Fair::default()
    })
}

/// There are few addresses, so that some come back.
fn some_endpoint(random: &mut fastrand::Rng) -> EndpointConfig {
    EndpointConfig {
        backup: random.u8(..4) == 0,
        drain: random.u8(..8) == 0,
        down: random.u8(..12) == 0,
        max_connections: (random.u8(..3) == 0).then(|| random.usize(1..=3)),
        weight: random.u32(1..=3),
        max_fails: random.u32(0..=2),
        fail_timeout: Duration::from_millis(random.u64(1..2_000)),
        slow_start: Duration::from_millis(random.u64(0..500)),
        ..EndpointConfig::new(Address::Unix(format!("/{}", random.u8(..8)).into()))
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
