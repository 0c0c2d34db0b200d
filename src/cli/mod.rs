//! The command line: one file per subcommand, results on stdout, errors on stderr.

mod app;
mod become_app;
mod call;
mod check;
mod complaint;
mod config_file;
mod demo;
mod explain;
mod invocation;
mod output;
mod quick;
mod serve;
#[cfg(feature = "tls")]
mod trust;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{self, Config, Loaded};
use crate::process;
use crate::protocol::fields::{FieldValue, is_token};
use complaint::colour;

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
    App(app::Args),
    Check(check::Args),
    Php(quick::PhpArgs),
    Wsgi(quick::WsgiArgs),
    Asgi(quick::AsgiArgs),
    Files(quick::FilesArgs),
    Demo(demo::Args),
    Explain(explain::Args),
    Call(call::Args),
    #[cfg(feature = "tls")]
    Trust(trust::Args),
    #[command(name = process::helper::COMMAND, hide = true)]
    BecomeApp(become_app::Args),
}

/// Runs what the command line says; gives the process's exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::App(args) => app::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Php(args) => quick::php(&args),
        Command::Wsgi(args) => quick::wsgi(&args),
        Command::Asgi(args) => quick::asgi(&args),
        Command::Files(args) => quick::files(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Call(args) => call::run(&args),
        #[cfg(feature = "tls")]
        Command::Trust(args) => trust::run(&args),
        Command::BecomeApp(args) => become_app::run(&args),
    }
}

/// clap says what is wrong or prints the help; only the exit code is ours.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be told when stderr is closed.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => USAGE.into(),
    }
}

/// A header field of a command line: `Name: value`.
fn field(text: &str) -> Result<(&[u8], FieldValue<'_>)> {
    let (name, value) = text
        .split_once(':')
        .with_context(|| format!("`{text}` is not a header field: write 'Name: value'"))?;
    let name = name.trim().as_bytes();
    ensure!(
        is_token(name),
        "`{}` is not the name of a header field",
        name.escape_ascii()
    );
    let value = FieldValue::new(value.trim().as_bytes());
    let value = value.with_context(|| format!("`{text}` has a value that no header field can have"))?;
    Ok((name, value))
}

/// The configuration in a file; complaints and warnings go to stderr.
fn load(path: &Path) -> Result<Config, ExitCode> {
    load_with_places(path).map(|loaded| loaded.config)
}

/// The same, with the places of its settings.
fn load_with_places(path: &Path) -> Result<Loaded, ExitCode> {
    match config::load_with_places(path, &|name| std::env::var(name).ok()) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("{}", warning.render(colour()));
            }
            Ok(loaded)
        }
        Err(failure) => {
            show(&failure);
            Err(USAGE.into())
        }
    }
}

/// Says on stderr why there is no configuration.
fn show(failure: &config::Failure) {
    eprint!("{}", failure.render(colour()));
}
