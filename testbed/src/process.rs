//! A program that has no [`crate::Kind`]: a front end, or a server of a single task.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::backend::log_in;
use crate::proc;

/// Runs until it is dropped, with everything that it started. It leads a process group of its own, and that group is
/// all that is ever signalled.
#[derive(Debug)]
pub struct Process {
    leader: Child,
    dir: TempDir,
    is_over: bool,
}

impl Process {
    /// Starts `command` in `dir`, its output in the file `log` there, and waits until it is `ready`.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends before it is ready, or is not after 15 seconds; the error holds its log.
    pub fn start(mut command: Command, dir: TempDir, ready: impl Fn() -> bool) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = File::options()
            .create(true)
            .append(true)
            .open(log_in(dir.path()))?;
        command
            .current_dir(dir.path())
            .env("TMPDIR", dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let leader = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut process = Self {
            leader,
            dir,
            is_over: false,
        };
        let deadline = Instant::now() + START;
        while !ready() {
            if let Some(status) = process.ended() {
                bail!("{name} ended with {status}; its log:\n{}", process.log());
            }
            ensure!(
                Instant::now() < deadline,
                "{name} is not ready after {START:?}; its log:\n{}",
                process.log()
            );
            sleep(POLL);
        }
        Ok(process)
    }

    /// The exit status of the first process, once it has ended; what it left behind is ended then, too.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.leader.try_wait().ok().flatten();
        if status.is_some() && !self.is_over {
            self.sweep();
        }
        status
    }

    /// Its directory, which vanishes with it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has written so far: to standard output, standard error and the file `log` of its directory.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_in(self.dir.path())).unwrap_or_default()).into_owned()
    }

    /// Ends the members of the group that outlive the leader. While there are any, the kernel gives the number of the
    /// group to nobody else; after this we never signal it again.
    fn sweep(&mut self) {
        let deadline = Instant::now() + STOP;
        while !proc::members(self.leader.id()).is_empty() && Instant::now() < deadline {
            let _ = kill_process_group(Pid::from_child(&self.leader), Signal::KILL);
            sleep(POLL);
        }
        self.is_over = true;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_over {
            // The leader has not been reaped, so the number of its group is still ours.
            let _ = kill_process_group(Pid::from_child(&self.leader), Signal::KILL);
            let _ = self.leader.wait();
            self.sweep();
        }
    }
}

const START: Duration = Duration::from_secs(15); // as for servers
const STOP: Duration = Duration::from_secs(5); // after SIGKILL; only uninterruptible I/O takes noticeable time
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Command, TempDir) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        (command, TempDir::with_prefix("bh-").unwrap())
    }

    #[test]
    fn a_process_ends_with_its_children_when_it_is_dropped() {
        let (command, dir) = shell("sleep 600 & echo started; wait");
        let log = log_in(dir.path());
        let started = || fs::read_to_string(&log).is_ok_and(|log| log.contains("started"));
        let mut process = Process::start(command, dir, started).unwrap();
        assert!(process.ended().is_none() && proc::members(process.leader.id()).len() == 2);
        let group = process.leader.id();
        drop(process);
        assert!(proc::members(group).is_empty());
    }

    #[test]
    fn a_process_that_ends_at_once_tells_why() {
        let (command, dir) = shell("echo no such setting; exit 3");
        let error = Process::start(command, dir, || false).unwrap_err().to_string();
        assert!(
            error.contains("no such setting") && error.contains('3'),
            "{error}"
        );
    }
}
