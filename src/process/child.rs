//! A process of an application while it runs, and its end.

use std::fs;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal as Deaths, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::exit::Exit;
use super::group;
use super::lines::Lines;
use super::tail::Tail;

/// A process, which leads a group. Dropped: the group is killed.
///
/// The process is waited for last: until then the number of its group is given to no other.
#[derive(Debug)]
pub(super) struct AppProcess {
    child: Child,
    /// SIGCHLD, of any process.
    deaths: Deaths,
    /// What its lines are read by; ended when the pipes are closed.
    readers: JoinSet<()>,
    /// Kills of the control group when it was started.
    kills: u64,
    is_reaped: bool,
}

impl AppProcess {
    /// Takes a process that was just started. Its lines go to `line` and `tail`.
    pub(super) fn new(
        mut child: Child,
        tail: &Tail,
        line: impl Fn(&str) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        // Before it is looked at for the first time: no end is missed.
        let deaths = signal(SignalKind::child());
        let mut readers = JoinSet::new();
        let outputs = [
            child.stdout.take().map(OwnedFd::from),
            child.stderr.take().map(OwnedFd::from),
        ];
        for output in outputs.into_iter().flatten() {
            let (tail, line) = (tail.clone(), line.clone());
            readers.spawn(read(pipe::Receiver::from_owned_fd(output)?, move |text| {
                tail.push(text);
                line(text);
            }));
        }
        let deaths = deaths.inspect_err(|_| {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        })?;
        Ok(Self {
            child,
            deaths,
            readers,
            kills: out_of_memory_kills(),
            is_reaped: false,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end. It is not waited for in the sense of wait(2): [`finish`](Self::finish) does that.
    pub(super) async fn ended(&mut self) {
        while matches!(self.status(), Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.deaths.recv().await;
        }
    }

    /// Sends a signal to the process alone.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.is_reaped {
            // Gone is as good.
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// Sends a signal to all that the process has started.
    pub(super) fn signal_group(&self, signal: Signal) {
        if !self.is_reaped {
            let _ = kill_process_group(Pid::from_child(&self.child), signal);
        }
    }

    /// How the process, which has ended, ended. Its last lines are read by then.
    pub(super) async fn exit(&mut self) -> Exit {
        let told = async { while self.readers.join_next().await.is_some() {} };
        // Others of the group may keep the pipes open.
        let _ = timeout(LAST_LINES, told).await;
        let status = self.status();
        let killed = out_of_memory_kills() > self.kills;
        match status {
            Ok(status) => Exit::new(status, killed),
            Err(error) => Exit::NotStarted(format!("cannot be waited for: {error}")),
        }
    }

    /// Gives workers that are left time to finish their requests, and ends them.
    pub(super) async fn finish(mut self, orphans: Signal, limit: Duration) {
        let until = Instant::now() + limit;
        if group::has_others(self.id()) {
            self.signal_group(orphans);
        }
        while group::has_others(self.id()) && Instant::now() < until {
            sleep(LOOK).await;
        }
        self.reap();
    }

    /// The end that the kernel has noted, which stays noted.
    fn status(&self) -> io::Result<ExitStatus> {
        use std::os::unix::process::ExitStatusExt;
        let pid = Pid::from_child(&self.child);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = waitid(WaitId::Pid(pid), options)?.ok_or(io::ErrorKind::WouldBlock)?;
        let raw = match (ended.exit_status(), ended.terminating_signal()) {
            (Some(code), _) => code << 8,
            (None, Some(signal)) => signal | if ended.dumped() { 0x80 } else { 0 },
            (None, None) => 0,
        };
        Ok(ExitStatus::from_raw(raw))
    }

    fn reap(&mut self) {
        if !self.is_reaped {
            self.signal_group(Signal::KILL);
            // A process that hangs in the kernel is left to it.
            for _ in 0..FAREWELL.as_millis() / STEP.as_millis() {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(STEP);
            }
            self.is_reaped = true;
        }
    }
}

impl Drop for AppProcess {
    fn drop(&mut self) {
        self.reap();
    }
}

async fn read(mut pipe: pipe::Receiver, mut line: impl FnMut(&str)) {
    use tokio::io::AsyncReadExt;
    let (mut lines, mut piece) = (Lines::default(), vec![0; PIECE]);
    // An error is an end, too.
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        lines.push(&piece[..count], |text| line(&text));
    }
    if let Some(last) = lines.finish() {
        line(&last);
    }
}

/// How often the kernel's out-of-memory killer has killed in our control group; 0 where that is not told.
fn out_of_memory_kills() -> u64 {
    let count = || {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let mut events = String::new();
        let path = format!("/sys/fs/cgroup/{group}/memory.events");
        fs::File::open(path)
            .ok()?
            .take(MAX_EVENTS)
            .read_to_string(&mut events)
            .ok()?;
        let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
        kills.trim().parse().ok()
    };
    count().unwrap_or(0)
}

/// Bytes that are read of a pipe at a time.
const PIECE: usize = 4096;

/// How long the last lines of a process that has ended are waited for: they are in the pipe already.
const LAST_LINES: Duration = Duration::from_millis(200);

/// Time between two looks at workers without their first process.
const LOOK: Duration = Duration::from_millis(100);

/// How long a process that was killed is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often it is looked at.
const STEP: Duration = Duration::from_millis(1);

/// The file has six short lines.
const MAX_EVENTS: u64 = 4096;
