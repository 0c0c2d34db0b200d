//! `bridgehead-conform server`: the target is an application server.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Error, Result};

use super::options::Options;
use super::playing::{self, About, Opponent};
use crate::launch::Launcher;
use crate::net::Address;
use crate::notation::SideName;
use crate::protocol::Protocol;
use crate::side::Server;

/// Test an application server.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What it speaks: fastcgi, uwsgi or scgi.
    protocol: Protocol,
    /// Where it listens: unix:/path, /path, unix:@name, host:port or http://host:port. With --start it may be left out.
    #[arg(required_unless_present = "start")]
    address: Option<Address>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let about = |target| About {
        protocol: args.protocol,
        side: SideName::Server,
        target,
    };
    if let Some(command) = &args.options.start {
        let launcher = Launcher::server(command, args.protocol, args.address.clone()).map_err(Error::msg)?;
        let opponent = Opponent::Started(Arc::new(launcher));
        return playing::run(&args.options, &opponent, &about(command));
    }
    let address = args.address.as_ref().context("where does it listen?")?;
    let side = Server::new(address.clone(), args.protocol);
    playing::run(
        &args.options,
        &Opponent::Running(&side),
        &about(&address.to_string()),
    )
}
