//! `bridgehead check`: is the configuration fine, and what does it amount to?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::output;
use super::{USAGE, complaint, config_file, load_with_places};
use crate::app;
use crate::config::{self, Loaded};

/// Check a configuration file; complaints name the line.
///
/// What is wrong with the file ends with 64. What the file names and this machine does not have (directories, users) is
/// warned of: it may be there where the gateway is to run.
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
    let loaded = match load_with_places(&path) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let starts = look(&loaded);
    match args.print {
        true => output(config::print(&loaded.config)),
        false => output(verdict(&path, &loaded, starts)),
    }
}

/// In the end; and which certificates would be got.
fn verdict(path: &Path, loaded: &Loaded, starts: bool) -> String {
    let mut verdict = format!("{}: {}\n", path.display(), outcome(starts));
    for certificate in app::own_certificates(&loaded.config) {
        verdict.push_str(&format!("  {certificate}\n"));
    }
    verdict
}

/// Warns of what a start would find; whether it would succeed.
fn look(loaded: &Loaded) -> bool {
    let found = app::inspect(&loaded.config);
    for finding in &found {
        let warning = loaded.places.warning(&finding.setting, &finding.message);
        eprintln!("{}", warning.render(complaint::colour()));
    }
    !found.iter().any(|finding| finding.fatal)
}

fn outcome(starts: bool) -> &'static str {
    match starts {
        true => "the configuration is fine",
        false => "the configuration is fine, but as things are here, `serve` would not start",
    }
}
