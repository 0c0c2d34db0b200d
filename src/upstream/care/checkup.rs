//! When an endpoint that is checked counts as down, and when as up again.
//!
//! A pure state machine: verdicts and facts go in, changes come out. Down after `fall` bad verdicts with no good one
//! in between, up after `rise` good ones with no bad one in between. *Busy* is evidence of neither: a full pool
//! stays in rotation, and a pool that hung before its backlog was full does not come back by that.

use std::time::Duration;

use super::probe::{Cause, Verdict};
use crate::upstream::model::config::health::{Health, Silence};

/// The state of one endpoint as its checks see it.
#[derive(Debug)]
pub struct Checkup {
    rise: u32,
    fall: u32,
    silence: Silence,
    state: CheckupState,
    /// Silent checks in a row that counted as busy.
    unanswered: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckupState {
    /// In use; so many bad verdicts.
    Up { bad: u32 },
    /// Not in use; so many good verdicts.
    Down { good: u32 },
}

/// What is known about an endpoint without asking it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// It answered requests since the last check.
    pub answered: bool,
    /// Requests are under way there.
    pub working: bool,
    /// Every slot is in use.
    pub full: bool,
}

/// What becomes of an endpoint.
#[derive(Debug)]
pub enum Change {
    /// It is used again.
    Up,
    /// It is used no more.
    Down(Cause),
}

impl Checkup {
    /// An endpoint is up until it is known to be down: a gateway that starts must not wait for checks.
    pub fn new(health: &Health) -> Self {
        Self {
            rise: health.rise,
            fall: health.fall,
            silence: health.silence,
            state: CheckupState::Up { bad: 0 },
            unanswered: 0,
        }
    }

    /// Begins from whether the endpoint is in use: checks before these, of other settings perhaps, had a say in that,
    /// and a change is told only once.
    pub fn align(&mut self, in_use: bool) {
        if self.is_up() != in_use {
            self.state = match in_use {
                true => CheckupState::Up { bad: 0 },
                false => CheckupState::Down { good: 0 },
            };
        }
    }

    /// Whether the endpoint is in use, as far as the checks have a say.
    pub fn is_up(&self) -> bool {
        matches!(self.state, CheckupState::Up { .. })
    }

    /// Whether to ask at all. Not an endpoint that has just answered requests, nor one whose every slot is in use: a
    /// probe would have to wait behind them, or take a place that a request needs.
    pub fn is_due(&mut self, facts: &Facts) -> bool {
        let CheckupState::Up { bad } = &mut self.state else {
            return true;
        };
        if facts.answered {
            *bad = 0;
            self.unanswered = 0;
        }
        !facts.answered && !facts.full
    }

    /// Takes a verdict; the facts are those at its time.
    pub fn note(&mut self, verdict: Verdict, facts: &Facts) -> Option<Change> {
        let silent = matches!(verdict, Verdict::Silent);
        self.unanswered = if silent {
            (self.unanswered + 1).min(MAX_DOUBLINGS)
        } else {
            0
        };
        match verdict {
            Verdict::Alive => self.good(),
            Verdict::Busy(_) => None,
            Verdict::Silent if facts.answered || facts.working || self.silence == Silence::Busy => None,
            Verdict::Silent => self.bad(Cause::Silent),
            Verdict::Dead(cause) => self.bad(cause),
        }
    }

    /// The time to the next check. Each one that is not answered leaves a place taken in the backlog: the pool that is
    /// full for minutes is asked less often.
    pub fn pause(&self, interval: Duration) -> Duration {
        if self.is_up() {
            interval * (1 << self.unanswered)
        } else {
            interval
        }
    }

    fn good(&mut self) -> Option<Change> {
        match self.state {
            CheckupState::Down { good } if good + 1 < self.rise => {
                self.state = CheckupState::Down { good: good + 1 };
                None
            }
            CheckupState::Down { .. } => {
                self.state = CheckupState::Up { bad: 0 };
                Some(Change::Up)
            }
            CheckupState::Up { .. } => {
                self.state = CheckupState::Up { bad: 0 };
                None
            }
        }
    }

    fn bad(&mut self, cause: Cause) -> Option<Change> {
        // The next one decides: soon.
        self.unanswered = 0;
        match self.state {
            CheckupState::Up { bad } if bad + 1 < self.fall => {
                self.state = CheckupState::Up { bad: bad + 1 };
                None
            }
            CheckupState::Up { .. } => {
                self.state = CheckupState::Down { good: 0 };
                Some(Change::Down(cause))
            }
            CheckupState::Down { .. } => {
                self.state = CheckupState::Down { good: 0 };
                None
            }
        }
    }
}

