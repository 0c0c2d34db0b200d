//! `bridgehead-conform frontend`: the target is an HTTP front end.

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::options::Options;
use crate::net::Address;
use crate::notation::SideName;
use crate::protocol::Protocol;
use crate::side::Frontend;

/// Test an HTTP front end: the kit plays its client and its application.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the front end finds the application: unix:/path, /path, unix:@name or host:port.
    #[arg(long)]
    listen: Address,
    /// What the front end speaks to it: fastcgi, uwsgi, scgi or http.
    #[arg(long)]
    protocol: Protocol,
    /// What the front end passes on to it: http://host:port/path/.
    #[arg(long)]
    url: String,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let side = Frontend::new(&args.listen, args.protocol, &args.url)
        .with_context(|| format!("cannot play an application at {}", args.listen))?;
    args.options
        .run(&side, SideName::Frontend, args.protocol, &args.url)
}
