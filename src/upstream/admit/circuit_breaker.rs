//! What is known about an endpoint's ability to serve: learned from the requests themselves.
//!
//! Two kinds of trouble are told apart. An endpoint that *cannot be reached* (socket file missing, refused, backlog
//! full) is shut: one request at a time tries it again, after pauses that grow, and as soon as a connection stands it
//! is open for all. An endpoint that *breaks exchanges* rests: others are preferred for a while, but when there are no
//! others it serves as before, since one request that kills its worker says little about the next.
//!
//! A pure state machine: the instants come from outside.

use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::model::config::EndpointConfig;
use crate::upstream::model::endpoint::{Endpoint, Standing};

/// First pause before an endpoint that could not be reached is tried again; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Longest such pause while requests wait for nothing else.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// First pause before a full backlog is tried again when nothing of ours occupies it; doubles up to
/// [`LONGEST_FULL`].
const FIRST_FULL: Duration = Duration::from_millis(1);

/// Longest such pause.
const LONGEST_FULL: Duration = Duration::from_millis(50);

/// The gate of one endpoint.
#[derive(Debug)]
pub(super) struct Gate {
    rules: Rules,
    /// Failures since `failing_since`, forgotten with a success.
    fails: u32,
    failing_since: Option<Instant>,
    /// It answered, and nothing failed since.
    works: bool,
    /// When it was last known to be alive, as of the first failure after a success.
    alive: Option<Instant>,
    /// Others are preferred until then.
    rest: Option<Instant>,
    /// One request finds out whether the rest was enough.
    probation: bool,
    shut: Option<Shut>,
    window: Option<Window>,
    /// It is warming up since then.
    recovered: Option<Instant>,
    /// A health check says so.
    dead: bool,
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    max_fails: u32,
    fail_timeout: Duration,
    slow_start: Duration,
}

/// No connection stands.
#[derive(Clone, Copy, Debug)]
struct Shut {
    /// Tried again then, whatever the others do.
    until: Instant,
    /// Tried again then, when there is nobody else.
    urgent: Instant,
    /// How long the last pause was.
    pause: Duration,
    /// One request is trying.
    trial: bool,
    /// Its backlog is full: it is alive.
    full: bool,
}

/// How many exchanges a full backlog lets through: grows by one with each of its lengths that was let through.
#[derive(Clone, Copy, Debug)]
struct Window {
    size: usize,
    reached: usize,
}

impl Gate {
    pub(super) fn new(config: &EndpointConfig) -> Self {
        Self {
            rules: Rules {
                max_fails: config.max_fails,
                fail_timeout: config.fail_timeout,
                slow_start: config.slow_start,
            },
            fails: 0,
            failing_since: None,
            works: false,
            alive: None,
            rest: None,
            probation: false,
            shut: None,
            window: None,
            recovered: None,
            dead: false,
        }
    }

