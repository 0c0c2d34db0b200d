//! `bridgehead demo`: the gateway with applications behind it, nothing to install.

mod config;
mod directory;
mod tour;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use super::output::output;
use super::{START_FAILED, complaint, show};
use crate::app::{self, App, Means, Signals};
use crate::config::Config;
use crate::demo::{Pool, Protocol};
use crate::transport::{Address, ListenError};
use directory::Directory;

/// Serve built-in FastCGI, uwsgi and SCGI applications, to try the gateway without installing anything.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen [default: 127.0.0.1:8080, or another port if that is taken].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Address>,
    /// Workers of each application, each for one request at a time.
    #[arg(long, value_name = "NUMBER", default_value = "4")]
    workers: NonZeroUsize,
    /// Directory for the sockets of the applications, made if it is not there [default: a temporary one].
    #[arg(long, value_name = "DIRECTORY")]
    sockets: Option<PathBuf>,
    /// Print what the demo serves as a configuration file to start from, and end. Its sockets are in ./bridgehead-demo
    /// unless `--sockets` says otherwise.
    #[arg(long)]
    print_config: bool,
}

/// Serves until a signal ends it; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    match demo(args) {
        Ok(code) => code,
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            START_FAILED.into()
        }
    }
}

fn demo(args: &Args) -> Result<ExitCode> {
    let listen = args.listen.clone().unwrap_or(Address::Tcp(USUAL));
    if args.print_config {
        let directory = chosen(args.sockets.as_deref().unwrap_or(Path::new(SOCKETS)))?;
        return Ok(output(config::template(&listen, &directory, args.workers)));
    }
    let directory = match &args.sockets {
        Some(path) => Directory::at(&chosen(path)?),
        None => Directory::temporary(),
    };
    let directory = directory.context("cannot make a directory for the sockets")?;
    check_name(directory.path())?;
    let configured = parse(&listen, directory.path(), args.workers)?;
    let runtime = app::runtime(configured.server.workers)?;
    let served = runtime.block_on(serve(args, configured, directory.path()));
    // Connections that were cut hold tasks: they are not waited for.
    runtime.shutdown_background();
    directory.close().context("cannot remove the sockets")?;
    served.map(|()| ExitCode::SUCCESS)
}

/// A directory that the user names, for addresses: absolute.
fn chosen(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path).context("cannot find the directory for the sockets")?;
    check_name(&path)?;
    Ok(path)
}

/// An endpoint ends with the first white space: its options follow.
fn check_name(directory: &Path) -> Result<()> {
    let path = directory.to_string_lossy();
    ensure!(
        !path.contains(char::is_whitespace),
        "no sockets in `{}`: the address of an endpoint has no white space; `--sockets` names another directory",
        path.escape_debug()
    );
    Ok(())
}

fn parse(listen: &Address, directory: &Path, workers: NonZeroUsize) -> Result<Config> {
    let text = config::text(listen, directory, workers);
    match crate::config::parse("demo.toml", &text, &|_| None) {
        Ok((config, _)) => Ok(config),
        Err(failure) => {
            show(&failure);
            bail!("the demo cannot run with this configuration")
        }
    }
}

async fn serve(args: &Args, config: Config, directory: &Path) -> Result<()> {
    // Before the text: its reader may send one at once.
    let mut signals = Signals::install().context("cannot catch signals")?;
    let log = app::open_error_log(&config).await?;
    let start = |protocol| {
        Pool::start(
            protocol,
            config::socket(directory, protocol).as_ref(),
            args.workers,
        )
    };
    let pools = Protocol::ALL.map(start);
    let pools = pools.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut app = match App::build(config).await {
        Err(error) if args.listen.is_none() && is_taken(&error) => {
            App::build(parse(&Address::Tcp(ANY_PORT), directory, args.workers)?).await?
        }
        built => built?,
    };
    let tour = app
        .addresses()
        .next()
        .map(|address| tour::text(address, directory, args.workers));
    // The demo is as good without a reader.
    output(tour.unwrap_or_default());
    let means = Means {
        error_log: Some(&log),
        ..Means::default()
    };
    app.run(&mut signals, means).await;
    for pool in pools {
        pool.stop().await;
    }
    Ok(())
}

fn is_taken(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ListenError::InUse(_)))
}

/// Where the sockets of a printed configuration are.
const SOCKETS: &str = "bridgehead-demo";

/// Where it surprises least.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Where it is when the usual port is taken.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
