//! A command that runs in a process group of its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// Ends with its whole group when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    log: PathBuf,
    groups: Arc<Groups>,
}

/// The groups that run.
#[derive(Debug, Default)]
pub(super) struct Groups(Mutex<BTreeSet<i32>>);

impl Process {
    /// Starts a shell with the command; what it writes goes to `log`.
    pub(super) fn start(command: &str, log: &Path, groups: Arc<Groups>) -> io::Result<Self> {
        let output = File::create(log)?;
        let child = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        groups.change(|running| running.insert(group.as_raw_nonzero().get()));
        Ok(Self {
            child,
            group,
            log: log.to_owned(),
            groups,
        })
    }

    /// Its status, once it has ended.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of what it wrote, behind a colon; nothing if it wrote nothing.
    pub(super) fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let end = String::from_utf8_lossy(&log[log.len().saturating_sub(LAST)..]).into_owned();
        match end.trim() {
            "" => String::new(),
            words => format!("; its last words: {words}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.groups
            .change(|running| running.remove(&self.group.as_raw_nonzero().get()));
        // What it has started outlives it otherwise; nothing may be left of the group.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Groups {
    fn change(&self, change: impl FnOnce(&mut BTreeSet<i32>) -> bool) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        for group in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(group) = Pid::from_raw(*group) {
                let _ = kill_process_group(group, Signal::KILL); // it may have ended by itself
            }
        }
    }
}

const LAST: usize = 400; // bytes of output in a message
