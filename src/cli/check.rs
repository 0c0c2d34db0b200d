//! `bridgehead check`: is the configuration fine, and what does it amount to?

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::output;
use super::{USAGE, complaint, config_file, load};
use crate::config;

/// Check a configuration file; complaints name the line.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file [default: ./bridgehead.toml, then /etc/bridgehead/bridgehead.toml].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the configuration in effect, with every default and the values of environment variables, but no secrets.
    #[arg(long)]
    print: bool,
    /// Print the JSON Schema of configuration files, for editors.
    #[arg(long, conflicts_with_all = ["config", "print"])]
    schema: bool,
    /// Print the reference of all settings, as Markdown.
    #[arg(long, conflicts_with_all = ["config", "print", "schema"])]
    reference: bool,
}

/// Checks the file; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    if args.schema {
        return output(format!("{:#}\n", config::schema()));
    }
    if args.reference {
        return output(config::reference());
    }
    let path = match config_file::find(args.config.as_deref()) {
        Ok(path) => path,
        Err(error) => {
            complaint::error(error);
            return USAGE.into();
        }
    };
    match load(&path) {
        Ok(config) if args.print => output(config::print(&config)),
        Ok(_) => output(format!("{}: the configuration is fine\n", path.display())),
        Err(code) => code,
    }
}
