//! `bridgehead serve`: the main job.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{START_FAILED, load};
use crate::app::{App, Ended};
use crate::config::Config;
use crate::telemetry::log::ErrorLog;

/// Serve until a signal ends it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs the gateway; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let config = match load(&args.config) {
        Ok(config) => config,
        Err(code) => return code,
    };
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            START_FAILED.into()
        }
    }
}

fn serve(config: Config) -> Result<()> {
    let log = ErrorLog::install(&config.log.error, config.log.level).context("cannot open the error log")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.server.workers)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let mut app = runtime.block_on(async { App::build(config) })?;
    let ended = runtime.block_on(app.run(Some(&log)))?;
    if let Ended::Cut(connections) = ended {
        tracing::warn!(connections, "stopped with open connections");
    }
    // Drops what was cut, and only then the logs that it is told to.
    runtime.shutdown_timeout(CUT);
    drop(app);
    Ok(())
}

/// Longest wait for disk reads and writes that were cut: nothing else delays the end of a task.
const CUT: Duration = Duration::from_secs(1);
