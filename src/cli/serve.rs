//! `bridgehead serve`: the main job.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;

use super::complaint::{self, colour};
use super::{START_FAILED, USAGE, config_file, show};
use crate::app::{self, App, Ended, Inheritance, Means, Program, Signals, Source};
use crate::config::{self, Config, Diagnostic};
use crate::process::init;
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
    if init::is_wanted() {
        let run = init::run(std::env::args_os().skip(1)).context("the first process of the container");
        return run.unwrap_or_else(|error| failed(&error));
    }
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
    match serve(config, &file, &program, &mut inheritance) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn serve(config: Config, file: &Path, program: &Program, inheritance: &mut Inheritance) -> Result<()> {
    let runtime = app::runtime(config.server.workers);
    let runtime = runtime.inspect_err(|error| inheritance.refuse(&format!("{error:#}")))?;
    let started = runtime.block_on(start(config, file, inheritance));
    let started = started.inspect_err(|error| inheritance.refuse(&format!("{error:#}")))?;
    match started {
        Some(started) => go_on(runtime, started, program, file),
        None => {
            inheritance.refuse("a signal ended it before it served");
            Ok(())
        }
    }
}

/// A gateway that is ready, and what it stands on.
struct Started {
    app: App,
    signals: Signals,
    log: ErrorLog,
}

/// Opens everything; `None` when a signal ends it before it is open.
async fn start(config: Config, file: &Path, inheritance: &mut Inheritance) -> Result<Option<Started>> {
    let mut signals = Signals::install().context("cannot catch signals")?;
    let opened = tokio::select! {
        opened = open(config, file, inheritance) => opened?,
        () = signals.stop() => {
            tracing::info!("stopped before it served");
            return Ok(None);
        }
    };
    let (app, log) = opened;
    Ok(Some(Started { app, signals, log }))
}

async fn open(config: Config, file: &Path, inheritance: &mut Inheritance) -> Result<(App, ErrorLog)> {
    let log = app::open_error_log(&config).await?;
    introduce(&config, file);
    app::raise_limit();
    let app = App::start(config, inheritance).await?;
    Ok((app, log))
}

/// Says what is about to run. That it runs is said by the listeners, one line each.
fn introduce(config: &Config, file: &Path) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    tracing::info!(file = %file.display(), "configuration");
    tracing::info!(count = config.frontend.routes.len(), "routes");
    tracing::info!(count = config.upstreams.len(), "upstreams");
    tracing::info!(count = config.server.workers, "workers");
}

fn go_on(runtime: Runtime, started: Started, program: &Program, file: &Path) -> Result<()> {
    let Started {
        mut app,
        mut signals,
        log,
    } = started;
    let source = source(file);
    let means = Means {
        error_log: Some(&log),
        source: Some(&source),
        program: Some(program),
    };
    let ended = runtime.block_on(app.run(&mut signals, means));
    if let Ended::Cut(connections) = ended {
        tracing::warn!(connections, "stopped with open connections");
    }
    // Drops what was cut, and only then the logs that it is told to.
    runtime.shutdown_timeout(CUT);
    drop(app);
    Ok(())
}

fn source(file: &Path) -> Source {
    let read = file.to_owned();
    Source {
        file: file.to_owned(),
        load: Arc::new(move || load_again(&read)),
    }
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
