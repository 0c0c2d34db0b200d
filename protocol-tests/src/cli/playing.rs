//! Plays cases against a target and reports: what both sides have in common once it is known where the target is.

use std::fs::{self, File};
use std::io::{BufWriter, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Error, Result, anyhow, ensure};

use super::options::{Options, find};
use super::signals;
use crate::content::Scope;
use crate::known::Known;
use crate::launch::Launcher;
use crate::notation::{Case, SideName, Suite};
use crate::profile::Profile;
use crate::protocol::Protocol;
use crate::report::{Json, Junit, Report, Results, Subject, Tap, Terminal};
use crate::run::{self, BadPage, Outcome, Plan, Verdict};
use crate::side::Side;

/// What is played against.
pub(super) enum Opponent<'a> {
    /// It runs already.
    Running(&'a dyn Side),
    /// The kit starts it.
    Started(Arc<Launcher>),
}

/// What kind of target it is, and what it is called.
pub(super) struct About<'a> {
    pub(super) protocol: Protocol,
    pub(super) side: SideName,
    /// Its address, its URL or its command.
    pub(super) target: &'a str,
}

/// Everything about a run but the target.
struct Run<'a> {
    options: &'a Options,
    about: &'a About<'a>,
    suite: Suite,
    plan: Plan,
    scope: Scope,
    /// With whatever the target speaks.
    known: Known,
    name: String,
}

/// Plays the cases of a side and reports.
pub(super) fn run(options: &Options, opponent: &Opponent<'_>, about: &About<'_>) -> Result<ExitCode> {
    options.check_overwriting()?;
    let files = options.files()?;
    let suite = options.suite(&files, about.protocol, about.side)?;
    let profile = Profile::read(&find(&files, "profiles", &options.profile)?)?;
    if let Some(only) = profile.protocol {
        ensure!(only == about.protocol, "profile {} is for {only}", profile.name);
    }
    let known = options.known(&profile, &files)?;
    let plan = options.plan(&profile, known.clone().speaking(about.protocol), &suite)?;
    options.check_selection(&suite, &plan)?;
    let run = Run {
        options,
        about,
        suite,
        plan,
        scope: profile.scope(about.protocol, &options.set),
        known,
        name: options.name.clone().unwrap_or(profile.name),
    };
    match opponent {
        Opponent::Running(side) => run.against(*side),
        Opponent::Started(launcher) => run.with(launcher),
    }
}

