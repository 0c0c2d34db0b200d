//! What both sides understand: which cases, against what, and where the results go.

use std::fs::File as FsFile;
use std::io::{BufWriter, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail, ensure};

use crate::capability;
use crate::content::Scope;
use crate::known::Known;
use crate::notation::{self, Complaint, File, Level, SideName, Suite};
use crate::profile::Profile;
use crate::protocol::Protocol;
use crate::report::{Json, Junit, Report, Results, Subject, Tap, Terminal};
use crate::run::{self, BadPage, Plan};
use crate::side::Side;

/// Options of both sides.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// What is known about the target: a name in profiles/, or a file.
    #[arg(long, default_value = "generic")]
    profile: String,
    /// A value for cases, as NAME=VALUE.
    #[arg(long, value_parser = pair)]
    set: Vec<(String, String)>,
    /// A capability of the target beside those of its profile.
    #[arg(long)]
    provides: Vec<String>,
    /// A capability that the target has not, whatever its profile says.
    #[arg(long)]
    lacks: Vec<String>,
    /// Only cases whose ids begin like this.
    #[arg(long)]
    only: Vec<String>,
    /// Cases of this level and those above: must, should or real-world.
    #[arg(long, default_value = "real-world")]
    level: Level,
    /// Also cases that can kill or wedge the target.
    #[arg(long)]
    intrusive: bool,
    /// Cases played at once; the profile says what the target can serve.
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// How long a step waits for what is expected.
    #[arg(long, default_value = "5s", value_parser = duration)]
    deadline: Duration,
    /// A directory with cases/, profiles/ and expectations/ instead of those built in.
    #[arg(long)]
    kit: Option<PathBuf>,
    /// A file of cases to play instead of the kit's own, for instance one that `case` wrote.
    #[arg(long)]
    cases: Option<PathBuf>,
    /// Known deviations: a name in expectations/, or a file; repeatable; `none` to ignore the profile's.
    #[arg(long)]
    expectations: Vec<String>,
    /// Play cases without looking first whether the target takes an ordinary request, and has the probe's pages.
    #[arg(long)]
    no_preflight: bool,
    /// What the target is called in results.
    #[arg(long)]
    name: Option<String>,
    /// Write results as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write results as JUnit XML.
    #[arg(long)]
    junit: Option<PathBuf>,
    /// Write results in the Test Anything Protocol.
    #[arg(long)]
    tap: Option<PathBuf>,
    /// Say more: also what was observed in cases that passed, and what went over the wire in those that did not.
    #[arg(short, long)]
    verbose: bool,
}

impl Options {
    /// Plays the cases of a side and reports.
    pub(super) fn run(
        &self,
        side: &dyn Side,
        name: SideName,
        protocol: Protocol,
        target: &str,
    ) -> Result<ExitCode> {
        let files = self.files()?;
        let suite = self.suite(&files, protocol, name)?;
        let profile = Profile::read(&find(&files, "profiles", &self.profile)?)?;
        if let Some(only) = profile.protocol {
            ensure!(only == protocol, "profile {} is for {only}", profile.name);
        }
        let plan = self.plan(&profile, protocol, &files, &suite)?;
        self.check_selection(&suite, &plan)?;
        let scope = profile.scope(protocol, &self.set);
        self.look_first(side, (protocol, name), target, (&scope, &plan))?;
        let subject = Subject {
            protocol: protocol.to_string(),
            side: name.name().to_owned(),
            target: target.to_owned(),
            name: self.name.clone().unwrap_or_else(|| profile.name.clone()),
        };
        self.report(subject, |each| run::run(&suite.cases, side, &scope, &plan, each))
    }

    /// Before the first case: an ordinary request, and then the pages that cases look at.
    fn look_first(
        &self,
        side: &dyn Side,
        (protocol, name): (Protocol, SideName),
        target: &str,
        (scope, plan): (&Scope, &Plan),
    ) -> Result<()> {
        if self.no_preflight || plan.provides.iter().any(|capability| capability == "denied") {
            return Ok(());
        }
        run::preflight(side, (protocol, name), scope, plan.limit)
            .map_err(|why| unusable(name, target, &why))?;
        if name == SideName::Server {
            run::pages(side, protocol, scope, &plan.provides, plan.limit).map_err(|page| wrong(&page))?;
        }
        Ok(())
    }

    /// The kit's files.
    pub(super) fn files(&self) -> Result<Vec<File>> {
        let Some(root) = &self.kit else {
            return Ok(notation::embedded());
        };
        let files = notation::files_in(root).with_context(|| format!("cannot read {}", root.display()))?;
        let is_kit = files.iter().any(|file| file.path.starts_with("cases/"));
        ensure!(
            is_kit,
            "{} is no kit: there are no files in cases/",
            root.display()
        );
        Ok(files)
    }

    /// Every `--only` has to mean something, and something has to be left to play.
    fn check_selection(&self, suite: &Suite, plan: &Plan) -> Result<()> {
        for prefix in &self.only {
            let known = suite.cases.iter().any(|case| case.id.starts_with(prefix));
            ensure!(known, "no case here begins with {prefix}");
        }
        let selected: Vec<_> = suite.cases.iter().filter(|case| plan.selects(case)).collect();
        ensure!(!selected.is_empty(), "there are no cases for this");
        let skipped: Option<Vec<_>> = selected.iter().map(|case| plan.skips(case)).collect();
        if let Some(why) = skipped.as_ref().and_then(|all| all.first()) {
            bail!("nothing would be played: {} ({why})", selected[0].id);
        }
        Ok(())
    }

