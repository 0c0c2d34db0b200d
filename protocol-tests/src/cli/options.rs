//! What both sides understand: which cases, with what in mind, and where the results go.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Error, Result, bail, ensure};

use crate::capability;
use crate::known::Known;
use crate::notation::{self, Complaint, File, Level, SideName, Suite};
use crate::profile::Profile;
use crate::protocol::Protocol;
use crate::run::Plan;

/// Options of both sides.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// What is known about the target: a name in profiles/, or a file.
    #[arg(long, default_value = "generic")]
    pub(super) profile: String,
    /// A value for cases, as NAME=VALUE.
    #[arg(long, value_parser = pair)]
    pub(super) set: Vec<(String, String)>,
    /// A capability of the target beside those of its profile.
    #[arg(long)]
    pub(super) provides: Vec<String>,
    /// A capability that the target has not, whatever its profile says.
    #[arg(long)]
    pub(super) lacks: Vec<String>,
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
    pub(super) deadline: Duration,
    /// A directory with cases/, profiles/ and expectations/ instead of those built in.
    #[arg(long)]
    kit: Option<PathBuf>,
    /// A file of cases to play instead of the kit's own, for instance one that `case` wrote.
    #[arg(long)]
    cases: Option<PathBuf>,
    /// Known deviations: a name in expectations/, or a file; repeatable; `none` to ignore the profile's.
    #[arg(long)]
    expectations: Vec<String>,
    /// A command that starts the target, again after each crash: 'php-cgi -b {socket}'. In it stand {socket}, a path,
    /// and {address}, a host and port: where a server is to listen, or where a front end finds the kit and listens itself.
    #[arg(long, value_name = "COMMAND")]
    pub(super) start: Option<String>,
    /// Play cases without looking first whether the target takes an ordinary request, and has the probe's pages.
    #[arg(long)]
    pub(super) no_preflight: bool,
    /// What the target is called in results.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Write what was not as it must be as a file of expectations, with the reasons that are known so far.
    #[arg(long, value_name = "FILE")]
    pub(super) write_expectations: Option<PathBuf>,
    /// Write results as JSON.
    #[arg(long)]
    pub(super) json: Option<PathBuf>,
    /// Write results as JUnit XML.
    #[arg(long)]
    pub(super) junit: Option<PathBuf>,
    /// Write results in the Test Anything Protocol.
    #[arg(long)]
    pub(super) tap: Option<PathBuf>,
    /// Say more: also what was observed in cases that passed, and what went over the wire in those that did not.
    #[arg(short, long)]
    pub(super) verbose: bool,
}

impl Options {
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
    pub(super) fn check_selection(&self, suite: &Suite, plan: &Plan) -> Result<()> {
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

    pub(super) fn suite(&self, files: &[File], protocol: Protocol, side: SideName) -> Result<Suite> {
        let Some(path) = &self.cases else {
            return Suite::read(files, protocol, side).map_err(several);
        };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path.display().to_string();
        Suite::read_alone(&File { path, text }, protocol, side).map_err(several)
    }

    /// The known deviations, whatever the target speaks.
    pub(super) fn known(&self, profile: &Profile, files: &[File]) -> Result<Known> {
        let names = match self.expectations.as_slice() {
            [] => &profile.expectations,
            names => names,
        };
        let named = names.iter().filter(|name| *name != "none");
        let known: Vec<_> = named
            .map(|name| find(files, "expectations", name))
            .collect::<Result<_>>()?;
        let known = Known::read_all(&known)?;
        self.check_known(&known, files)?;
        Ok(known)
    }

    pub(super) fn plan(&self, profile: &Profile, known: Known, suite: &Suite) -> Result<Plan> {
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

    /// A file of expectations that is not read in this run would be lost.
    pub(super) fn check_overwriting(&self) -> Result<()> {
        let Some(path) = &self.write_expectations else {
            return Ok(());
        };
        let is_read = self.expectations.iter().any(|name| Path::new(name) == path);
        ensure!(
            is_read || !path.exists(),
            "{} is there already: add --expectations {0} to bring it up to date",
            path.display()
        );
        Ok(())
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
}

/// A file of the kit by its name, or any other by its path.
pub(super) fn find(files: &[File], directory: &str, name: &str) -> Result<File> {
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
