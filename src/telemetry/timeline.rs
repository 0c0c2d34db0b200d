//! Where the time of one request went: at every moment it is in one phase, so that the phases together are the whole.
//!
//! The clock is read where a phase ends, and nowhere else; what was waited for several times, because an endpoint
//! failed, adds up. Nothing is allocated.

use std::time::{Duration, Instant};

/// What a request is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// The client, for the rest of the request; from the end of its head on.
    Body,
    /// A slot.
    Queue,
    /// A connection to the endpoint.
    Connect,
    /// The application, for the head of its answer.
    Head,
    /// The client and the application, for the rest of the answer.
    Response,
}

/// The phases of one request so far.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    /// When the phase began.
    since: Instant,
    phase: Phase,
    /// The phases that were begun, as bits.
    begun: u8,
    /// Nanoseconds, those of the current phase not among them.
    spent: [u64; Phase::ALL.len()],
}

impl Phase {
    /// In their order.
    pub const ALL: [Self; 5] = [Self::Body, Self::Queue, Self::Connect, Self::Head, Self::Response];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Timeline {
    /// A request whose head has just been read. It is in [`Phase::Body`], which is [said](Self::said) only when there
    /// is a body.
    #[inline]
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            phase: Phase::Body,
            begun: 0,
            spent: [0; Phase::ALL.len()],
        }
    }

    /// When the current phase began.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// When the answer began, if it has.
    pub fn responds_since(&self) -> Option<Instant> {
        (self.phase == Phase::Response).then_some(self.since)
    }

    /// The phase is to be told, even if no time was spent in it.
    pub fn say(&mut self, phase: Phase) {
        self.begun |= phase.bit();
    }

    /// Ends a phase, and begins another one.
    pub fn enter(&mut self, phase: Phase, now: Instant) {
        self.pause(now);
        self.phase = phase;
        self.say(phase);
    }

    /// Counts what was spent since it was counted last, and gives it. The end is one such moment.
    pub fn pause(&mut self, now: Instant) -> Duration {
        // Phases often begin and end in one moment: a slot is free, a connection is kept.
        if now == self.since {
            return Duration::ZERO;
        }
        let time = now.saturating_duration_since(self.since);
        self.spent[self.phase as usize] += nanos(time);
        self.since = now;
        time
    }

    /// What was spent in a phase, if it is to be told.
    pub fn said(&self, phase: Phase) -> Option<Duration> {
        self.is_said(phase).then(|| self.spent(phase))
    }

    /// The same in microseconds.
    pub fn micros(&self, phase: Phase) -> Option<u64> {
        self.is_said(phase).then(|| self.nanos(phase) / 1000)
    }

    /// What was spent in a phase.
    pub fn spent(&self, phase: Phase) -> Duration {
        Duration::from_nanos(self.nanos(phase))
    }

    /// The same in nanoseconds.
    pub fn nanos(&self, phase: Phase) -> u64 {
        self.spent[phase as usize]
    }

    /// All phases together.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.total_nanos())
    }

    /// The same in nanoseconds.
    pub fn total_nanos(&self) -> u64 {
        self.spent.iter().sum()
    }

    fn is_said(&self, phase: Phase) -> bool {
        self.begun & phase.bit() != 0
    }
}

/// Good for 584 years.
fn nanos(time: Duration) -> u64 {
    time.as_secs() * 1_000_000_000 + u64::from(time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_phases_are_the_whole() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        for (at, phase) in Phase::ALL[1..].iter().enumerate() {
            timeline.enter(*phase, start + SECOND * (1 << at));
        }
        timeline.pause(start + SECOND * 16);
        let spent = Phase::ALL.map(|phase| timeline.spent(phase).as_secs());
        assert_eq!(spent, [1, 1, 2, 4, 8]);
        assert_eq!(timeline.total(), SECOND * 16);
    }

    #[test]
    fn what_is_waited_for_twice_adds_up() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Queue, start);
        timeline.enter(Phase::Head, start + SECOND);
        timeline.enter(Phase::Queue, start + SECOND * 3);
        timeline.enter(Phase::Head, start + SECOND * 7);
        timeline.pause(start + SECOND * 15);
        assert_eq!(timeline.spent(Phase::Queue), SECOND * 5);
        assert_eq!(timeline.spent(Phase::Head), SECOND * 10);
    }

    #[test]
    fn a_phase_without_time_is_told_and_one_that_was_never_begun_is_not() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Queue, start + SECOND);
        assert_eq!(timeline.said(Phase::Body), None);
        assert_eq!(timeline.said(Phase::Queue), Some(Duration::ZERO));
        assert_eq!(timeline.said(Phase::Connect), None);
        timeline.say(Phase::Body);
        assert_eq!(timeline.said(Phase::Body), Some(SECOND));
    }

    #[test]
    fn time_that_runs_backwards_is_no_time() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start + SECOND);
        timeline.pause(start);
        assert_eq!(timeline.total(), Duration::ZERO);
    }
}
