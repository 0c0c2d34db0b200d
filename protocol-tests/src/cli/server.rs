//! `bridgehead-conform server`: the target is an application server.

use std::process::ExitCode;

use anyhow::Result;

use super::options::Options;
use crate::net::Address;
use crate::notation::SideName;
use crate::protocol::Protocol;
use crate::side::Server;

/// Test an application server.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What it speaks: fastcgi, uwsgi or scgi.
    protocol: Protocol,
    /// Where it listens: unix:/path, /path, unix:@name, host:port or http://host:port.
    address: Address,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let side = Server::new(args.address.clone(), args.protocol);
    args.options
        .run(&side, SideName::Server, args.protocol, &args.address.to_string())
}
