//! How each kind of server program is started, told to stop, and heard: one file per family.

mod php_fpm;
mod python;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::config::{AppConfig, Kind, StopSignal};

/// The number of the descriptor that a program finds the listening socket at: the first one behind the three that
/// everything has, and where `LISTEN_FDS` says that it is (sd_listen_fds(3)).
pub(super) const LISTEN_FD: i32 = 3;

/// How one generation of an application is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The words of the command line, the program first.
    pub(super) words: Vec<OsString>,
    /// More variables.
    pub(super) env: Vec<(String, OsString)>,
    /// Files to be written before.
    pub(super) files: Vec<(PathBuf, String)>,
    /// Asks the first process to finish what it has and to end.
    pub(super) stop: Signal,
    /// Asks its workers to do so when the first process has died without them.
    pub(super) orphans: Signal,
    /// It says that it is ready by itself.
    pub(super) notifies: bool,
    /// It takes the listening socket as one of a service manager (sd_listen_fds(3)).
    pub(super) is_activated: bool,
}

/// Names of files that a plan may use.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The listening socket.
    pub(super) socket: PathBuf,
    /// For a generated configuration.
    pub(super) configuration: PathBuf,
}

impl Plan {
    /// Looks for the program and makes the plan. To be called where waiting for the disk is allowed. `as_root`: the
    /// application runs as root.
    pub(super) fn make(config: &AppConfig, paths: &Paths, as_root: bool) -> Self {
        let plan = match config.kind {
            Kind::PhpFpm => php_fpm::plan(config, paths, as_root),
            Kind::Command => command(config, paths),
            _ => python::plan(config, paths),
        };
        Self {
            stop: config.stop_signal.map_or(plan.stop, StopSignal::signal),
            ..plan
        }
    }
}

/// Whether an application opens the socket at its path itself.
pub(super) fn binds(config: &AppConfig) -> bool {
    match config.kind {
        Kind::Granian => true,
        Kind::Command => config.command.iter().any(|word| word.contains("{socket}")),
        Kind::PhpFpm | Kind::Gunicorn | Kind::Uwsgi | Kind::Uvicorn | Kind::Hypercorn => false,
    }
}

impl Kind {
    /// How many requests it answers at a time; `None`: it depends on them.
    pub(super) fn slots(self, config: &AppConfig) -> Option<usize> {
        (!self.is_concurrent()).then(|| config.workers.saturating_mul(config.threads))
    }

    /// Whether its processes tell when they are ready. Else a request has to find out: Gunicorn tells it before its workers
    /// have loaded the application.
    pub(super) fn notifies(self) -> bool {
        matches!(self, Self::PhpFpm | Self::Uwsgi)
    }
}

/// PHP-FPM on this machine, the newest version; `None`: there is none where it is looked for.
pub fn php_fpm() -> Option<PathBuf> {
    php_fpm::places().next()
}

/// The name of the protocol that a kind speaks on the socket; `None`: the one that its upstream says.
pub fn speaks(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::PhpFpm => Some("fastcgi"),
        Kind::Uwsgi => Some("uwsgi"),
        Kind::Gunicorn | Kind::Uvicorn | Kind::Hypercorn | Kind::Granian => Some("http"),
        Kind::Command => None,
    }
}

impl StopSignal {
    fn signal(self) -> Signal {
        match self {
            Self::Term => Signal::TERM,
            Self::Quit => Signal::QUIT,
            Self::Int => Signal::INT,
            Self::Hup => Signal::HUP,
        }
    }
}

/// The words as they were configured: `{fd}` is the number of the listening socket, `{socket}` a path to listen at.
fn command(config: &AppConfig, paths: &Paths) -> Plan {
    let socket = paths.socket.to_string_lossy();
    let word = |word: &String| {
        let word = word.replace("{fd}", &LISTEN_FD.to_string());
        OsString::from(word.replace("{socket}", &socket))
    };
    Plan {
        words: config.command.iter().chain(&config.args).map(word).collect(),
        env: Vec::new(),
        files: Vec::new(),
        stop: Signal::TERM,
        orphans: Signal::TERM,
        notifies: false,
        is_activated: true,
    }
}

/// The program as it was configured; else the first of these that is there; else the usual name, to be searched for.
fn program(config: &AppConfig, places: impl Iterator<Item = PathBuf>, name: &str) -> OsString {
    if let Some(program) = &config.program {
        return program.into();
    }
    let mut places = places;
    let found = places.find(|place| place.is_file());
    found.map_or_else(|| name.into(), Into::into)
}

fn is_file_in(directory: &Path, name: &str) -> Option<PathBuf> {
    Some(directory.join(name)).filter(|path| path.is_file())
}

#[cfg(test)]
mod tests;
