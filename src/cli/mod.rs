//! The command line: one file per subcommand, results on stdout, errors on stderr.

mod check;
mod serve;

use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{self, Config};

/// Exit code for a command line or a configuration that cannot be used (sysexits.h, EX_USAGE).
const USAGE: u8 = 64;

/// Exit code for a gateway that could not start.
const START_FAILED: u8 = 1;

/// HTTP front end for PHP-FPM, uWSGI, Gunicorn and every other pool of FastCGI, uwsgi, SCGI or HTTP workers.
#[derive(Debug, Parser)]
#[command(name = "bridgehead", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Check(check::Args),
}

/// Runs what the command line says; gives the process's exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
    }
}

/// clap says what is wrong or prints the help; only the exit code is ours.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when stderr is closed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => USAGE.into(),
    }
}

/// The configuration in a file; complaints and warnings go to stderr.
fn load(path: &Path) -> Result<Config, ExitCode> {
    use std::io::IsTerminal;
    let colour = std::io::stderr().is_terminal();
    match config::load(path, &|name| std::env::var(name).ok()) {
        Ok((config, warnings)) => {
            for warning in &warnings {
                eprintln!("{}", warning.render(colour));
            }
            Ok(config)
        }
        Err(failure) => {
            eprint!("{}", failure.render(colour));
            Err(USAGE.into())
        }
    }
}
