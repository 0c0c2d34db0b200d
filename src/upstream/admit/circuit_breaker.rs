//! What is known about an endpoint's ability to serve: learned from the requests themselves.
//!
//! Two kinds of trouble are told apart. An endpoint that *cannot be reached* (socket file missing, refused, backlog
//! full) has its circuit opened: one request at a time tries it again, after pauses that grow, and as soon as a
//! connection stands the circuit is closed, and requests go there again. An endpoint that *breaks exchanges* is
//! ejected: others are preferred for a while, but when there are no others it serves as before, since one request that
//! kills its worker says little about the next.
//!
//! A pure state machine: the instants come from outside.

use std::time::Duration;

use tokio::time::Instant;

use crate::upstream::model::config::EndpointConfig;
use crate::upstream::model::endpoint::{CircuitState, Endpoint};

/// First pause before an endpoint that could not be reached is tried again; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Longest such pause while requests wait for nothing else.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// First pause before a full backlog is tried again when nothing of ours occupies it; doubles up to
/// [`LONGEST_FULL`].
const FIRST_FULL: Duration = Duration::from_millis(1);

/// Longest such pause.
const LONGEST_FULL: Duration = Duration::from_millis(50);

/// The breaker of one endpoint.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    rules: Rules,
    /// Failures since `failing_since`, forgotten with a success.
    fails: u32,
    failing_since: Option<Instant>,
    /// It answered, and nothing failed since.
    works: bool,
    /// When it was last known to be alive, as of the first failure after a success.
    alive: Option<Instant>,
    /// Others are preferred until then.
    ejected: Option<Instant>,
    /// One request finds out whether the ejection was long enough.
    probation: bool,
    opened: Option<Opened>,
    window: Option<Window>,
    /// It is warming up since then.
    recovered: Option<Instant>,
    /// A health check says so.
    unhealthy: bool,
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    max_fails: u32,
    fail_timeout: Duration,
    slow_start: Duration,
}

/// What requests have found to be wrong with an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It takes connections, and breaks exchanges: others are preferred, if there are any.
    Breaks,
    /// It takes no connection.
    Unreachable,
}

/// No connection stands.
#[derive(Clone, Copy, Debug)]
struct Opened {
    /// Tried again then, whatever the others do.
    until: Instant,
    /// Tried again then, when there is no other endpoint.
    urgent: Instant,
    /// How long the last pause was.
    pause: Duration,
    /// One request is trying.
    half_open: bool,
    /// Its backlog is full: it is alive.
    full: bool,
}

/// How many exchanges a full backlog lets through: grows by one with each of its lengths that was let through.
#[derive(Clone, Copy, Debug)]
struct Window {
    size: usize,
    reached: usize,
}

