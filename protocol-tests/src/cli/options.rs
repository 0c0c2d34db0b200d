//! What both sides understand: which cases, against what, and where the results go.

use std::fs::File as FsFile;
use std::io::{BufWriter, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::known::Known;
use crate::notation::{self, Complaint, File, Level, SideName, Suite};
use crate::profile::Profile;
use crate::protocol::Protocol;
use crate::report::{Json, Junit, Report, Results, Subject, Tap, Terminal};
use crate::run::{self, Plan};
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
    /// Known deviations: a name in expectations/, or a file; `none` to ignore the profile's.
    #[arg(long)]
    expectations: Option<String>,
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
        let plan = self.plan(&profile, protocol, &files)?;
        ensure!(
            suite.cases.iter().any(|case| plan.selects(case)),
            "no case is selected"
        );
        let subject = Subject {
            protocol: protocol.to_string(),
            side: name.name().to_owned(),
            target: target.to_owned(),
            name: self.name.clone().unwrap_or_else(|| profile.name.clone()),
        };
        self.report(subject, |each| {
            run::run(
                &suite.cases,
                side,
                &profile.scope(protocol, &self.set),
                &plan,
                each,
            )
        })
    }

    /// The kit's files.
    pub(super) fn files(&self) -> Result<Vec<File>> {
        match &self.kit {
            Some(root) => notation::files_in(root).with_context(|| format!("cannot read {}", root.display())),
            None => Ok(notation::embedded()),
        }
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

    fn plan(&self, profile: &Profile, protocol: Protocol, files: &[File]) -> Result<Plan> {
        let known = match self.expectations.as_ref().or(profile.expectations.as_ref()) {
            Some(name) if name != "none" => {
                Known::read(&find(files, "expectations", name)?)?.speaking(protocol)
            }
            _ => Known::default(),
        };
        Ok(Plan {
            only: self.only.clone(),
            level: self.level,
            intrusive: self.intrusive,
            jobs: self.jobs.unwrap_or(profile.jobs),
            limit: self.deadline,
            provides: [&profile.provides[..], &self.provides].concat(),
            known,
        })
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
    notation::parse_duration(text).ok_or_else(|| "write 500ms or 5s".to_owned())
}
