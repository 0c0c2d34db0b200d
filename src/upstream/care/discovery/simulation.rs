//! A thousand seeded runs of a name server that answers, denies and keeps silent, with what follows from it checked
//! after every question. A failure names its seed.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::schedule::LookupSchedule;
use super::source::Source;
use crate::transport::resolve::{Found, ResolveError, ResolverAnswer};
use crate::upstream::model::config::EndpointConfig;

const SEEDS: u64 = 1_000;
const STEPS: usize = 100;

/// What the name server does now.
#[derive(Clone, Debug)]
enum Mood {
    Answers(Vec<u8>, Duration),
    Denies,
    IsSilent,
}

struct World {
    random: fastrand::Rng,
    now: Instant,
    mood: Mood,
    keep: Duration,
    source: Source,
    schedule: LookupSchedule,
    /// The last good answer.
    good: Vec<u8>,
    /// Since when it is denied.
    denied: Option<Instant>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let keep = Duration::from_millis(random.u64(0..60_000));
        let now = Instant::now();
        Self {
            now,
            mood: Mood::IsSilent,
            keep,
            source: Source::new(EndpointConfig::new("dns:app:9000".parse().unwrap())),
            schedule: LookupSchedule::new(random.u64(..), now),
            good: Vec::new(),
            denied: None,
            random,
        }
    }

    fn step(&mut self) {
        if self.random.u8(..3) == 0 {
            self.mood = self.some_mood();
        }
        let asked = self.now;
        self.wait();
        assert!(self.now >= asked, "time goes forward");
        self.ask();
        self.check();
    }

    fn some_mood(&mut self) -> Mood {
        match self.random.u8(..4) {
            0 => Mood::Denies,
            1 => Mood::IsSilent,
            _ => {
                let mut places: Vec<u8> = (0..4).filter(|_| self.random.bool()).collect();
                if places.is_empty() {
                    places.push(9);
                }
                Mood::Answers(places, Duration::from_millis(self.random.u64(1_000..10_000)))
            }
        }
    }

    /// Until a question is due; sometimes an endpoint cannot be reached before that.
    fn wait(&mut self) {
        let asked = self.now;
        let pause = self.schedule.due() - self.now;
        if self.random.bool() && !pause.is_zero() {
            let early = self.now + pause.mul_f64(self.random.f64());
            self.schedule.hurry(early);
            let due = self.schedule.due();
            assert!(due >= early, "in the past");
            assert!(due <= asked + pause, "later than it was");
            assert!(
                due == asked + pause || due >= asked + Duration::from_secs(1),
                "asks with every request"
            );
        }
        self.now = self.schedule.due();
        self.schedule.asked(self.now);
    }

    fn ask(&mut self) {
        let heard = match &self.mood {
            Mood::Answers(places, valid_for) => Ok(ResolverAnswer {
                found: places.iter().map(|last| place(*last)).collect(),
                valid_for: *valid_for,
                left_out: 0,
            }),
            Mood::Denies => Err(ResolveError::Nothing),
            Mood::IsSilent => Err(ResolveError::Timeout),
        };
        match &heard {
            Ok(answer) => self.schedule.answered(answer.valid_for, self.now),
            Err(_) => self.schedule.failed(self.now),
        }
        self.source.hear(&heard, self.keep, self.now);
    }

    fn check(&mut self) {
        let pause = self.schedule.due() - self.now;
        match &self.mood {
            Mood::Answers(places, valid_for) => {
                (self.good, self.denied) = (places.clone(), None);
                assert!(
                    (*valid_for..=valid_for.mul_f64(1.1)).contains(&pause),
                    "{pause:?}"
                );
            }
            Mood::Denies => {
                let since = *self.denied.get_or_insert(self.now);
                if self.now >= since + self.keep {
                    self.good.clear();
                }
            }
            Mood::IsSilent => {}
        }
        if !matches!(self.mood, Mood::Answers(..)) {
            let bounds = Duration::from_millis(180)..=Duration::from_secs(5);
            assert!(bounds.contains(&pause), "{pause:?}");
        }
        let endpoints = self.source.endpoints().iter();
        let places: Vec<_> = endpoints.map(|endpoint| endpoint.address.to_string()).collect();
        let good: Vec<_> = self
            .good
            .iter()
            .map(|last| place(*last).address.to_string())
            .collect();
        assert_eq!(places, good, "{:?}", self.mood);
    }
}

fn place(last: u8) -> Found {
    Found {
        priority: 0,
        address: SocketAddr::from(([10, 0, 0, last], 9000)),
        weight: 0,
    }
}

#[test]
fn whatever_the_dns_says_the_endpoints_are_the_last_good_ones() {
    for seed in 0..SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..STEPS {
                world.step();
            }
        });
        assert!(run.is_ok(), "seed {seed}");
    }
}