impl CircuitBreaker {
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
            ejected: None,
            probation: false,
            opened: None,
            window: None,
            recovered: None,
            unhealthy: false,
        }
    }

    /// What may be asked of the endpoint now.
    pub(super) fn circuit(&self, now: Instant) -> CircuitState {
        if self.unhealthy {
            return CircuitState::Unhealthy;
        }
        if let Some(opened) = &self.opened {
            return match () {
                () if opened.half_open => CircuitState::Open,
                () if now >= opened.until => CircuitState::Closed,
                () if now >= opened.urgent => CircuitState::HalfOpen,
                () => CircuitState::Open,
            };
        }
        match self.ejected {
            Some(until) if now < until || self.probation => CircuitState::Ejected,
            _ => CircuitState::Closed,
        }
    }

    /// Nothing is wrong, and another success would tell nothing new.
    pub(super) fn is_steady(&self) -> bool {
        self.works && self.fails == 0 && self.is_settled()
    }

    /// When it was last known to be alive; `None`: never, or for sure right now.
    pub(super) fn last_alive(&self, now: Instant) -> Option<Instant> {
        match self.works || self.is_full() {
            true => Some(now),
            false => self.alive,
        }
    }

    /// Nothing is known of it yet, and it was alive a moment ago.
    pub(super) fn was_alive(&mut self, now: Instant) {
        self.alive = Some(now);
    }

    /// Its backlog is full, which only a living process has.
    pub(super) fn is_full(&self) -> bool {
        self.opened.is_some_and(|opened| opened.full)
    }

    /// The next moment at which [`circuit`](Self::circuit) changes by itself.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let opened = self.opened.filter(|opened| !opened.half_open);
        [
            opened.map(|opened| opened.urgent),
            opened.map(|opened| opened.until),
            self.ejected,
        ]
        .into_iter()
        .flatten()
        .filter(|at| *at > now)
        .min()
    }

    /// A request is let through; whether its fate decides about the endpoint.
    pub(super) fn enter(&mut self, now: Instant) -> bool {
        if let Some(opened) = &mut self.opened {
            opened.half_open = true;
            return true;
        }
        if self.ejected.is_some_and(|until| now >= until) && !self.probation {
            self.probation = true;
            return true;
        }
        false
    }

    /// The deciding request left without having found out anything.
    pub(super) fn undecided(&mut self) {
        self.probation = false;
        if let Some(opened) = &mut self.opened {
            opened.half_open = false;
        }
    }

    /// A connection stands.
    pub(super) fn reached(&mut self, now: Instant) {
        if let Some(opened) = self.opened.take()
            && !opened.full
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

    /// An answer's head came. What was under way before an ejection does not end it: a server that breaks every other
    /// answer would never be ejected. Nor does it make earlier failures undone: those within `fail_timeout` count.
    pub(super) fn answered(&mut self, now: Instant) {
        self.works = true;
        if self.ejected.is_some_and(|until| now < until) {
            return;
        }
        let was_ejected = self.ejected.take().is_some();
        if was_ejected {
            self.recovered(now);
        }
        let window = self.rules.fail_timeout;
        if was_ejected || self.failing_since.is_none_or(|since| now >= since + window) {
            self.fails = 0;
            self.failing_since = None;
        }
        self.probation = false;
    }

    /// No connection could be made.
    pub(super) fn unreachable(&mut self, now: Instant) {
        // Requests that tried together fail together: that is one finding.
        let known = self
            .opened
            .filter(|opened| !opened.full && !opened.half_open && now < opened.urgent);
        self.count(now);
        if known.is_some() {
            return;
        }
        let pause = self.opened.map_or(FIRST_PAUSE, |opened| {
            (opened.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE)
        });
        let away = match self.is_out() {
            true => self.rules.fail_timeout.max(pause),
            false => pause,
        };
        self.window = None;
        self.opened = Some(Opened {
            until: now + away,
            urgent: now + pause,
            pause,
            half_open: false,
            full: false,
        });
    }

    /// The backlog is full, while `in_flight` other exchanges of ours are under way.
    pub(super) fn full(&mut self, now: Instant, in_flight: usize) {
        self.alive = Some(now);
        if in_flight > 0 {
            self.opened = None;
            self.window = Some(Window {
                size: in_flight,
                reached: 0,
            });
            return;
        }
        let pause = self
            .opened
            .map_or(FIRST_FULL, |opened| (opened.pause * 2).min(LONGEST_FULL));
        self.opened = Some(Opened {
            until: now + pause,
            urgent: now + pause,
            pause,
            half_open: false,
            full: true,
        });
    }

    /// An exchange broke, or took too long.
    pub(super) fn broken(&mut self, now: Instant) {
        self.count(now);
        self.probation = false;
        if self.is_out() {
            self.ejected = Some(now + self.rules.fail_timeout);
        }
    }

    /// A health check's finding.
    pub(super) fn judge(&mut self, now: Instant, alive: bool) {
        match (alive, self.unhealthy) {
            (false, false) => {
                self.learn_death(now);
                self.unhealthy = true;
            }
            (true, true) => {
                self.unhealthy = false;
                self.opened = None;
                self.ejected = None;
                self.recovered(now);
            }
            _ => {}
        }
    }

    /// No health check is made from now on, so that none would find it alive again.
    pub(super) fn unchecked(&mut self) {
        self.unhealthy = false;
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
        endpoint.set_circuit(self.circuit(now));
        endpoint.set_steady(self.is_steady());
    }

    /// Whether one request is finding out if the endpoint was ejected for long enough.
    pub(super) fn is_on_probation(&self) -> bool {
        self.probation
    }

    /// Whether no connection can be made, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// What requests have found to be wrong.
    pub(super) fn trouble(&self) -> Trouble {
        match self.ejected {
            _ if self.opened.is_some_and(|opened| !opened.full) => Trouble::Unreachable,
            Some(_) => Trouble::Breaks,
            None => Trouble::None,
        }
    }

    /// Nothing about it depends on the time or on what is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.ejected.is_none()
            && self.opened.is_none()
            && self.window.is_none()
            && self.recovered.is_none()
            && !self.unhealthy
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

    /// Up to now it was alive, as far as was known.
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

    fn breaker(max_fails: u32) -> CircuitBreaker {
        CircuitBreaker::new(&EndpointConfig {
            max_fails,
            ..EndpointConfig::new("127.0.0.1:1".parse().unwrap())
        })
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn an_unreachable_endpoint_is_tried_by_one_request_at_a_time() {
        let (mut breaker, now) = (breaker(0), Instant::now());
        breaker.unreachable(now);
        assert_eq!(breaker.circuit(now), CircuitState::Open);
        let due = now + FIRST_PAUSE;
        assert_eq!(breaker.circuit(due), CircuitState::Closed);
        assert!(breaker.enter(due));
        assert_eq!(breaker.circuit(due), CircuitState::Open);
        breaker.unreachable(due);
        assert_eq!(breaker.circuit(due + FIRST_PAUSE), CircuitState::Open);
        assert_eq!(breaker.circuit(due + 2 * FIRST_PAUSE), CircuitState::Closed);
        assert!(breaker.enter(due + 2 * FIRST_PAUSE));
        breaker.reached(due + 2 * FIRST_PAUSE);
        assert_eq!(breaker.circuit(due + 2 * FIRST_PAUSE), CircuitState::Closed);
    }

    #[test]
    fn who_leaves_in_the_middle_of_a_trial_lets_the_next_one_try() {
        let (mut breaker, now) = (breaker(0), Instant::now());
        breaker.unreachable(now);
        let due = now + FIRST_PAUSE;
        assert!(breaker.enter(due));
        breaker.undecided();
        assert_eq!(breaker.circuit(due), CircuitState::Closed);
    }

    #[test]
    fn failures_that_come_together_are_one_finding() {
        let (mut breaker, now) = (breaker(0), Instant::now());
        for _ in 0..100 {
            breaker.unreachable(now);
        }
        assert_eq!(breaker.circuit(now + FIRST_PAUSE), CircuitState::Closed);
    }

    #[test]
    fn an_endpoint_that_failed_often_enough_is_left_alone_while_there_are_others() {
        let (mut breaker, now) = (breaker(1), Instant::now());
        breaker.unreachable(now);
        assert_eq!(breaker.circuit(now + FIRST_PAUSE), CircuitState::HalfOpen);
        let later = now + Duration::from_secs(10);
        assert_eq!(breaker.circuit(later - MILLISECOND), CircuitState::HalfOpen);
        assert_eq!(breaker.circuit(later), CircuitState::Closed);
    }

    #[test]
    fn an_endpoint_that_breaks_exchanges_is_ejected_and_then_proves_itself_with_one_request() {
        let (mut breaker, now) = (breaker(2), Instant::now());
        breaker.broken(now);
        assert_eq!(breaker.circuit(now), CircuitState::Closed);
        breaker.broken(now);
        assert_eq!(breaker.circuit(now), CircuitState::Ejected);
        assert!(!breaker.enter(now));
        let later = now + Duration::from_secs(10);
        assert_eq!(breaker.circuit(later), CircuitState::Closed);
        assert!(breaker.enter(later));
        assert_eq!(breaker.circuit(later), CircuitState::Ejected);
        breaker.answered(later);
        assert!(breaker.is_steady());
    }

    #[test]
    fn an_answer_that_was_under_way_does_not_end_an_ejection() {
        let (mut breaker, now) = (breaker(1), Instant::now());
        breaker.broken(now);
        breaker.answered(now + MILLISECOND);
        assert_eq!(breaker.circuit(now + MILLISECOND), CircuitState::Ejected);
        assert!(breaker.enter(now + Duration::from_secs(10)));
    }

    #[test]
    fn answers_between_failures_do_not_undo_them() {
        let (mut breaker, now) = (breaker(2), Instant::now());
        breaker.broken(now);
        breaker.answered(now + MILLISECOND);
        breaker.broken(now + 2 * MILLISECOND);
        assert_eq!(breaker.circuit(now + 2 * MILLISECOND), CircuitState::Ejected);
        let later = now + Duration::from_secs(60);
        breaker.answered(later);
        assert!(breaker.is_steady(), "it has proved itself");
        breaker.broken(later);
        assert_eq!(breaker.circuit(later), CircuitState::Closed);
    }

    #[test]
    fn old_failures_do_not_count() {
        let (mut breaker, now) = (breaker(2), Instant::now());
        breaker.broken(now);
        let later = now + Duration::from_secs(10);
        breaker.broken(later);
        assert_eq!(breaker.circuit(later), CircuitState::Closed);
    }

    #[test]
    fn it_was_alive_until_the_first_failure() {
        let (mut breaker, now) = (breaker(1), Instant::now());
        assert_eq!(breaker.last_alive(now), None);
        breaker.unreachable(now);
        assert_eq!(breaker.last_alive(now), None);
        breaker.answered(now);
        let night = now + Duration::from_secs(3600);
        assert_eq!(breaker.last_alive(night), Some(night));
        breaker.unreachable(night);
        let morning = night + Duration::from_secs(3600);
        assert_eq!(breaker.last_alive(morning), Some(night));
    }

    #[test]
    fn a_full_backlog_admits_as_many_as_it_held_and_then_feels_its_way() {
        let (mut breaker, now) = (breaker(1), Instant::now());
        breaker.full(now, 3);
        assert_eq!(breaker.window.map(|window| window.size), Some(3));
        assert_eq!(breaker.circuit(now), CircuitState::Closed);
        for _ in 0..3 {
            breaker.reached(now);
        }
        assert_eq!(breaker.window.map(|window| window.size), Some(4));
        breaker.idle();
        breaker.answered(now);
        assert!(breaker.is_steady());
    }

    #[test]
    fn a_backlog_that_others_fill_is_tried_again_soon() {
        let (mut breaker, now) = (breaker(1), Instant::now());
        breaker.full(now, 0);
        assert_eq!(breaker.circuit(now), CircuitState::Open);
        assert!(breaker.is_full());
        assert_eq!(breaker.circuit(now + FIRST_FULL), CircuitState::Closed);
    }

    #[test]
    fn a_recovered_endpoint_warms_up() {
        let config = EndpointConfig {
            slow_start: Duration::from_secs(10),
            weight: 2,
            ..EndpointConfig::new("127.0.0.1:1".parse().unwrap())
        };
        let endpoint = Endpoint::new(config.clone(), 1);
        let (mut breaker, now) = (CircuitBreaker::new(&config), Instant::now());
        breaker.unreachable(now);
        breaker.reached(now);
        breaker.publish(&endpoint, now + Duration::from_secs(5));
        assert_eq!(endpoint.share(), 256);
        breaker.publish(&endpoint, now + Duration::from_secs(10));
        assert_eq!(endpoint.share(), 512);
    }

    #[test]
    fn a_dead_endpoint_is_not_tried_until_a_check_finds_it_alive() {
        let (mut breaker, now) = (breaker(1), Instant::now());
        breaker.judge(now, false);
        assert_eq!(
            breaker.circuit(now + Duration::from_secs(60)),
            CircuitState::Unhealthy
        );
        breaker.judge(now, true);
        assert_eq!(breaker.circuit(now), CircuitState::Closed);
    }
}
