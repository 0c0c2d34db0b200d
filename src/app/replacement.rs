//! The start of another process in our place. Until it serves, nothing changes here.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinHandle;

use super::handover::{Given, Handover, HandoverAnswer};
use super::inheritance::PREDECESSOR;

/// How this process was started.
#[derive(Clone, Debug)]
pub struct Program {
    /// The first word of the command line.
    name: PathBuf,
    /// Where the system says that the file is, or was.
    file: Option<PathBuf>,
    arguments: Vec<OsString>,
}

/// A start that is under way.
#[derive(Debug)]
pub(super) struct Replacement {
    outcome: JoinHandle<Result<Successor>>,
    line: Handover,
    unwanted: Arc<AtomicBool>,
}

/// The process that serves in our place.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) pid: u32,
    /// The places of the sockets that it listens on.
    pub(super) taken: Vec<usize>,
}

impl Program {
    /// This process.
    pub fn ours() -> Self {
        let mut words = std::env::args_os();
        Self {
            name: words.next().unwrap_or_default().into(),
            file: std::env::current_exe().ok(),
            arguments: words.collect(),
        }
    }

    /// What to start: as we were started, so that a symbolic link leads to where it leads now; the file itself when
    /// that name leads nowhere.
    fn path(&self) -> &Path {
        let searched = self.name.components().count() == 1 && !self.name.as_os_str().is_empty();
        match &self.file {
            Some(file) if !searched && !self.name.is_file() => file,
            _ => &self.name,
        }
    }

    fn start(&self, line: OwnedFd) -> Result<Child> {
        Command::new(self.path())
            .args(&self.arguments)
            .stdin(line)
            .env(PREDECESSOR, std::process::id().to_string())
            // Of ours; the new process is watched, too.
            .env_remove("WATCHDOG_PID")
            .spawn()
            .with_context(|| format!("cannot start {}", self.path().display()))
    }
}

impl Replacement {
    /// Starts the program and hands over what is `given`. It has to serve within `limit`.
    pub(super) fn begin(program: &Program, given: Given, limit: Duration) -> Result<Self> {
        let (ours, theirs) = Handover::pair(limit)?;
        let line = ours.duplicate()?;
        let unwanted = Arc::new(AtomicBool::new(false));
        let (program, seen) = (program.clone(), unwanted.clone());
        // The talk is short; the wait, and the way to the program's file, may not be: a thread of its own.
        let outcome = tokio::task::spawn_blocking(move || {
            let child = program.start(theirs)?;
            tracing::info!(pid = child.id(), program = %program.path().display(), "starting in our place");
            wait(child, &ours, given, &seen)
        });
        Ok(Self {
            outcome,
            line,
            unwanted,
        })
    }

    /// What has become of it. May be given up and asked again.
    pub(super) async fn outcome(&mut self) -> Result<Successor> {
        let ended = (&mut self.outcome).await;
        ended.unwrap_or_else(|error| Err(anyhow!(error)))
    }

    /// Ends it, and the other process with it.
    pub(super) async fn give_up(mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
        self.line.hang_up();
        if let Ok(Successor { pid, .. }) = self.outcome().await {
            tracing::warn!(pid, "it serves already; stopping it, too");
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // Gone is as good.
            let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        }
    }
}

fn wait(mut child: Child, line: &Handover, given: Given, unwanted: &AtomicBool) -> Result<Successor> {
    // A process that cannot be given anything has ended, or says why it is going to.
    let given = line.give(given);
    let answer = line.ask();
    if let Ok(Some(HandoverAnswer::Ready(taken))) = answer {
        let pid = child.id();
        return Ok(Successor { pid, taken });
    }
    // Others have hung up or said that they end.
    if answer.is_err() || unwanted.load(Ordering::Relaxed) {
        let _ = child.kill();
    }
    let status = end(&mut child)?;
    match answer {
        Ok(Some(HandoverAnswer::Failed(why))) => bail!("{why}"),
        Ok(_) if given.is_ok() => bail!("it ended before it served: {status}"),
        Ok(_) => bail!("it ended at once: {status}"),
        Err(error) => Err(error.context("it was not ready in time and was ended")),
    }
}

/// Waits for the end of a process, not for long.
fn end(child: &mut Child) -> Result<ExitStatus> {
    for _ in 0..FAREWELL.as_millis() / STEP.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(STEP);
    }
    let _ = child.kill();
    Ok(child.wait()?)
}

/// How long a process that hung up may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// How often it is looked at.
const STEP: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, file: &str) -> Program {
        Program {
            name: name.into(),
            file: Some(file.into()),
            arguments: Vec::new(),
        }
    }

    #[test]
    fn the_name_counts_as_long_as_it_leads_somewhere() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(program(path, "/elsewhere").path(), file.path());
        assert_eq!(program("/nonexistent/x", path).path(), file.path());
        // To be looked for as the shell did.
        assert_eq!(program("bridgehead", path).path(), Path::new("bridgehead"));
    }

    #[tokio::test]
    async fn a_program_is_looked_for_where_nothing_else_waits() {
        let missing = program("/nonexistent/x", "/nonexistent/x");
        let begun = Replacement::begin(&missing, Given::default(), FAREWELL);
        let outcome = begun.unwrap().outcome().await;
        assert_eq!(outcome.unwrap_err().to_string(), "cannot start /nonexistent/x");
    }
}