impl Run<'_> {
    /// Against a target that runs.
    fn against(&self, side: &dyn Side) -> Result<ExitCode> {
        self.look_first(side)?;
        let mut flight = Flight::default();
        let code = self.report(|each| {
            let outcomes = run::run(&self.suite.cases, side, &self.scope, &self.plan, |outcome| {
                flight.note(outcome);
                each(outcome);
            });
            Ok(outcomes)
        })?;
        match side.is_gone() {
            true => Err(flight.over(self)),
            false => Ok(code),
        }
    }

    /// With targets that are started for it.
    fn with(&self, launcher: &Arc<Launcher>) -> Result<ExitCode> {
        interrupt_by_signals(launcher.clone())?;
        let mut first = launcher.target().map_err(Error::msg)?;
        first.start().map_err(Error::msg)?;
        self.look_first(first.side())?;
        drop(first);
        self.report(|each| {
            run::run_started(&self.suite.cases, launcher, &self.scope, &self.plan, each).map_err(Error::msg)
        })
    }

    /// Before the first case: an ordinary request, and then the pages that cases look at.
    fn look_first(&self, side: &dyn Side) -> Result<()> {
        let (about, plan) = (self.about, &self.plan);
        if self.options.no_preflight || plan.provides.iter().any(|capability| capability == "denied") {
            return Ok(());
        }
        run::preflight(side, (about.protocol, about.side), &self.scope, plan.limit)
            .map_err(|why| unusable(about, &why))?;
        if about.side == SideName::Server {
            run::pages(side, about.protocol, &self.scope, &self.needed(), plan.limit)
                .map_err(|page| wrong(&page))?;
        }
        Ok(())
    }

    /// The capabilities that the cases to be played need.
    fn needed(&self) -> Vec<String> {
        let played = |case: &&Case| self.plan.selects(case) && self.plan.skips(case).is_none();
        let cases = self.suite.cases.iter().filter(played);
        cases.flat_map(|case| case.needs.iter().cloned()).collect()
    }

    fn report(
        &self,
        play: impl FnOnce(&mut dyn FnMut(&Outcome)) -> Result<Vec<Outcome>>,
    ) -> Result<ExitCode> {
        let stdout = std::io::stdout();
        let colour = stdout.is_terminal();
        let mut terminal = Terminal::new(stdout, colour, self.options.verbose);
        let mut broken = None;
        let start = Instant::now();
        let outcomes = play(&mut |outcome| {
            if broken.is_none() {
                broken = terminal.outcome(outcome).err();
            }
        })?;
        let results = Results {
            subject: self.subject(),
            outcomes,
            took: start.elapsed(),
        };
        self.write_files(&results)?;
        // When stdout is closed, the files have the results all the same.
        if broken.is_none() {
            terminal.finish(&results)?;
        }
        let failed = match &self.options.write_expectations {
            Some(path) => self.write_expectations(path, &results)?,
            None => results.failed(),
        };
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn subject(&self) -> Subject {
        Subject {
            protocol: self.about.protocol.to_string(),
            side: self.about.side.name().to_owned(),
            target: self.about.target.to_owned(),
            name: self.name.clone(),
        }
    }

    fn write_files(&self, results: &Results) -> Result<()> {
        let options = self.options;
        if let Some(path) = &options.json {
            Json(create(path)?).finish(results)?;
        }
        if let Some(path) = &options.junit {
            Junit(create(path)?).finish(results)?;
        }
        if let Some(path) = &options.tap {
            Tap(create(path)?).finish(results)?;
        }
        Ok(())
    }

    /// Writes the deviations of this run, which are known from now on. Says whether there is something that cannot be: a
    /// case that was not played.
    fn write_expectations(&self, path: &Path, results: &Results) -> Result<bool> {
        let mut known = self.known.clone();
        if known.target.is_empty() {
            known.target = self.name.clone();
        }
        for outcome in &results.outcomes {
            let shared = outcome.place.starts_with("cases/http/");
            known.learn(&outcome.id, &outcome.verdict, self.about.protocol, shared);
        }
        fs::write(path, known.to_toml()).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!(
            "{} deviations are written to {}",
            known.cases().count(),
            path.display()
        );
        let unplayed = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Error(_));
        Ok(results.outcomes.iter().any(unplayed))
    }
}

/// What was under way when the target was gone.
#[derive(Default)]
struct Flight {
    played: usize,
    /// The last case that was over before.
    last: Option<String>,
    cases: Vec<String>,
}

impl Flight {
    fn note(&mut self, outcome: &Outcome) {
        self.played += 1;
        if outcome.was_in_flight() {
            self.cases.push(outcome.id.clone());
        } else if !matches!(outcome.verdict, Verdict::Skip(_)) {
            self.last = Some(outcome.id.clone());
        }
    }

    /// Why the run ends before its time.
    fn over(&self, run: &Run<'_>) -> Error {
        let selected = run
            .suite
            .cases
            .iter()
            .filter(|case| run.plan.selects(case))
            .count();
        let before = self
            .last
            .as_ref()
            .map_or(String::new(), |id| format!(", the last before them: {id}"));
        anyhow!(
            "{} refuses connections; in flight: {}{before}; {} cases were not played. --start 'COMMAND {{socket}}' \
             starts the target again, and says whose crash it was",
            run.about.target,
            self.cases.join(", "),
            selected - self.played
        )
    }
}

/// The first of the signals that end us ends the targets, and then the run.
fn interrupt_by_signals(launcher: Arc<Launcher>) -> Result<()> {
    let mut until = signals().context("cannot wait for signals")?;
    thread::spawn(move || {
        if until.read_exact(&mut [0]).is_ok() {
            launcher.interrupt();
        }
    });
    Ok(())
}

/// Why nothing is played, and where to look.
fn unusable(about: &About<'_>, why: &str) -> Error {
    let advice = match about.side {
        SideName::Server => "do --profile and --set fit it?",
        SideName::Frontend => {
            "does it pass that URL on to the address of --listen, and may its workers open it?"
        }
    };
    let target = about.target;
    anyhow!("{target} cannot be tested, as an ordinary request is not served: {why}; {advice}")
}

/// Which page is not what cases rely on, and what to do about it.
fn wrong(page: &BadPage) -> Error {
    let BadPage {
        path,
        wanted,
        capability,
        why,
    } = page;
    anyhow!(
        "the page {path} of the probe must answer {wanted}: {why}; mend the page, play without it by --lacks \
         {capability}, or leave this check out by --no-preflight if it is the server that is wrong"
    )
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}