/// A full pool is asked at every eighth interval at least.
const MAX_DOUBLINGS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::care::probe::Busy;
    use crate::upstream::model::config::health::Probe;

    const SEEDS: u64 = 1_000;
    const STEPS: usize = 200;

    fn health(rise: u32, fall: u32, silence: Silence) -> Health {
        Health {
            probe: Probe::Connect,
            interval: Health::INTERVAL,
            timeout: Health::TIMEOUT,
            rise,
            fall,
            silence,
        }
    }

    fn dead() -> Verdict {
        Verdict::Dead(Cause::Closed)
    }

    #[test]
    fn it_takes_some_to_fall_and_some_to_rise() {
        let mut checkup = Checkup::new(&health(2, 3, Silence::Dead));
        let facts = Facts::default();
        let mut changes = Vec::new();
        for verdict in [
            dead(),
            dead(),
            Verdict::Alive,
            dead(),
            dead(),
            dead(),
            Verdict::Alive,
            dead(),
        ] {
            changes.push(checkup.note(verdict, &facts).is_some());
        }
        assert_eq!(changes, [false, false, false, false, false, true, false, false]);
        assert!(!checkup.is_up());
        assert!(checkup.note(Verdict::Alive, &facts).is_none());
        assert!(matches!(checkup.note(Verdict::Alive, &facts), Some(Change::Up)));
    }

    #[test]
    fn full_is_not_dead_and_not_healed_either() {
        let mut checkup = Checkup::new(&health(1, 1, Silence::Dead));
        let working = Facts {
            working: true,
            ..Facts::default()
        };
        for _ in 0..100 {
            assert!(
                checkup
                    .note(Verdict::Busy(Busy::Backlog), &Facts::default())
                    .is_none()
            );
            assert!(checkup.note(Verdict::Silent, &working).is_none());
        }
        assert!(matches!(
            checkup.note(Verdict::Silent, &Facts::default()),
            Some(Change::Down(Cause::Silent))
        ));
        assert!(checkup.note(Verdict::Busy(Busy::Overloaded), &working).is_none());
        assert!(!checkup.is_up());
    }

    #[test]
    fn who_shares_a_pool_may_take_silence_for_busy() {
        let mut checkup = Checkup::new(&health(1, 1, Silence::Busy));
        assert!(checkup.note(Verdict::Silent, &Facts::default()).is_none());
    }

    #[test]
    fn an_endpoint_that_just_answered_or_has_no_slot_left_is_not_asked() {
        let mut checkup = Checkup::new(&health(1, 2, Silence::Dead));
        let (answered, full) = (
            Facts {
                answered: true,
                ..Facts::default()
            },
            Facts {
                full: true,
                working: true,
                ..Facts::default()
            },
        );
        assert!(!checkup.is_due(&answered) && !checkup.is_due(&full));
        assert!(checkup.note(dead(), &Facts::default()).is_none());
        assert!(!checkup.is_due(&answered));
        assert!(
            checkup.note(dead(), &Facts::default()).is_none(),
            "the answers in between count"
        );
        assert!(checkup.note(dead(), &Facts::default()).is_some());
        assert!(checkup.is_due(&answered), "what is down is asked in any case");
    }

    #[test]
    fn a_pool_that_is_full_for_long_is_asked_less_often() {
        let second = Duration::from_secs(1);
        let mut checkup = Checkup::new(&health(1, 1, Silence::Busy));
        let mut pauses = Vec::new();
        for _ in 0..5 {
            pauses.push(checkup.pause(second).as_secs());
            checkup.note(Verdict::Silent, &Facts::default());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 8]);
        checkup.note(Verdict::Alive, &Facts::default());
        assert_eq!(checkup.pause(second), second);
    }

    /// What the rules say, written down in another way: looking back at all verdicts.
    struct Witness {
        /// `true`: good, `false`: bad, since the last change.
        evidence: Vec<bool>,
        up: bool,
    }

    impl Witness {
        fn streak(&self, good: bool) -> u32 {
            self.evidence
                .iter()
                .rev()
                .take_while(|evidence| **evidence == good)
                .count() as u32
        }

        fn check_invariants(&self, checkup: &Checkup) {
            assert_eq!(checkup.is_up(), self.up);
            match checkup.state {
                CheckupState::Up { bad } => assert_eq!(bad, self.streak(false)),
                CheckupState::Down { good } => assert_eq!(good, self.streak(true)),
            }
            assert!(checkup.unanswered <= MAX_DOUBLINGS);
        }
    }

    #[test]
    fn a_thousand_seeded_lives_keep_the_rules() {
        for seed in 0..SEEDS {
            let mut random = fastrand::Rng::with_seed(seed);
            let silence = if random.bool() {
                Silence::Dead
            } else {
                Silence::Busy
            };
            let settings = health(random.u32(1..=4), random.u32(1..=4), silence);
            let mut checkup = Checkup::new(&settings);
            let mut witness = Witness {
                evidence: Vec::new(),
                up: true,
            };
            for _ in 0..STEPS {
                let facts = Facts {
                    answered: random.u8(..4) == 0,
                    working: random.bool(),
                    full: random.u8(..4) == 0,
                };
                if !checkup.is_due(&facts) {
                    if facts.answered {
                        witness.evidence.push(true);
                    }
                    witness.check_invariants(&checkup);
                    continue;
                }
                let (verdict, evidence) = match random.u8(..8) {
                    0..3 => (Verdict::Alive, Some(true)),
                    3..6 => (dead(), Some(false)),
                    6 => (Verdict::Busy(Busy::Backlog), None),
                    _ if facts.answered || facts.working || silence == Silence::Busy => {
                        (Verdict::Silent, None)
                    }
                    _ => (Verdict::Silent, Some(false)),
                };
                witness.evidence.extend(evidence);
                let changed = checkup.note(verdict, &facts).is_some();
                let due = match witness.up {
                    true => witness.streak(false) >= settings.fall,
                    false => witness.streak(true) >= settings.rise,
                };
                assert_eq!(changed, due, "seed {seed}");
                if due {
                    witness.up = !witness.up;
                    witness.evidence.clear();
                }
                witness.check_invariants(&checkup);
            }
        }
    }
}
