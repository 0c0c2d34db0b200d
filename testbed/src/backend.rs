//! A running application server.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::{Kind, Options, proc};

/// A server that runs until this value is dropped. It leads a process group of its own, and that group is all that
/// is ever signalled.
#[derive(Debug)]
pub struct Backend {
    kind: Kind,
    command: Command,
    leader: Child,
    dir: TempDir,
    /// Whether the leader has been reaped and its group is empty.
    is_over: bool,
}

impl Backend {
    /// Spawns `command`, a [`program`] that was made to listen on [`socket_in`] `dir`, and waits until it does.
    pub(crate) fn launch(kind: Kind, mut command: Command, dir: TempDir, options: &Options) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log_in(dir.path()))?;
        command
            .env("TMPDIR", dir.path())
            .envs(options.env.iter().map(|(name, value)| (name, value)))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let leader = command.spawn().with_context(|| format!("cannot start {kind}"))?;
        let mut backend = Self {
            kind,
            command,
            leader,
            dir,
            is_over: false,
        };
        backend.wait_until_listening()?;
        Ok(backend)
    }

    /// Ends every process of the server at once, as a crash would, and waits until they are gone.
    pub fn kill(&mut self) {
        if !self.is_over {
            // The leader has not been reaped, so the number of its group is still ours.
            let _ = kill_process_group(self.group(), Signal::KILL);
            let _ = self.leader.wait();
            self.sweep();
            // A process that is about to die still has the socket: a request would reach it and break.
            let _ = self.wait_until_deaf();
        }
    }

    /// Ends one of [`Backend::workers`] at once, as a crash would. The master may start another one.
    ///
    /// # Errors
    ///
    /// When that process is no worker of this server, or not any more.
    pub fn kill_worker(&self, id: u32) -> Result<()> {
        ensure!(self.workers().contains(&id), "{id} is no worker of {}", self.kind);
        proc::signal_process(id, Signal::KILL)
    }

    /// Kills the server and starts it again on the same socket. The log continues.
    ///
    /// # Errors
    ///
    /// As [`Kind::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.wait_until_deaf()?;
        if self.socket().exists() {
            fs::remove_file(self.socket()).context("cannot remove the old socket")?;
        }
        self.wait_until_silent()?;
        self.leader = self
            .command
            .spawn()
            .with_context(|| format!("cannot start {} again", self.kind))?;
        self.is_over = false;
        self.wait_until_listening()
    }

    /// Waits until the server has ended by itself, for instance after [`Backend::signal`].
    ///
    /// # Errors
    ///
    /// When it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} still runs after {limit:?}", self.kind);
            }
            sleep(POLL);
        }
    }

    /// Sends `signal` to the master process.
    ///
    /// # Errors
    ///
    /// When that process has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        ensure!(!self.is_over, "{} has ended", self.kind);
        kill_process(self.group(), signal).with_context(|| format!("cannot signal {}", self.kind))
    }

    /// Asks the server to load its application and configuration again; returns before it has done so. Waits
    /// before that for processes that are still starting: to them the signal would mean to end, or nothing.
    ///
    /// # Errors
    ///
    /// When the server cannot do that (php-cgi and fcgiwrap), or has ended.
    pub fn reload(&self) -> Result<()> {
        let Some((signal, passed_on)) = self.kind.reload_signals() else {
            bail!("{} cannot reload; use restart", self.kind);
        };
        let wanted = |id| if id == self.pid() { signal } else { passed_on };
        let deadline = Instant::now() + START;
        while !self
            .processes()
            .into_iter()
            .all(|id| proc::catches(id, wanted(id)))
        {
            ensure!(
                Instant::now() < deadline,
                "{} is not ready to reload; its log:\n{}",
                self.kind,
                self.log()
            );
            sleep(POLL);
        }
        self.signal(signal)
    }

    /// What was started.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The path of the unix socket.
    pub fn socket(&self) -> PathBuf {
        socket_in(self.dir.path())
    }

    /// The socket as configurations name it: `unix:/path`.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// The directory of the socket; scratch files may go here too, it vanishes with the server.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id of the master, which is also the id of the process group.
    pub fn pid(&self) -> u32 {
        self.leader.id()
    }

    /// The process ids of the master, its workers and their children, without those that have ended.
    pub fn processes(&self) -> Vec<u32> {
        proc::members(self.pid())
    }

    /// [`Backend::processes`] without the master.
    pub fn workers(&self) -> Vec<u32> {
        let master = self.pid();
        self.processes().into_iter().filter(|id| *id != master).collect()
    }

    /// What the server has written to its log, standard output and standard error so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(log_in(self.dir.path())).unwrap_or_default()).into_owned()
    }

    fn wait_until_listening(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while !proc::is_listening(&self.socket()) {
            if let Some(status) = self.ended()? {
                bail!("{} ended with {status}; its log:\n{}", self.kind, self.log());
            }
            if Instant::now() >= deadline {
                bail!(
                    "{} does not listen after {START:?}; its log:\n{}",
                    self.kind,
                    self.log()
                );
            }
            sleep(POLL);
        }
        Ok(())
    }

    /// A process with threads counts as ended before the last of them has let go of the socket.
    fn wait_until_deaf(&self) -> Result<()> {
        let deadline = Instant::now() + STOP;
        while proc::is_listening(&self.socket()) {
            ensure!(Instant::now() < deadline, "{} is gone and listens", self.kind);
            sleep(POLL);
        }
        Ok(())
    }

    /// Waits until the old socket is closed, or the new server would seem to listen already. A process looks ended
    /// while other threads of it still hold its files.
    fn wait_until_silent(&self) -> Result<()> {
        let deadline = Instant::now() + STOP;
        while proc::is_listening(&self.socket()) {
            ensure!(
                Instant::now() < deadline,
                "{} still listens after {STOP:?}",
                self.kind
            );
            sleep(POLL);
        }
        Ok(())
    }

    /// The leader's exit status once it has ended; what it left behind is ended then, too.
    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = if self.is_over {
            Some(self.leader.wait()?)
        } else {
            self.leader.try_wait()?
        };
        if status.is_some() && !self.is_over {
            self.sweep();
        }
        Ok(status)
    }

    /// Ends the members of the group that outlive the leader. While there are any, the kernel gives the number of the
    /// group to nobody else; after this we never signal it again.
    fn sweep(&mut self) {
        let deadline = Instant::now() + STOP;
        while !self.processes().is_empty() && Instant::now() < deadline {
            let _ = kill_process_group(self.group(), Signal::KILL);
            sleep(POLL);
        }
        self.is_over = true;
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.leader)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program with nearly no environment: php-cgi and fcgiwrap would show ours to applications.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env(
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    );
    command.env("LANG", "C.UTF-8");
    command
}

/// Where a server with the temporary directory `dir` has to listen. Short: socket paths end at 107 bytes.
pub(crate) fn socket_in(dir: &Path) -> PathBuf {
    dir.join("s")
}

/// Where a server with the temporary directory `dir` has to log, if standard error is not enough.
pub(crate) fn log_in(dir: &Path) -> PathBuf {
    dir.join("log")
}

const START: Duration = Duration::from_secs(15); // a first uWSGI start on a busy machine takes two
const STOP: Duration = Duration::from_secs(5); // after SIGKILL; only uninterruptible I/O takes noticeable time
const POLL: Duration = Duration::from_millis(10);
