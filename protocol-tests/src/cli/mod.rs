//! The command line: one file per subcommand.

mod case;
mod cases;
mod decode;
mod frontend;
mod matrix;
mod options;
mod playing;
mod record;
mod reference;
mod server;

use std::io;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// The kit could not run.
const UNUSABLE: u8 = 2;

/// Conformance tests for FastCGI, uwsgi and SCGI: application servers and HTTP front ends.
#[derive(Debug, Parser)]
#[command(name = "bridgehead-conform", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Server(Box<server::Args>),
    Frontend(Box<frontend::Args>),
    Cases(cases::Args),
    Matrix(matrix::Args),
    Record(record::Args),
    Decode(decode::Args),
    Case(case::Args),
    Reference(reference::Args),
}

/// Runs what the command line says; gives the process's exit code.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Server(args) => server::run(&args),
        Command::Frontend(args) => frontend::run(&args),
        Command::Cases(args) => cases::run(&args),
        Command::Matrix(args) => matrix::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Case(args) => case::run(&args),
        Command::Reference(args) => reference::run(&args),
    };
    result.unwrap_or_else(|error| {
        // Whoever reads has seen enough.
        if !is_broken_pipe(&error) {
            eprintln!("{error:#}");
        }
        UNUSABLE.into()
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// A socket at which a byte arrives with the first of the signals that end us.
fn signals() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    pipe::register(SIGINT, theirs.try_clone()?)?;
    pipe::register(SIGTERM, theirs)?;
    Ok(ours)
}
