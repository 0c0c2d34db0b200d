//! Targets that the kit starts itself, each of which gets one case at a time: a crash is of the case that was played.

use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use super::schedule::{next, one};
use super::{Outcome, Plan, Verdict};
use crate::content::Scope;
use crate::launch::{Launcher, Target};
use crate::notation::Case;

/// Plays the cases that the plan selects, against as many targets at once as the plan has jobs; a target that has ended
/// is started again, and so is one that has had an intrusive case. `each` gets every outcome as it comes; the result is
/// in the order of the cases.
///
/// # Errors
///
/// When a target does not start, and when the launcher is interrupted.
pub fn run_started(
    cases: &[Case],
    launcher: &Launcher,
    scope: &Scope,
    plan: &Plan,
    mut each: impl FnMut(&Outcome),
) -> Result<Vec<Outcome>, String> {
    let mut selected: Vec<usize> = (0..cases.len()).filter(|at| plan.selects(&cases[*at])).collect();
    selected.sort_by_key(|at| (cases[*at].is_alone(), *at));
    let lanes = match launcher.is_single() {
        true => 1,
        false => plan.jobs.get().min(selected.len()),
    };
    let game = &Game {
        cases,
        launcher,
        scope,
        plan,
    };
    let queue = &Mutex::new(selected.into_iter());
    let (sender, receiver) = mpsc::channel();
    let mut outcomes = Vec::new();
    let errors: Vec<String> = thread::scope(|threads| {
        let start = |_| {
            let sender = sender.clone();
            threads.spawn(move || game.lane(sender, queue))
        };
        let lanes: Vec<_> = (0..lanes).map(start).collect();
        drop(sender);
        for (at, outcome) in receiver {
            each(&outcome);
            outcomes.push((at, outcome));
        }
        let error = |lane: thread::ScopedJoinHandle<'_, Result<(), String>>| {
            lane.join()
                .unwrap_or_else(|_| Err("a lane panicked".to_owned()))
                .err()
        };
        lanes.into_iter().filter_map(error).collect()
    });
    // Where one lane has failed, the others were interrupted.
    let told = errors.iter().find(|error| *error != INTERRUPTED);
    if let Some(error) = told.or(errors.first()) {
        return Err(error.clone());
    }
    outcomes.sort_by_key(|(at, _)| *at);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// What all lanes share.
struct Game<'a> {
    cases: &'a [Case],
    launcher: &'a Launcher,
    scope: &'a Scope,
    plan: &'a Plan,
}

impl Game<'_> {
    /// A lane from its beginning to its end; its failure ends the others.
    fn lane(
        &self,
        sender: Sender<(usize, Outcome)>,
        queue: &Mutex<std::vec::IntoIter<usize>>,
    ) -> Result<(), String> {
        let lane = Lane::new(self, sender);
        let played = lane.and_then(|lane| lane.play(queue));
        played.inspect_err(|_| self.launcher.interrupt())
    }
}

/// A place for targets, one after another, and the cases that they get.
struct Lane<'a> {
    game: &'a Game<'a>,
    target: Target,
    /// Whether the target runs, and no intrusive case has been played against it.
    fresh: bool,
    /// The last outcome: whether the target has survived the case is seen by the next one at the latest.
    last: Option<(usize, Outcome)>,
    sender: Sender<(usize, Outcome)>,
}

impl<'a> Lane<'a> {
    fn new(game: &'a Game<'a>, sender: Sender<(usize, Outcome)>) -> Result<Self, String> {
        Ok(Self {
            game,
            target: game.launcher.target()?,
            fresh: false,
            last: None,
            sender,
        })
    }

    fn play(mut self, queue: &Mutex<std::vec::IntoIter<usize>>) -> Result<(), String> {
        while let Some(at) = next(queue) {
            let case = &self.game.cases[at];
            if self.game.plan.skips(case).is_some() {
                let skipped = one(case, self.target.side(), self.game.scope, self.game.plan);
                self.report(at, skipped);
                continue;
            }
            let (mut outcome, mut crash) = self.one(at, false)?;
            if crash.is_some() && self.last.is_some() {
                self.again()?;
                (outcome, crash) = self.one(at, true)?;
            }
            self.hold(at, self.judged(outcome, crash));
        }
        // No case comes behind the last one that would find the target gone.
        if self.fresh && self.target.ended(CERTAIN).is_some() {
            self.fresh = false;
            self.again()?;
        }
        self.release();
        Ok(())
    }

    /// Whose crash was it? The last case may have been over before the target was, and may permit what a crash looks
    /// like: an end without an answer. So it is played once more, and the target's end waited for.
    fn again(&mut self) -> Result<(), String> {
        if let Some((at, _)) = self.last.take() {
            let (outcome, crash) = self.one(at, true)?;
            self.last = Some((at, self.judged(outcome, crash)));
        }
        Ok(())
    }

    /// Plays a case; also gives how the target ended over it. It is started again for the next one then. An end is
    /// waited for when it `is_suspected`, and after every case that did not pass.
    fn one(&mut self, at: usize, is_suspected: bool) -> Result<(Outcome, Option<String>), String> {
        let Game {
            cases, scope, plan, ..
        } = self.game;
        let case = &cases[at];
        if !self.fresh || case.intrusive {
            self.start()?;
        }
        let outcome = one(case, self.target.side(), scope, plan);
        let patience = match is_suspected || case.intrusive || outcome.verdict.is_bad() {
            true => CERTAIN,
            false => Duration::ZERO,
        };
        let crash = self.target.ended(patience);
        self.fresh = crash.is_none() && !case.intrusive;
        self.unless_interrupted()?;
        Ok((outcome, crash))
    }

    fn start(&mut self) -> Result<(), String> {
        self.unless_interrupted()?;
        self.target.start()?;
        self.fresh = true;
        Ok(())
    }

    fn unless_interrupted(&self) -> Result<(), String> {
        match self.game.launcher.is_interrupted() {
            true => Err(INTERRUPTED.to_owned()),
            false => Ok(()),
        }
    }

    fn judged(&self, mut outcome: Outcome, crash: Option<String>) -> Outcome {
        if let Some(how) = crash {
            outcome.verdict = Verdict::Crash(how);
            outcome.known = self.game.plan.known.reason(&outcome.id, &outcome.verdict);
        }
        outcome
    }

    fn hold(&mut self, at: usize, outcome: Outcome) {
        self.release();
        self.last = Some((at, outcome));
    }

    fn release(&mut self) {
        if let Some((at, outcome)) = self.last.take() {
            self.report(at, outcome);
        }
    }

    fn report(&self, at: usize, outcome: Outcome) {
        // The receiver outlives the lanes.
        let _ = self.sender.send((at, outcome));
    }
}

const CERTAIN: Duration = Duration::from_millis(200); // in which a target that has crashed is seen to have ended
const INTERRUPTED: &str = "interrupted";
