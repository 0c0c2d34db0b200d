//! `bridgehead-conform frontend`: the target is an HTTP front end.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Error, Result};

use super::options::Options;
use super::playing::{self, About, Opponent};
use crate::launch::Launcher;
use crate::net::Address;
use crate::notation::SideName;
use crate::protocol::Protocol;
use crate::side::Frontend;

/// Test an HTTP front end: the kit plays its client and its application.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the front end finds the application: unix:/path, /path, unix:@name or host:port. With --start it may be left
    /// out, together with --url.
    #[arg(long, required_unless_present = "start", requires = "url")]
    listen: Option<Address>,
    /// What the front end speaks to it: fastcgi, uwsgi, scgi or http.
    #[arg(long)]
    protocol: Protocol,
    /// What the front end passes on to it: http://host:port/path/.
    #[arg(long, required_unless_present = "start", requires = "listen")]
    url: Option<String>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let about = |target| About {
        protocol: args.protocol,
        side: SideName::Frontend,
        target,
    };
    let given = args.listen.clone().zip(args.url.clone());
    if let Some(command) = &args.options.start {
        let launcher = Launcher::frontend(command, args.protocol, given).map_err(Error::msg)?;
        let opponent = Opponent::Started(Arc::new(launcher));
        return playing::run(&args.options, &opponent, &about(command));
    }
    let (listen, url) = given.context("--listen and --url")?;
    let side = Frontend::new(&listen, args.protocol, &url)
        .with_context(|| format!("cannot play an application at {listen}"))?;
    playing::run(&args.options, &Opponent::Running(&side), &about(&url))
}
