//! `bridgehead check`: is the configuration fine, and what does it amount to?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::output;
use super::{USAGE, complaint, config_file, load};
use crate::app::certificates;
use crate::config::{self, Config};

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

/// The file is fine; the files that it names may not be.
fn fine(config: &Config, path: &Path) -> ExitCode {
    match certificates::inspect(config) {
        Ok(findings) => {
            for finding in findings {
                complaint::warning(finding);
            }
            output(format!("{}: the configuration is fine\n", path.display()))
        }
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            USAGE.into()
        }
    }
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
        Ok(config) => fine(&config, &path),
        Err(code) => code,
    }
}
