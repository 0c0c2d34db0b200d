//! What is done about the generations of one application, and when: a state machine without processes and clock.
//!
//! Events go in, each with the time; actions come out. One generation serves. The next one starts beside it, is warmed, and
//! takes over; the one before finishes its requests and stops. A generation that does not get ready while another serves is
//! refused. One that serves and ends is started again, at once if it was steady, else after longer and longer pauses.

mod backoff;
mod generation;

use std::time::Duration;

use tokio::time::Instant;

pub(super) use generation::Id;
use generation::{Generation, Phase};

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadlines {
    /// From the start of the process until it is ready, and again until it is warm.
    pub(super) start: Duration,
    /// For the requests of a generation that another one has replaced.
    pub(super) drain: Duration,
    /// From the signal to stop until the process is killed.
    pub(super) stop: Duration,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start the process of a generation.
    Launch(Id),
    /// Send the requests that warm it up; [`Supervisor::warmed`] hears of it.
    Warm(Id),
    /// Requests go to this generation from now on.
    Publish(Id),
    /// Requests go nowhere until there is something to go to.
    Withdraw,
    /// Wait for the requests that are under way there; [`Supervisor::drained`] hears of it.
    Drain(Id),
    /// Tell the process to stop.
    Stop(Id),
    /// Kill it, with all that it started.
    Kill(Id),
    /// Nothing of the generation is left or needed.
    Retire(Id),
    /// The generation does not take over.
    Refuse(Id, Refusal),
    /// The generation takes over although it could not be warmed up: no other one serves.
    Cold(Id),
    /// It is started again after this time.
    Pause(Id, Duration),
    /// It has ended so many times in a row before it was steady.
    CrashLoop(Id, u32),
}

/// Why a generation does not take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It ended before it was ready.
    Ended,
    /// It was not ready in time.
    NotReady,
    /// A request that was to warm it up failed.
    NotWarm,
    /// A newer one is wanted.
    Superseded,
}

/// The generations of one application.
#[derive(Debug)]
pub(super) struct Supervisor {
    deadlines: Deadlines,
    generations: Vec<Generation>,
    /// Where requests go, or where they go again when it is up.
    serving: Option<Id>,
    is_published: bool,
    is_stopping: bool,
    next: Id,
}

impl Supervisor {
    /// Without a generation.
    pub(super) fn new(deadlines: Deadlines) -> Self {
        Self {
            deadlines,
            generations: Vec::new(),
            serving: None,
            is_published: false,
            is_stopping: false,
            next: 1,
        }
    }

    /// Steps that begin from now on have these deadlines.
    pub(super) fn set_deadlines(&mut self, deadlines: Deadlines) {
        self.deadlines = deadlines;
    }

    /// Begins another generation; what else was about to take over is given up. `None` when everything is stopping.
    pub(super) fn renew(&mut self, now: Instant) -> Option<(Id, Vec<Action>)> {
        if self.is_stopping {
            return None;
        }
        let mut actions = Vec::new();
        let waiting: Vec<_> = self.candidates().map(|candidate| candidate.id).collect();
        for id in waiting {
            actions.push(Action::Refuse(id, Refusal::Superseded));
            self.give_up(id, now, &mut actions);
        }
        let id = self.next;
        self.next += 1;
        let until = now + self.deadlines.start;
        self.generations
            .push(Generation::new(id, Phase::Starting { until }));
        actions.push(Action::Launch(id));
        Some((id, actions))
    }

    /// The process of a generation says that it can answer. `is_warm`: nothing has to warm it up.
    pub(super) fn ready(&mut self, id: Id, is_warm: bool, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_back = self.published() == Some(id);
        let until = now + self.deadlines.start;
        let Some(generation) = self.find(id) else {
            return actions;
        };
        if !matches!(generation.phase, Phase::Starting { .. }) {
            return actions;
        }
        if is_back || is_warm {
            self.take_over(id, now, &mut actions);
        } else {
            generation.phase = Phase::Warming { until };
            actions.push(Action::Warm(id));
        }
        actions
    }

    /// The requests that warm a generation up were answered, or one of them was not as it should be.
    pub(super) fn warmed(&mut self, id: Id, is_fine: bool, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_rival = self.serving.is_some_and(|serving| serving != id);
        let is_warming = self
            .find(id)
            .is_some_and(|generation| matches!(generation.phase, Phase::Warming { .. }));
        if !is_warming {
            return actions;
        }
        if !is_fine {
            if is_rival {
                actions.push(Action::Refuse(id, Refusal::NotWarm));
                self.give_up(id, now, &mut actions);
                return actions;
            }
            actions.push(Action::Cold(id));
        }
        self.take_over(id, now, &mut actions);
        actions
    }