    fn suite(&self, files: &[File], protocol: Protocol, side: SideName) -> Result<Suite> {
        let Some(path) = &self.cases else {
            return Suite::read(files, protocol, side).map_err(several);
        };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path.display().to_string();
        Suite::read_alone(&File { path, text }, protocol, side).map_err(several)
    }

    fn plan(&self, profile: &Profile, protocol: Protocol, files: &[File], suite: &Suite) -> Result<Plan> {
        let names = match self.expectations.as_slice() {
            [] => &profile.expectations,
            names => names,
        };
        let named = names.iter().filter(|name| *name != "none");
        let known: Vec<_> = named
            .map(|name| find(files, "expectations", name))
            .collect::<Result<_>>()?;
        let known = Known::read_all(&known)?.speaking(protocol);
        self.check_known(&known, files)?;
        Ok(Plan {
            only: self.only.clone(),
            level: self.level,
            intrusive: self.intrusive,
            jobs: self.jobs.unwrap_or(profile.jobs),
            limit: self.deadline,
            provides: capability::combine(&profile.provides, &self.provides, &self.lacks, &suite.cases)
                .map_err(Error::msg)?,
            known,
        })
    }

    /// A deviation of a case that does not exist is a slip of the pen.
    fn check_known(&self, known: &Known, files: &[File]) -> Result<()> {
        if self.expectations.is_empty() || self.cases.is_some() {
            return Ok(()); // the kit's own are tested with it
        }
        let text = |file: &File| file.path.starts_with("cases/").then(|| file.text.clone());
        let cases: String = files.iter().filter_map(text).collect();
        for id in known.cases() {
            let exists = cases.contains(&format!("id = \"{id}\""));
            ensure!(exists, "expectations: there is no case {id}");
        }
        Ok(())
    }

    fn report(
        &self,
        subject: Subject,
        play: impl FnOnce(&mut dyn FnMut(&run::Outcome)) -> Vec<run::Outcome>,
    ) -> Result<ExitCode> {
        let stdout = std::io::stdout();
        let colour = stdout.is_terminal();
        let mut terminal = Terminal::new(stdout, colour, self.verbose);
        let mut broken = None;
        let start = Instant::now();
        let outcomes = play(&mut |outcome| {
            if broken.is_none() {
                broken = terminal.outcome(outcome).err();
            }
        });
        let results = Results {
            subject,
            outcomes,
            took: start.elapsed(),
        };
        if let Some(path) = &self.json {
            Json(create(path)?).finish(&results)?;
        }
        if let Some(path) = &self.junit {
            Junit(create(path)?).finish(&results)?;
        }
        if let Some(path) = &self.tap {
            Tap(create(path)?).finish(&results)?;
        }
        // Nobody reads on when stdout is closed; the files are written all the same.
        if broken.is_none() {
            terminal.finish(&results)?;
        }
        Ok(if results.failed() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Why nothing is played, and where to look.
fn unusable(side: SideName, target: &str, why: &str) -> anyhow::Error {
    let advice = match side {
        SideName::Server => "do --profile and --set fit it?",
        SideName::Frontend => {
            "does it pass that URL on to the address of --listen, and may its workers open it?"
        }
    };
    anyhow::anyhow!("{target} cannot be tested, as an ordinary request is not served: {why}; {advice}")
}

/// Which page is not what cases rely on, and what to do about it.
fn wrong(page: &BadPage) -> anyhow::Error {
    let BadPage {
        path,
        wanted,
        capability,
        why,
    } = page;
    anyhow::anyhow!(
        "the page {path} of the probe must answer {wanted}: {why}; mend the page, play without it by --lacks \
         {capability}, or leave this check out by --no-preflight if it is the server that is wrong"
    )
}

fn create(path: &Path) -> Result<BufWriter<FsFile>> {
    let file = FsFile::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// A file of the kit by its name, or any other by its path.
fn find(files: &[File], directory: &str, name: &str) -> Result<File> {
    let path = format!("{directory}/{name}.toml");
    if let Some(file) = files.iter().find(|file| file.path == path) {
        return Ok(file.clone());
    }
    let text = std::fs::read_to_string(name);
    match text {
        Ok(text) => Ok(File {
            path: name.to_owned(),
            text,
        }),
        Err(_) => {
            let known = files.iter().filter_map(|file| {
                file.path
                    .strip_prefix(directory)?
                    .strip_prefix('/')?
                    .strip_suffix(".toml")
            });
            let known: Vec<_> = known.collect();
            bail!(
                "{name} is neither a file nor one of {directory}/: {}",
                known.join(", ")
            )
        }
    }
}

pub(super) fn several(complaints: Vec<Complaint>) -> anyhow::Error {
    let texts: Vec<_> = complaints.iter().map(Complaint::to_string).collect();
    anyhow::anyhow!(texts.join("\n"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = notation::parse_duration(text).ok_or("write 500ms or 5s")?;
    if duration.is_zero() {
        return Err("more than nothing".to_owned());
    }
    Ok(duration)
}
