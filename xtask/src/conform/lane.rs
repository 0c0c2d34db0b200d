//! Several instances of a target, each of which gets one case at a time: a crash is of the case that was played.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bridgehead_conform::content::Scope;
use bridgehead_conform::notation::{Case, Level};
use bridgehead_conform::run::{Outcome, Plan, Verdict, run};

use super::column::{Column, Peer};
use super::instance::Instance;
use super::kit::Kit;
use super::setting::Setting;

/// Plays the ordinary cases of a column, or the intrusive ones; the outcomes are in the order of the cases.
///
/// # Errors
///
/// When the target does not start.
pub(super) fn play(kit: &Kit, column: &Column, intrusive: bool) -> Result<Vec<Outcome>> {
    let cases = kit.cases(column)?;
    let mut indices: Vec<usize> = (0..cases.len())
        .filter(|at| cases[*at].intrusive == intrusive)
        .collect();
    // Special settings last: the instance is started again for each.
    indices.sort_by_key(|at| (Setting::of(&cases[*at]), *at));
    let lanes = LANES.min(indices.len());
    let queue = Mutex::new(indices.into_iter());
    let (kit, cases, queue) = (&Game::new(kit, column)?, &cases, &queue);
    let played = thread::scope(|threads| {
        let start = |_| threads.spawn(move || Lane::new(column, kit, cases).play(queue));
        let lanes: Vec<_> = (0..lanes).map(start).collect();
        let join = |lane: thread::ScopedJoinHandle<'_, Result<_>>| {
            lane.join()
                .map_err(|_| anyhow!("a lane of {} panicked", column.name))?
        };
        lanes.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let mut played: Vec<_> = played.into_iter().flatten().collect();
    played.sort_by_key(|(at, _)| *at);
    Ok(played.into_iter().map(|(_, outcome)| outcome).collect())
}

/// What all lanes of a column share.
struct Game {
    plan: Plan,
    scope: Scope,
    /// What every instance can do.
    provides: Vec<String>,
}

impl Game {
    fn new(kit: &Kit, column: &Column) -> Result<Self> {
        let profile = kit.profile(column)?;
        let (more, set) = match column.peer {
            Peer::Server(server) => (server.provides().to_vec(), server.values()),
            Peer::Frontend(frontend) => (frontend.provides(column.protocol), frontend.values()),
        };
        let mut provides = profile.provides.clone();
        provides.extend(more.iter().map(ToString::to_string));
        let plan = Plan {
            only: Vec::new(),
            level: Level::RealWorld,
            intrusive: false,
            jobs: NonZeroUsize::MIN,
            limit: LIMIT,
            provides: Vec::new(),
            known: kit.known(column)?,
        };
        let scope = profile.scope(column.protocol, &set);
        Ok(Self {
            plan,
            scope,
            provides,
        })
    }

    /// The plan for one case, which is asked for by name.
    fn plan(&self, case: &Case, setting: Setting) -> Plan {
        Plan {
            only: vec![case.id.clone()],
            intrusive: case.intrusive,
            provides: [&self.provides[..], &[setting.word().to_owned()]].concat(),
            ..self.plan.clone()
        }
    }
}

/// One instance at a time, and the cases that it gets.
struct Lane<'a> {
    column: &'a Column,
    game: &'a Game,
    cases: &'a [Case],
    instance: Option<Instance>,
}

impl<'a> Lane<'a> {
    fn new(column: &'a Column, game: &'a Game, cases: &'a [Case]) -> Self {
        Self {
            column,
            game,
            cases,
            instance: None,
        }
    }

    fn play(mut self, queue: &Mutex<std::vec::IntoIter<usize>>) -> Result<Vec<(usize, Outcome)>> {
        let mut played: Vec<(usize, Outcome)> = Vec::new();
        // Nothing panics while it holds the lock.
        while let Some(at) = queue.lock().map_or(None, |mut queue| queue.next()) {
            let (mut outcome, mut crash) = self.one(at, false)?;
            if crash.is_some() {
                self.again(&mut played)?;
                (outcome, crash) = self.one(at, true)?;
            }
            played.push((at, self.judge(outcome, crash)));
        }
        // Nobody comes after the last case who would find the target dead.
        if let Some(mut instance) = self.instance.take()
            && instance.crash(true, false).is_some()
        {
            self.again(&mut played)?;
        }
        Ok(played)
    }

    /// Whose crash was it? The last case may have been over before the target was, and may permit what a crash looks
    /// like: an end without an answer. So it is played once more, and its end waited for.
    fn again(&mut self, played: &mut [(usize, Outcome)]) -> Result<()> {
        if let Some((before, last)) = played.last_mut() {
            let (outcome, crash) = self.one(*before, true)?;
            *last = self.judge(outcome, crash);
        }
        Ok(())
    }

    /// Plays a case; also gives how the target crashed over it. It is a new one then the next time. A crash is waited
    /// for when it `is_suspected`, and after every case that did not pass.
    fn one(&mut self, at: usize, is_suspected: bool) -> Result<(Outcome, Option<String>)> {
        let case = &self.cases[at];
        let setting = self.setting(case);
        let fits = |instance: &Instance| instance.setting == setting && !case.intrusive;
        // The old one is ended before the new one starts.
        let mut instance = match self.instance.take().filter(fits) {
            Some(instance) => instance,
            None => Instance::start(self.column, setting)?,
        };
        let plan = self.game.plan(case, setting);
        let cases = std::slice::from_ref(case);
        let mut outcomes = run(cases, instance.side.as_ref(), &self.game.scope, &plan, |_| {});
        let outcome = outcomes
            .pop()
            .ok_or_else(|| anyhow!("{} was not played", case.id))?;
        let crash = instance.crash(is_suspected || outcome.verdict.is_bad(), case.intrusive);
        self.instance = crash.is_none().then_some(instance);
        Ok((outcome, crash))
    }

    /// The one that the case needs, if the target can be started like that.
    fn setting(&self, case: &Case) -> Setting {
        let setting = Setting::of(case);
        let has = match self.column.peer {
            Peer::Server(server) => server.has(setting),
            Peer::Frontend(_) => false,
        };
        if has { setting } else { Setting::Ordinary }
    }

    fn judge(&self, mut outcome: Outcome, crash: Option<String>) -> Outcome {
        if let Some(how) = crash {
            outcome.verdict = Verdict::Crash(how);
            outcome.known = self.game.plan.known.reason(&outcome.id, &outcome.verdict);
        }
        outcome
    }
}

const LANES: usize = 4; // instances; cases mostly wait
const LIMIT: Duration = Duration::from_secs(5); // of a step; the kit's own default
