//! What is said of an application: settings as checked values, defaults in one place.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::transport::Secret;

/// An application that the gateway runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppConfig {
    /// The name after `app.` in the file.
    pub name: String,
    /// The server program.
    pub kind: Kind,
    /// Where the program is, or its name on the search path; `None`: what the kind is usually called.
    pub program: Option<PathBuf>,
    /// What a Python server loads, `module:callable`.
    pub application: Option<String>,
    /// All words of the command line, for [`Kind::Command`].
    pub command: Vec<String>,
    /// More words at the end of the command line.
    pub args: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Worker processes.
    pub workers: usize,
    /// Threads of each of them.
    pub threads: usize,
    /// User to run as, by name or number; `None`: the gateway's.
    pub user: Option<String>,
    /// Group to run as, by name or number; `None`: the user's.
    pub group: Option<String>,
    /// Variables of its environment.
    pub env: BTreeMap<String, Secret>,
    /// Variables of the gateway's environment that it gets, too.
    pub pass_env: Vec<String>,
    /// Bits that its files have not; `None`: as the gateway's.
    pub umask: Option<u32>,
    /// Its niceness; `None`: the gateway's.
    pub nice: Option<i32>,
    /// Most resources of each of its processes.
    pub limits: ResourceLimits,
    /// URLs or paths that are asked for before a generation takes over.
    pub warm: Vec<String>,
    /// What asks it to finish and to end; `None`: as the kind needs it.
    pub stop_signal: Option<StopSignal>,
    /// How long the steps of its life may take.
    pub timeouts: AppTimeouts,
}

/// Server programs that the gateway knows how to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PHP-FPM, with a pool file that is made for it.
    PhpFpm,
    /// Gunicorn.
    Gunicorn,
    /// uWSGI.
    Uwsgi,
    /// Uvicorn.
    Uvicorn,
    /// Hypercorn.
    Hypercorn,
    /// Granian, which opens its socket itself.
    Granian,
    /// Any program that takes a listening socket.
    Command,
}

/// What each process of an application may have at most; `None`: as the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Open files (`RLIMIT_NOFILE`).
    pub files: Option<u32>,
    /// Address space in bytes (`RLIMIT_AS`).
    pub memory: Option<u64>,
    /// Bytes of a core dump (`RLIMIT_CORE`).
    pub core: Option<u64>,
}

/// How long the steps of an application's life may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppTimeouts {
    /// Until it is ready, and again until it is warm.
    pub start: Duration,
    /// For the requests of a generation that was replaced.
    pub drain: Duration,
    /// From the signal to end until it is killed.
    pub stop: Duration,
}

/// A signal that asks a program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM
    Term,
    /// SIGQUIT
    Quit,
    /// SIGINT
    Int,
    /// SIGHUP
    Hup,
}

impl AppConfig {
    /// The settings of an application of which no more is said than this.
    pub fn new(name: &str, kind: Kind, directory: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            program: None,
            application: None,
            command: Vec::new(),
            args: Vec::new(),
            directory,
            workers: kind.usual_workers(),
            threads: 1,
            user: None,
            group: None,
            env: BTreeMap::new(),
            pass_env: Vec::new(),
            umask: None,
            nice: None,
            limits: ResourceLimits::default(),
            warm: Vec::new(),
            stop_signal: None,
            timeouts: AppTimeouts::default(),
        }
    }
}

impl Default for AppTimeouts {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(30),
            drain: Duration::from_secs(60),
            stop: Duration::from_secs(15),
        }
    }
}

impl Kind {
    /// The name in the file and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PhpFpm => "php-fpm",
            Self::Gunicorn => "gunicorn",
            Self::Uwsgi => "uwsgi",
            Self::Uvicorn => "uvicorn",
            Self::Hypercorn => "hypercorn",
            Self::Granian => "granian",
            Self::Command => "command",
        }
    }

    /// Whether it loads a Python application.
    pub fn is_python(self) -> bool {
        !matches!(self, Self::PhpFpm | Self::Command)
    }

    /// Whether a worker answers many requests at a time, so that their number says nothing about slots.
    pub fn is_concurrent(self) -> bool {
        matches!(
            self,
            Self::Uvicorn | Self::Hypercorn | Self::Granian | Self::Command
        )
    }

    /// Worker processes unless configured: Gunicorn's rule for those that answer one request at a time in Python, four at
    /// least for PHP, which often waits; one per processor for those that answer many at a time.
    pub fn usual_workers(self) -> usize {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        match self {
            Self::PhpFpm => (2 * processors).max(4),
            Self::Gunicorn | Self::Uwsgi => 2 * processors + 1,
            Self::Uvicorn | Self::Hypercorn | Self::Granian => processors,
            Self::Command => 1,
        }
    }
}
