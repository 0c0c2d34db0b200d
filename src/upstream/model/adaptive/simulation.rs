//! A thousand seeded pools of workers with a backlog, and a crowd that never ends in front of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

const SEEDS: u64 = 1_000;

/// Microseconds.
type Time = u64;

/// How long requests take.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// Give or take a tenth: nothing real keeps step.
    Steady,
    Uniform,
    Exponential,
    /// One in ten takes ten times as long.
    Mixed,
}

struct Pool {
    random: fastrand::Rng,
    workers: usize,
    backlog: usize,
    work: Work,
    /// Mean time of work.
    mean: Time,
    now: Time,
    busy: usize,
    /// When requests that wait in the backlog came.
    waiting: VecDeque<Time>,
    /// When workers are done, and when their requests came.
    working: BinaryHeap<Reverse<(Time, Time)>>,
    /// After a refusal no request tries until then.
    quiet: Time,
    refused: u64,
    done: u64,
    adaptive: Adaptive,
}

impl Pool {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let workers = match random.u8(..3) {
            0 => random.usize(1..=4),
            1 => random.usize(4..=20),
            _ => random.usize(20..=100),
        };
        Self {
            workers,
            backlog: if random.bool() { random.usize(0..8) } else { 511 },
            work: random
                .choice([Work::Steady, Work::Uniform, Work::Exponential, Work::Mixed])
                .unwrap(),
            mean: random.u64(1_000..100_000),
            now: 0,
            busy: 0,
            waiting: VecDeque::new(),
            working: BinaryHeap::new(),
            quiet: 0,
            refused: 0,
            done: 0,
            adaptive: Adaptive::new(&Auto {
                ask: crate::upstream::model::config::slots::Ask::Nothing,
                least: 1,
                most: 1_024,
                interval: Auto::INTERVAL,
            }),
            random,
        }
    }

    fn under_way(&self) -> usize {
        self.busy + self.waiting.len()
    }

    /// As many connect as may; a unix socket holds one more than its backlog.
    fn connect(&mut self) {
        while self.now >= self.quiet && self.under_way() < self.adaptive.limit() {
            if self.busy < self.workers {
                self.begin(self.now);
            } else if self.waiting.len() <= self.backlog {
                self.waiting.push_back(self.now);
            } else {
                self.refused += 1;
                self.quiet = self.now + self.mean / 4;
                self.adaptive.on_busy(self.under_way() + 1);
            }
        }
    }

    fn begin(&mut self, came: Time) {
        self.busy += 1;
        let takes = self.takes();
        self.working.push(Reverse((self.now + takes, came)));
    }

    fn takes(&mut self) -> Time {
        let mean = self.mean as f64;
        let time = match self.work {
            Work::Steady => mean * (0.9 + 0.2 * self.random.f64()),
            Work::Uniform => mean * (0.5 + self.random.f64()),
            Work::Exponential => -mean * (1.0 - self.random.f64()).ln(),
            Work::Mixed if self.random.u8(..10) == 0 => mean * 5.0,
            Work::Mixed => mean * 0.5,
        };
        time as Time + 1
    }

    /// Until the next request is done.
    fn step(&mut self) {
        self.connect();
        let Some(Reverse((now, came))) = self.working.pop() else {
            self.now = self.quiet;
            return;
        };
        self.now = now;
        let under_way = self.under_way();
        self.busy -= 1;
        self.done += 1;
        if self.busy < self.workers
            && let Some(next) = self.waiting.pop_front()
        {
            self.begin(next);
        }
        self.adaptive
            .on_success(Duration::from_micros(now - came), under_way);
        self.adaptive.check_invariants();
    }
}

impl Adaptive {
    fn check_invariants(&self) {
        for limit in [self.limit, self.limit()] {
            assert!((self.least..=self.most).contains(&limit), "{self:?}");
        }
        assert!(self.full.0.len() <= LARGEST_WINDOW && self.unloaded.0.len() <= LARGEST_WINDOW);
    }
}

/// What a stretch of time was like.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Mean of the limit, as a share of the workers.
    limit: f64,
    /// Work done, as a share of what the workers can do.
    throughput: f64,
    /// Refusals, as a share of the answers.
    refused: f64,
}

