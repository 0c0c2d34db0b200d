//! One line to the first page: `bridgehead php [DIR]`, `bridgehead wsgi [MODULE:APP]`, `bridgehead asgi [MODULE:APP]`,
//! `bridgehead files [DIR]`.
//!
//! Each finds out what there is, writes a configuration file for it, and serves with that; `--print-config` prints the file.

mod files;
mod php;
mod project;
mod python;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use toml::Value;

use super::output::output;
use super::{START_FAILED, USAGE, complaint, show};
use crate::app::{self, App, Means, Signals};
use crate::config::{Config, env};
use crate::transport::{Address, ListenError};
pub(super) use files::Args as FilesArgs;
pub(super) use php::Args as PhpArgs;
use project::Project;
pub(super) use python::{AsgiArgs, WsgiArgs};

/// What all of these commands take.
#[derive(Debug, clap::Args)]
struct Common {
    /// Where to listen [default: 127.0.0.1:8080, or another port if that is taken].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Address>,
    /// Worker processes.
    #[arg(long, value_name = "NUMBER")]
    workers: Option<NonZeroUsize>,
    /// The server program, by its path or name.
    #[arg(long, value_name = "PROGRAM")]
    server: Option<String>,
    /// Print what would be served as a configuration file to start from, and end.
    #[arg(long)]
    print_config: bool,
}

/// `bridgehead php`.
pub(super) fn php(args: &PhpArgs) -> ExitCode {
    found(php::find(args), &args.common)
}

/// `bridgehead wsgi`.
pub(super) fn wsgi(args: &WsgiArgs) -> ExitCode {
    found(python::find_wsgi(args), &args.common)
}

/// `bridgehead asgi`.
pub(super) fn asgi(args: &AsgiArgs) -> ExitCode {
    found(python::find_asgi(args), &args.common)
}

/// `bridgehead files`.
pub(super) fn files(args: &FilesArgs) -> ExitCode {
    found(files::find(args), &args.common())
}

fn found(project: Result<Project>, common: &Common) -> ExitCode {
    let project = match project {
        Ok(project) => project,
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            return USAGE.into();
        }
    };
    if common.print_config {
        let listen = common.listen.clone().unwrap_or(Address::Tcp(USUAL));
        return output(project.file(&listen, common.workers, common.server.as_deref()));
    }
    match serve(&project, common) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            START_FAILED.into()
        }
    }
}

fn serve(project: &Project, common: &Common) -> Result<()> {
    let listen = common.listen.clone().unwrap_or(Address::Tcp(USUAL));
    let config = parse(project, &listen, common)?;
    let runtime = app::runtime(config.server.workers)?;
    let served = runtime.block_on(run(project, common, config));
    // Connections that were cut hold tasks: they are not waited for.
    runtime.shutdown_background();
    served
}

async fn run(project: &Project, common: &Common, config: Config) -> Result<()> {
    // Before the text: its reader may send one at once.
    let mut signals = Signals::install().context("cannot catch signals")?;
    let log = app::open_error_log(&config).await?;
    let mut app = match App::build(config).await {
        Err(error) if common.listen.is_none() && is_taken(&error) => {
            App::build(parse(project, &Address::Tcp(ANY_PORT), common)?).await?
        }
        built => built?,
    };
    let address = app.addresses().next().map(ToString::to_string);
    // It serves as well without a reader.
    output(format!("{}\n", project.found(&address.unwrap_or_default())));
    let means = Means {
        error_log: Some(&log),
        ..Means::default()
    };
    app.run(&mut signals, means).await;
    Ok(())
}

fn parse(project: &Project, listen: &Address, common: &Common) -> Result<Config> {
    let text = project.served(listen, common.workers, common.server.as_deref());
    match crate::config::parse("bridgehead.toml", &text, &|_| None) {
        Ok((config, _)) => Ok(config),
        Err(failure) => {
            show(&failure);
            bail!("this cannot be served")
        }
    }
}

/// The directory that an argument names, or the current one.
fn directory(named: Option<&Path>) -> Result<PathBuf> {
    let named = named.unwrap_or(Path::new("."));
    let found = named.canonicalize();
    found.with_context(|| format!("cannot find the directory {}", named.display()))
}

/// A string as TOML, safe from the expansion of environment references.
fn quote(text: &str) -> String {
    Value::String(env::escape(text)).to_string()
}

fn is_taken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ListenError::InUse(_)))
}

/// Where it surprises least.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Where it is when the usual port is taken.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[cfg(test)]
mod tests;
