//! Servers of Python applications.

use std::ffi::OsString;
use std::path::PathBuf;

use rustix::process::Signal;

use super::{LISTEN_FD, Paths, Plan, program};
use crate::process::config::{AppConfig, Kind};

/// What these servers have in common: the application is a word of the command line, output comes line by line.
pub(super) fn plan(config: &AppConfig, paths: &Paths) -> Plan {
    let name = config.kind.as_str();
    let mut words = vec![program(config, environments(config, name), name)];
    words.extend(arguments(config, paths).into_iter().map(OsString::from));
    Plan {
        words,
        env: vec![("PYTHONUNBUFFERED".to_owned(), "1".into())],
        files: Vec::new(),
        stop: Signal::TERM,
        orphans: match config.kind {
            // Its workers end at once at TERM, and with their request at HUP.
            Kind::Uwsgi => Signal::HUP,
            _ => Signal::TERM,
        },
        notifies: config.kind.notifies(),
        // Gunicorn removes the file of a socket that it got in another way (`--bind fd://3`) before it tells its workers to
        // stop, and stops without them when the file is gone or not its own to remove.
        is_activated: config.kind == Kind::Gunicorn,
    }
}

fn arguments(config: &AppConfig, paths: &Paths) -> Vec<String> {
    let (workers, threads) = (config.workers.to_string(), config.threads.to_string());
    let application = config.application.clone().unwrap_or_default();
    let fd = LISTEN_FD.to_string();
    let socket = paths.socket.display().to_string();
    let url = format!("fd://{fd}");
    let seconds = config.timeouts.stop.as_secs().max(1).to_string();
    let words: Vec<&str> = match config.kind {
        Kind::Gunicorn => vec![
            "--workers",
            &workers,
            "--threads",
            &threads,
            "--graceful-timeout",
            &seconds,
        ],
        Kind::Uwsgi => vec![
            "--socket",
            &url,
            "--module",
            &application,
            "--master",
            "--processes",
            &workers,
            "--threads",
            &threads,
            "--enable-threads",
            "--need-app",
            "--hook-master-start",
            "unix_signal:15 gracefully_kill_them_all",
            "--worker-reload-mercy",
            &seconds,
        ],
        Kind::Uvicorn => vec!["--fd", &fd, "--workers", &workers, "--forwarded-allow-ips", "*"],
        Kind::Hypercorn => vec![
            "--bind",
            &url,
            "--workers",
            &workers,
            "--graceful-timeout",
            &seconds,
        ],
        Kind::Granian => vec!["--uds", &socket, "--workers", &workers, "--interface", "asgi"],
        Kind::PhpFpm | Kind::Command => Vec::new(),
    };
    let mut words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    match config.kind {
        // Options of Python are known once its plugin is, which one of these words may name.
        Kind::Uwsgi => {
            words.splice(0..0, config.args.iter().cloned());
        }
        _ => {
            words.extend(config.args.iter().cloned());
            words.push(application);
        }
    }
    words
}

/// The program in a virtual environment beside the application, under the names that people give it.
fn environments(config: &AppConfig, name: &str) -> impl Iterator<Item = PathBuf> {
    let inside = format!("bin/{name}");
    [".venv", "venv", "env"]
        .into_iter()
        .map(move |environment| config.directory.join(environment).join(&inside))
}
