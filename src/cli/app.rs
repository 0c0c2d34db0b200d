//! `bridgehead app`: the applications of a gateway that runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::{START_FAILED, complaint, config_file, load};
use crate::app::control::{ControlRequest, ask};

/// The applications of a gateway that runs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Start another generation of an application, which takes over when it is ready.
    ///
    /// Waits until it serves. When it does not get ready, the one before goes on, and the exit code is 1.
    Restart(Restart),
}

#[derive(Debug, clap::Args)]
struct Restart {
    /// The name behind `app.` in the configuration.
    name: String,
    /// The configuration, for its `pid_file` [default: ./bridgehead.toml, then /etc/bridgehead/bridgehead.toml].
    #[arg(short, long, value_name = "FILE", conflicts_with = "pid")]
    config: Option<PathBuf>,
    /// The process id of the gateway.
    #[arg(long)]
    pid: Option<u32>,
}

/// Asks the gateway; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let Command::Restart(restart) = &args.command;
    let pid = match restart.pid {
        Some(pid) => pid,
        None => match configured(restart.config.as_deref()) {
            Ok(pid) => pid,
            Err(code) => return code,
        },
    };
    match restarted(pid, &restart.name) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            START_FAILED.into()
        }
    }
}

fn restarted(pid: u32, name: &str) -> Result<String> {
    let asked = ask(pid, &ControlRequest::Restart(name.to_owned()));
    let outcome = asked.with_context(|| format!("cannot ask the gateway with the process id {pid}"))?;
    match outcome {
        Ok(text) => Ok(text),
        Err(text) => bail!("{text}"),
    }
}

/// The process id of the gateway that has this configuration.
fn configured(file: Option<&Path>) -> Result<u32, ExitCode> {
    let failed = |error: &anyhow::Error| {
        complaint::error(format_args!("{error:#}"));
        ExitCode::from(super::USAGE)
    };
    let file = config_file::find(file).map_err(|error| failed(&error))?;
    let config = load(&file)?;
    let Some(pid_file) = config.server.pid_file else {
        return Err(failed(&anyhow::anyhow!(
            "{}: there is no `pid_file` in [server]: name the gateway with --pid",
            file.display()
        )));
    };
    let read = fs::read_to_string(&pid_file).with_context(|| format!("cannot read {}", pid_file.display()));
    let pid = read.and_then(|text| {
        text.trim()
            .parse()
            .with_context(|| format!("{}: no process id", pid_file.display()))
    });
    pid.map_err(|error| failed(&error))
}