    /// The process of a generation has ended, or could not be started.
    pub(super) fn exited(&mut self, id: Id, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_rival = self.serving.is_some_and(|serving| serving != id);
        let Some(generation) = self.find(id) else {
            return actions;
        };
        match generation.phase {
            Phase::Starting { .. } | Phase::Warming { .. } if is_rival => {
                actions.push(Action::Refuse(id, Refusal::Ended));
                self.retire(id, &mut actions);
            }
            Phase::Starting { .. } | Phase::Warming { .. } | Phase::Failing | Phase::Serving { .. } => {
                let pause = generation.failed(now);
                let failures = generation.failures;
                actions.push(Action::Pause(id, pause));
                if failures == backoff::CRASH_LOOP {
                    actions.push(Action::CrashLoop(id, failures));
                }
                if failures >= backoff::CRASH_LOOP && self.is_published && self.serving == Some(id) {
                    self.is_published = false;
                    actions.push(Action::Withdraw);
                }
            }
            Phase::Waiting { .. } => {}
            Phase::Draining { .. } | Phase::Stopping { .. } | Phase::Killed => self.retire(id, &mut actions),
        }
        actions
    }

    /// No request is under way at a generation that was replaced.
    pub(super) fn drained(&mut self, id: Id, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_draining = self
            .find(id)
            .is_some_and(|generation| matches!(generation.phase, Phase::Draining { .. }));
        if is_draining {
            self.give_up(id, now, &mut actions);
        }
        actions
    }

    /// Stops all of them, for good.
    pub(super) fn stop(&mut self, now: Instant) -> Vec<Action> {
        self.is_stopping = true;
        let mut actions = Vec::new();
        if self.is_published {
            self.is_published = false;
            actions.push(Action::Withdraw);
        }
        self.serving = None;
        let all: Vec<_> = self.generations.iter().map(|generation| generation.id).collect();
        for id in all {
            self.give_up(id, now, &mut actions);
        }
        actions
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_due = |generation: &&Generation| generation.due().is_some_and(|due| due <= now);
        let due: Vec<_> = self
            .generations
            .iter()
            .filter(is_due)
            .map(|generation| generation.id)
            .collect();
        for id in due {
            self.overdue(id, now, &mut actions);
        }
        actions
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.generations.iter().filter_map(Generation::due).min()
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }

    /// The generation that requests go to.
    pub(super) fn published(&self) -> Option<Id> {
        self.serving.filter(|_| self.is_published)
    }

    fn overdue(&mut self, id: Id, now: Instant, actions: &mut Vec<Action>) {
        let is_rival = self.serving.is_some_and(|serving| serving != id);
        let until = now + self.deadlines.start;
        let Some(generation) = self.find(id) else { return };
        match generation.phase {
            Phase::Waiting { .. } => {
                generation.phase = Phase::Starting { until };
                actions.push(Action::Launch(id));
            }
            Phase::Starting { .. } if is_rival => {
                generation.phase = Phase::Killed;
                actions.extend([Action::Refuse(id, Refusal::NotReady), Action::Kill(id)]);
            }
            Phase::Starting { .. } => {
                generation.phase = Phase::Failing;
                actions.push(Action::Kill(id));
            }
            Phase::Warming { .. } => actions.extend(self.warmed(id, false, now)),
            Phase::Draining { .. } => self.give_up(id, now, actions),
            Phase::Stopping { .. } => {
                generation.phase = Phase::Killed;
                actions.push(Action::Kill(id));
            }
            Phase::Serving { .. } | Phase::Failing | Phase::Killed => {}
        }
    }

    /// Requests go to this generation from now on, and the one before finishes what it has.
    fn take_over(&mut self, id: Id, now: Instant, actions: &mut Vec<Action>) {
        let before = self.serving.replace(id).filter(|before| *before != id);
        if let Some(generation) = self.find(id) {
            generation.phase = Phase::Serving { since: now };
        }
        if before.is_some() || !self.is_published {
            actions.push(Action::Publish(id));
        }
        self.is_published = true;
        let until = now + self.deadlines.drain;
        let Some(before) = before.and_then(|before| self.find(before)) else {
            return;
        };
        let before = before.id;
        match self.find(before).map(|generation| generation.phase) {
            Some(Phase::Serving { .. }) => {
                if let Some(generation) = self.find(before) {
                    generation.phase = Phase::Draining { until };
                }
                actions.push(Action::Drain(before));
            }
            // It is down, or about to come back: it has no requests that could be finished.
            _ => self.give_up(before, now, actions),
        }
    }

    /// Ends a generation that is no longer wanted.
    fn give_up(&mut self, id: Id, now: Instant, actions: &mut Vec<Action>) {
        let until = now + self.deadlines.stop;
        let Some(generation) = self.find(id) else { return };
        match generation.phase {
            Phase::Waiting { .. } => self.retire(id, actions),
            Phase::Starting { .. }
            | Phase::Warming { .. }
            | Phase::Serving { .. }
            | Phase::Draining { .. } => {
                generation.phase = Phase::Stopping { until };
                actions.push(Action::Stop(id));
            }
            Phase::Failing => generation.phase = Phase::Killed,
            Phase::Stopping { .. } | Phase::Killed => {}
        }
    }

    fn retire(&mut self, id: Id, actions: &mut Vec<Action>) {
        self.generations.retain(|generation| generation.id != id);
        actions.push(Action::Retire(id));
    }

    /// Those that are about to take over.
    fn candidates(&self) -> impl Iterator<Item = &Generation> {
        let candidates = self.generations.iter();
        candidates.filter(|generation| Some(generation.id) != self.serving && generation.is_wanted())
    }

    fn find(&mut self, id: Id) -> Option<&mut Generation> {
        self.generations.iter_mut().find(|generation| generation.id == id)
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests;
