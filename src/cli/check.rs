//! `bridgehead check`: is the configuration fine, and what does it amount to?

use std::path::PathBuf;
use std::process::ExitCode;

use super::load;
use super::output::output;
use crate::config;

/// Check a configuration file; complaints name the line.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", required_unless_present = "schema")]
    config: Option<PathBuf>,
    /// Print the configuration in effect, with every default and the values of environment variables.
    #[arg(long)]
    print: bool,
    /// Print the JSON Schema of configuration files, for editors.
    #[arg(long, conflicts_with_all = ["config", "print"])]
    schema: bool,
}

/// Checks the file; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let Some(path) = &args.config else {
        return output(format!("{:#}\n", config::schema()));
    };
    match load(path) {
        Ok(config) if args.print => output(config::print(&config)),
        Ok(_) => output(format!("{}: the configuration is fine\n", path.display())),
        Err(code) => code,
    }
}