impl Pool {
    /// So many answers of each worker.
    fn run(&mut self, answers: usize) -> Stretch {
        let (start, done, refused) = (self.now, self.done, self.refused);
        let steps = answers * self.workers.max(SMALLEST_WINDOW / 2);
        let mut limits = 0;
        for _ in 0..steps {
            self.step();
            limits += self.adaptive.limit();
        }
        let (done, refused) = ((self.done - done) as f64, (self.refused - refused) as f64);
        let workers = self.workers as f64;
        Stretch {
            limit: limits as f64 / steps as f64 / workers,
            throughput: done * self.mean as f64 / (self.now - start) as f64 / workers,
            refused: refused / done,
        }
    }

    /// The limit is where it should be, give or take what cannot be told from chance.
    #[track_caller]
    fn check(&mut self, seed: u64) -> Stretch {
        let stretch = self.run(100);
        let (workers, backlog, work) = (self.workers, self.backlog, self.work);
        let what = format!("seed {seed}: {workers} workers, backlog {backlog}, {work:?}: {stretch:?}");
        assert!(stretch.throughput > 0.8, "starves: {what}");
        let most = 1.75 + 2.5 / workers as f64;
        assert!((0.75..most).contains(&stretch.limit), "far off: {what}");
        assert!(stretch.refused < 0.01, "insists: {what}");
        stretch
    }
}

#[test]
fn the_number_of_workers_is_found_and_no_request_starves() {
    let mut throughput = 0.0;
    for seed in 0..SEEDS {
        let mut pool = Pool::new(seed);
        pool.run(80);
        throughput += pool.check(seed).throughput;
    }
    assert!(throughput > 0.97 * SEEDS as f64, "{throughput}");
}

#[test]
fn a_pool_that_changes_is_followed() {
    for seed in 0..SEEDS / 5 {
        let mut pool = Pool::new(seed);
        pool.run(80);
        pool.change(seed);
        pool.run(160);
        pool.check(seed);
    }
}

impl Pool {
    /// More workers, fewer, or slower ones.
    fn change(&mut self, seed: u64) {
        match seed % 3 {
            0 => self.workers *= 4,
            1 => self.workers = self.workers.div_ceil(4),
            _ => self.mean *= 10,
        }
    }
}

#[test]
fn without_pressure_nothing_changes() {
    let mut adaptive = Pool::new(1).adaptive;
    let before = adaptive.limit();
    for _ in 0..10_000 {
        adaptive.on_success(Duration::from_millis(5), 1);
    }
    assert_eq!(adaptive.limit(), before);
}

#[test]
fn a_burst_of_refusals_counts_once_and_the_limit_never_reaches_zero() {
    let mut adaptive = Pool::new(1).adaptive;
    for _ in 0..100 {
        adaptive.on_busy(4);
    }
    assert_eq!(adaptive.limit(), 3);
    for _ in 0..100 {
        adaptive.on_success(Duration::from_millis(5), 1);
        adaptive.on_busy(1);
    }
    assert_eq!(adaptive.limit(), 1);
}

#[test]
fn what_the_endpoint_says_is_believed() {
    let mut adaptive = Pool::new(1).adaptive;
    adaptive.count(Workers::AtLeast(9));
    assert_eq!(adaptive.limit(), 9);
    adaptive.on_busy(9);
    assert_eq!(adaptive.limit(), 9);
    adaptive.count(Workers::Exactly(5));
    for _ in 0..10_000 {
        adaptive.on_success(Duration::from_millis(5), 5);
    }
    adaptive.on_busy(5);
    assert_eq!(adaptive.limit(), 5);
    adaptive.count(Workers::Unknown);
    assert_eq!(adaptive.limit(), 5);
    adaptive.count(Workers::Exactly(1_000_000));
    assert_eq!(adaptive.limit(), 1_024, "more than may be");
    adaptive.count(Workers::AtLeast(2));
    adaptive.on_busy(1_024);
    assert!(adaptive.limit() < 1_024);
}