    /// What may be asked of the endpoint now.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        if self.dead {
            return Standing::Dead;
        }
        if let Some(shut) = &self.shut {
            return match () {
                () if shut.trial => Standing::Shut,
                () if now >= shut.until => Standing::Open,
                () if now >= shut.urgent => Standing::Trial,
                () => Standing::Shut,
            };
        }
        match self.rest {
            Some(until) if now < until || self.probation => Standing::Resting,
            _ => Standing::Open,
        }
    }

    /// Nothing is wrong, and another success would tell nothing new.
    pub(super) fn is_calm(&self) -> bool {
        self.works && self.fails == 0 && self.is_plain()
    }

    /// When it was last known to be alive; `None`: never, or for sure right now.
    pub(super) fn last_alive(&self, now: Instant) -> Option<Instant> {
        match self.works || self.is_full() {
            true => Some(now),
            false => self.alive,
        }
    }

    /// Its backlog is full, which only a living process has.
    pub(super) fn is_full(&self) -> bool {
        self.shut.is_some_and(|shut| shut.full)
    }

    /// The next moment at which [`standing`](Self::standing) changes by itself.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let shut = self.shut.filter(|shut| !shut.trial);
        [
            shut.map(|shut| shut.urgent),
            shut.map(|shut| shut.until),
            self.rest,
        ]
        .into_iter()
        .flatten()
        .filter(|at| *at > now)
        .min()
    }

    /// A request is let through; whether its fate decides about the endpoint.
    pub(super) fn enter(&mut self, now: Instant) -> bool {
        if let Some(shut) = &mut self.shut {
            shut.trial = true;
            return true;
        }
        if self.rest.is_some_and(|until| now >= until) && !self.probation {
            self.probation = true;
            return true;
        }
        false
    }

    /// The deciding request left without having found out anything.
    pub(super) fn undecided(&mut self) {
        self.probation = false;
        if let Some(shut) = &mut self.shut {
            shut.trial = false;
        }
    }

    /// A connection stands.
    pub(super) fn reached(&mut self, now: Instant) {
        if let Some(shut) = self.shut.take()
            && !shut.full
        {
            self.recovered(now);
        }
        if let Some(window) = &mut self.window {
            window.reached += 1;
            if window.reached >= window.size {
                *window = Window {
                    size: window.size + 1,
                    reached: 0,
                };
            }
        }
    }

    /// An answer's head came. What was under way before a rest says nothing about it: a server that breaks every
    /// other answer would never have one.
    pub(super) fn answered(&mut self, now: Instant) {
        self.works = true;
        if self.rest.is_some_and(|until| now < until) {
            return;
        }
        if self.rest.take().is_some() {
            self.recovered(now);
        }
        self.fails = 0;
        self.failing_since = None;
        self.probation = false;
    }

    /// No connection could be made.
    pub(super) fn unreachable(&mut self, now: Instant) {
        // Those who tried together fail together: that is one finding.
        let known = self
            .shut
            .filter(|shut| !shut.full && !shut.trial && now < shut.urgent);
        self.count(now);
        if known.is_some() {
            return;
        }
        let pause = self.shut.map_or(FIRST_PAUSE, |shut| {
            (shut.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE)
        });
        let away = match self.is_out() {
            true => self.rules.fail_timeout.max(pause),
            false => pause,
        };
        self.window = None;
        self.shut = Some(Shut {
            until: now + away,
            urgent: now + pause,
            pause,
            trial: false,
            full: false,
        });
    }

    /// The backlog is full, while `in_flight` other exchanges of ours are under way.
    pub(super) fn full(&mut self, now: Instant, in_flight: usize) {
        self.alive = Some(now);
        if in_flight > 0 {
            self.shut = None;
            self.window = Some(Window {
                size: in_flight,
                reached: 0,
            });
            return;
        }
        let pause = self
            .shut
            .map_or(FIRST_FULL, |shut| (shut.pause * 2).min(LONGEST_FULL));
        self.shut = Some(Shut {
            until: now + pause,
            urgent: now + pause,
            pause,
            trial: false,
            full: true,
        });
    }

    /// An exchange broke, or took too long.
    pub(super) fn broken(&mut self, now: Instant) {
        self.count(now);
        self.probation = false;
        if self.is_out() {
            self.rest = Some(now + self.rules.fail_timeout);
        }
    }

    /// A health check's finding.
    pub(super) fn judge(&mut self, now: Instant, alive: bool) {
        match (alive, self.dead) {
            (false, false) => {
                self.learn_death(now);
                self.dead = true;
            }
            (true, true) => {
                self.dead = false;
                self.shut = None;
                self.rest = None;
                self.recovered(now);
            }
            _ => {}
        }
    }

    /// Called when nothing of ours is under way: whatever fills the backlog now, it is not us.
    pub(super) fn idle(&mut self) {
        self.window = None;
    }

    /// Writes what others may read of this into the endpoint.
    pub(super) fn publish(&mut self, endpoint: &Endpoint, now: Instant) {
        if let Some(since) = self.recovered {
            let part = now.duration_since(since).div_duration_f64(self.rules.slow_start);
            endpoint.set_warmth(part.min(1.0));
            if part >= 1.0 {
                self.recovered = None;
            }
        }
        endpoint.set_window(self.window.map(|window| window.size));
        endpoint.set_standing(self.standing(now));
        endpoint.set_calm(self.is_calm());
    }

    /// Whether one request is finding out if the endpoint had rest enough.
    pub(super) fn is_on_probation(&self) -> bool {
        self.probation
    }

    /// Whether no connection can be made, as far as is known.
    pub(super) fn is_shut(&self) -> bool {
        self.shut.is_some()
    }

    /// Others are preferred, if there are any, because of what became of requests.
    pub(super) fn is_failing(&self) -> bool {
        self.rest.is_some() || self.shut.is_some_and(|shut| !shut.full)
    }

    /// Nothing about it depends on the time or on what is under way.
    pub(super) fn is_plain(&self) -> bool {
        self.rest.is_none()
            && self.shut.is_none()
            && self.window.is_none()
            && self.recovered.is_none()
            && !self.dead
    }

    fn recovered(&mut self, now: Instant) {
        if !self.rules.slow_start.is_zero() {
            self.recovered = Some(now);
        }
    }

    fn count(&mut self, now: Instant) {
        self.learn_death(now);
        let window = self.rules.fail_timeout;
        if self.failing_since.is_none_or(|since| now >= since + window) {
            self.failing_since = Some(now);
            self.fails = 0;
        }
        self.fails = self.fails.saturating_add(1);
    }

    /// Up to now it was alive, as far as anybody knew.
    fn learn_death(&mut self, now: Instant) {
        if std::mem::take(&mut self.works) {
            self.alive = Some(now);
        }
    }

    fn is_out(&self) -> bool {
        self.rules.max_fails > 0 && self.fails >= self.rules.max_fails
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(max_fails: u32) -> Gate {
        Gate::new(&EndpointConfig {
            max_fails,
            ..EndpointConfig::new("127.0.0.1:1".parse().unwrap())
        })
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn an_unreachable_endpoint_is_tried_by_one_request_at_a_time() {
        let (mut gate, now) = (gate(0), Instant::now());
        gate.unreachable(now);
        assert_eq!(gate.standing(now), Standing::Shut);
        let due = now + FIRST_PAUSE;
        assert_eq!(gate.standing(due), Standing::Open);
        assert!(gate.enter(due));
        assert_eq!(gate.standing(due), Standing::Shut);
        gate.unreachable(due);
        assert_eq!(gate.standing(due + FIRST_PAUSE), Standing::Shut);
        assert_eq!(gate.standing(due + 2 * FIRST_PAUSE), Standing::Open);
        assert!(gate.enter(due + 2 * FIRST_PAUSE));
        gate.reached(due + 2 * FIRST_PAUSE);
        assert_eq!(gate.standing(due + 2 * FIRST_PAUSE), Standing::Open);
    }

    #[test]
    fn who_leaves_in_the_middle_of_a_trial_lets_the_next_one_try() {
        let (mut gate, now) = (gate(0), Instant::now());
        gate.unreachable(now);
        let due = now + FIRST_PAUSE;
        assert!(gate.enter(due));
        gate.undecided();
        assert_eq!(gate.standing(due), Standing::Open);
    }

    #[test]
    fn failures_that_come_together_are_one_finding() {
        let (mut gate, now) = (gate(0), Instant::now());
        for _ in 0..100 {
            gate.unreachable(now);
        }
        assert_eq!(gate.standing(now + FIRST_PAUSE), Standing::Open);
    }

    #[test]
    fn an_endpoint_that_failed_often_enough_is_left_alone_while_there_are_others() {
        let (mut gate, now) = (gate(1), Instant::now());
        gate.unreachable(now);
        assert_eq!(gate.standing(now + FIRST_PAUSE), Standing::Trial);
        let later = now + Duration::from_secs(10);
        assert_eq!(gate.standing(later - MILLISECOND), Standing::Trial);
        assert_eq!(gate.standing(later), Standing::Open);
    }

    #[test]
    fn an_endpoint_that_breaks_exchanges_rests_and_then_proves_itself_with_one_request() {
        let (mut gate, now) = (gate(2), Instant::now());
        gate.broken(now);
        assert_eq!(gate.standing(now), Standing::Open);
        gate.broken(now);
        assert_eq!(gate.standing(now), Standing::Resting);
        assert!(!gate.enter(now));
        let later = now + Duration::from_secs(10);
        assert_eq!(gate.standing(later), Standing::Open);
        assert!(gate.enter(later));
        assert_eq!(gate.standing(later), Standing::Resting);
        gate.answered(later);
        assert!(gate.is_calm());
    }

    #[test]
    fn an_answer_that_was_under_way_does_not_end_a_rest() {
        let (mut gate, now) = (gate(1), Instant::now());
        gate.broken(now);
        gate.answered(now + MILLISECOND);
        assert_eq!(gate.standing(now + MILLISECOND), Standing::Resting);
        assert!(gate.enter(now + Duration::from_secs(10)));
    }

    #[test]
    fn old_failures_do_not_count() {
        let (mut gate, now) = (gate(2), Instant::now());
        gate.broken(now);
        let later = now + Duration::from_secs(10);
        gate.broken(later);
        assert_eq!(gate.standing(later), Standing::Open);
    }

    #[test]
    fn it_was_alive_until_the_first_failure() {
        let (mut gate, now) = (gate(1), Instant::now());
        assert_eq!(gate.last_alive(now), None);
        gate.unreachable(now);
        assert_eq!(gate.last_alive(now), None);
        gate.answered(now);
        let night = now + Duration::from_secs(3600);
        assert_eq!(gate.last_alive(night), Some(night));
        gate.unreachable(night);
        let morning = night + Duration::from_secs(3600);
        assert_eq!(gate.last_alive(morning), Some(night));
    }

    #[test]
    fn a_full_backlog_admits_as_many_as_it_held_and_then_feels_its_way() {
        let (mut gate, now) = (gate(1), Instant::now());
        gate.full(now, 3);
        assert_eq!(gate.window.map(|window| window.size), Some(3));
        assert_eq!(gate.standing(now), Standing::Open);
        for _ in 0..3 {
            gate.reached(now);
        }
        assert_eq!(gate.window.map(|window| window.size), Some(4));
        gate.idle();
        gate.answered(now);
        assert!(gate.is_calm());
    }

    #[test]
    fn a_backlog_that_others_fill_is_tried_again_soon() {
        let (mut gate, now) = (gate(1), Instant::now());
        gate.full(now, 0);
        assert_eq!(gate.standing(now), Standing::Shut);
        assert!(gate.is_full());
        assert_eq!(gate.standing(now + FIRST_FULL), Standing::Open);
    }

    #[test]
    fn a_recovered_endpoint_warms_up() {
        let config = EndpointConfig {
            slow_start: Duration::from_secs(10),
            weight: 2,
            ..EndpointConfig::new("127.0.0.1:1".parse().unwrap())
        };
        let endpoint = Endpoint::new(config.clone(), 1);
        let (mut gate, now) = (Gate::new(&config), Instant::now());
        gate.unreachable(now);
        gate.reached(now);
        gate.publish(&endpoint, now + Duration::from_secs(5));
        assert_eq!(endpoint.share(), 256);
        gate.publish(&endpoint, now + Duration::from_secs(10));
        assert_eq!(endpoint.share(), 512);
    }

    #[test]
    fn a_dead_endpoint_is_not_tried_until_a_check_finds_it_alive() {
        let (mut gate, now) = (gate(1), Instant::now());
        gate.judge(now, false);
        assert_eq!(gate.standing(now + Duration::from_secs(60)), Standing::Dead);
        gate.judge(now, true);
        assert_eq!(gate.standing(now), Standing::Open);
    }
}
