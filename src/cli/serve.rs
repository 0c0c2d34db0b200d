//! `bridgehead serve`: the main job.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;

use super::complaint::{self, colour};
use super::{START_FAILED, USAGE, config_file, show};
use crate::app::{self, App, Ended, Inheritance, Means, Program};
use crate::config::{self, Config, Diagnostic};
use crate::telemetry::log::ErrorLog;

/// Serve until a signal ends it.
///
/// Signals: TERM and QUIT finish what is open and stop, INT stops at once. HUP loads the configuration again; a file
/// with mistakes changes nothing. USR1 opens the logs again. USR2 starts the program again with the same arguments and
/// hands the listening sockets over; this process ends with its last request, or goes on when the new one does not
/// start.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file [default: ./bridgehead.toml, then /etc/bridgehead/bridgehead.toml].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the gateway; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let program = Program::ours();
    // Before there is any thread.
    let mut inheritance = match Inheritance::take() {
        Ok(inheritance) => inheritance,
        Err(error) => return failed(&error),
    };
    let file = match config_file::find(args.config.as_deref()) {
        Ok(file) => file,
        Err(error) => {
            complaint::error(&error);
            inheritance.refuse(&format!("{error:#}"));
            return USAGE.into();
        }
    };
    let config = match config::load(&file, &environment) {
        Ok((config, warnings)) => {
            for warning in &warnings {
                eprintln!("{}", warning.render(colour()));
            }
            config
        }
        Err(failure) => {
            show(&failure);
            inheritance.refuse(&failure.render(false));
            return USAGE.into();
        }
    };
    let ended =
        start(config, &file, &mut inheritance).inspect_err(|error| inheritance.refuse(&format!("{error:#}")));
    match ended.and_then(|started| serve(started, &program, &file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// A gateway that is ready, and what it stands on.
struct Started {
    app: App,
    runtime: Runtime,
    log: ErrorLog,
}

fn start(config: Config, file: &Path, inheritance: &mut Inheritance) -> Result<Started> {
    let log = ErrorLog::install(&config.log.error, config.log.level).context("cannot open the error log")?;
    introduce(&config, file);
    app::raise_limit();
    let runtime = app::runtime(config.server.workers).context("cannot start the runtime")?;
    let app = runtime.block_on(async { App::start(config, inheritance) })?;
    Ok(Started { app, runtime, log })
}

/// Says what is about to run. That it runs is said by the listeners, one line each.
fn introduce(config: &Config, file: &Path) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    tracing::info!(file = %file.display(), "configuration");
    tracing::info!(count = config.frontend.routes.len(), "routes");
    tracing::info!(count = config.upstreams.len(), "upstreams");
    tracing::info!(count = config.server.workers, "workers");
}

fn serve(started: Started, program: &Program, file: &Path) -> Result<()> {
    let Started {
        mut app,
        runtime,
        log,
    } = started;
    let load = || load_again(file);
    let means = Means {
        error_log: Some(&log),
        load: Some(&load),
        program: Some(program),
    };
    let ended = runtime.block_on(app.run(means))?;
    if let Ended::Cut(connections) = ended {
        tracing::warn!(connections, "stopped with open connections");
    }
    // Drops what was cut, and only then the logs that it is told to.
    runtime.shutdown_timeout(CUT);
    drop(app);
    Ok(())
}

/// The configuration as it is now. What there is to say about it goes to the error log: standard error may not be looked at.
fn load_again(file: &Path) -> Result<Config> {
    let (config, warnings) =
        config::load(file, &environment).map_err(|failure| anyhow!("{}", failure.render(false)))?;
    let lines: String = warnings
        .iter()
        .map(|warning: &Diagnostic| warning.render(false))
        .collect();
    for line in lines.lines() {
        tracing::warn!("{line}");
    }
    Ok(config)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn failed(error: &anyhow::Error) -> ExitCode {
    complaint::error(format_args!("{error:#}"));
    START_FAILED.into()
}

/// Longest wait for disk reads and writes that were cut: nothing else delays the end of a task.
const CUT: Duration = Duration::from_secs(1);
