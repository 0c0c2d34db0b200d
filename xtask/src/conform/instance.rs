//! A target that runs, and the kit's way to it.

use std::process::ExitStatus;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use bridgehead_conform::side::Side;
use tempfile::TempDir;
use testbed::{Backend, Gateway, Process};

use super::column::{Column, Peer};
use super::setting::Setting;

/// Ends with all its processes when it is dropped.
pub(super) struct Instance {
    pub(super) side: Box<dyn Side>,
    /// How it was started.
    pub(super) setting: Setting,
    running: Running,
    /// Workers of the beginning.
    workers: Vec<u32>,
    /// Crashes of workers that its log told of and that were noticed.
    noticed: usize,
}

/// Who looks after the processes.
#[derive(Debug)]
pub(super) enum Running {
    Backend(Backend),
    Process(Process),
    /// And the directory of the kit's socket.
    Gateway(
        Gateway,
        #[expect(dead_code, reason = "kept until the end")] TempDir,
    ),
}

impl Instance {
    /// Starts the target of a column.
    ///
    /// # Errors
    ///
    /// When it does not start; the error holds its log.
    pub(super) fn start(column: &Column, setting: Setting) -> Result<Self> {
        let (side, running) = match column.peer {
            Peer::Server(server) => server.start(column.protocol, setting)?,
            Peer::Frontend(frontend) => frontend.start(column.protocol)?,
        };
        let workers = match &running {
            Running::Backend(backend) => backend.workers(),
            Running::Process(_) | Running::Gateway(..) => Vec::new(),
        };
        Ok(Self {
            side,
            setting,
            running,
            workers,
            noticed: 0,
        })
    }

    /// How a process of the target has ended since this was asked last, if one has. Waits a little where a crash is
    /// suspected: the master hears of the end of a worker after we do. Where workers are `steady`, nothing but a crash
    /// ends them.
    pub(super) fn crash(&mut self, is_suspected: bool, steady: bool) -> Option<String> {
        let patience = if is_suspected || steady {
            PATIENCE
        } else {
            Duration::ZERO
        };
        let deadline = Instant::now() + patience;
        loop {
            let crash = self.crashed(steady);
            if crash.is_some() || Instant::now() >= deadline {
                return crash;
            }
            sleep(POLL);
        }
    }

    fn crashed(&mut self, steady: bool) -> Option<String> {
        if let Some(status) = self.running.ended() {
            return Some(format!("the process ended: {status}"));
        }
        if let Running::Backend(backend) = &self.running
            && steady
        {
            let alive = backend.processes();
            if self.workers.iter().any(|id| !alive.contains(id)) {
                return Some("a worker ended".to_owned());
            }
        }
        let log = self.running.log();
        let told: Vec<_> = log
            .lines()
            .filter(|line| MARKS.iter().any(|mark| line.contains(mark)))
            .collect();
        let new = told.get(self.noticed).map(|line| format!("its log: {line}"));
        self.noticed = told.len();
        new
    }
}

impl Running {
    fn ended(&mut self) -> Option<ExitStatus> {
        match self {
            Self::Backend(backend) => backend.wait(Duration::ZERO).ok(),
            Self::Process(process) => process.ended(),
            Self::Gateway(gateway, _) => gateway.wait(Duration::ZERO).ok(),
        }
    }

    fn log(&self) -> String {
        match self {
            Self::Backend(backend) => backend.log(),
            Self::Process(process) => process.log(),
            Self::Gateway(gateway, _) => gateway.errors(),
        }
    }
}

/// What masters say of workers that ended by a signal (PHP-FPM and nginx, Apache, uWSGI), and we of a panic.
const MARKS: [&str; 4] = [
    "exited on signal",
    "exit signal",
    "killed by signal",
    "panicked at",
];
const PATIENCE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(20);
