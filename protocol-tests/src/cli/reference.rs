//! `bridgehead-conform reference`: correct implementations, and how they can be wrong.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};

use super::signals;
use crate::net::Address;
use crate::protocol::Protocol;
use crate::reference::frontend::{self, Frontend};
use crate::reference::server::{self, Server};
use crate::reference::{Fault, Listener, Running, Seeded};

/// Run a correct application or front end, or one with a fault.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    side: Side,
}

#[derive(Debug, clap::Subcommand)]
enum Side {
    /// The probe application.
    Server(ServerArgs),
    /// A front end in front of one application.
    Frontend(FrontendArgs),
}

#[derive(Debug, clap::Args)]
struct ServerArgs {
    #[command(flatten)]
    common: Common,
    /// What is wrong with it.
    #[arg(long)]
    fault: Option<Seeded<server::Fault>>,
}

#[derive(Debug, clap::Args)]
struct FrontendArgs {
    #[command(flatten)]
    common: Common,
    /// Where the application is: unix:/path, unix:@name or host:port.
    #[arg(long, required_unless_present = "faults")]
    upstream: Option<Address>,
    /// What is wrong with it.
    #[arg(long)]
    fault: Option<Seeded<frontend::Fault>>,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// What is spoken with or by the application: fastcgi, uwsgi or scgi; with a front end http, too.
    #[arg(long, required_unless_present = "faults")]
    protocol: Option<Protocol>,
    /// Where it listens: unix:/path, unix:@name or host:port; port 0 for one that is free.
    #[arg(long, required_unless_present = "faults")]
    listen: Option<Address>,
    /// List the faults instead, each with the case that catches it.
    #[arg(long)]
    faults: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.side {
        Side::Server(args) if args.common.faults => list::<server::Fault>(),
        Side::Frontend(args) if args.common.faults => list::<frontend::Fault>(),
        Side::Server(args) => args.common.serve(|protocol, listener| {
            let server = Server::new(protocol, args.fault.unwrap_or(Seeded::NONE))?;
            Some(server.serve(listener))
        }),
        Side::Frontend(args) => args.common.serve(|protocol, listener| {
            let upstream = args.upstream.clone()?;
            let frontend = Frontend::new(protocol, upstream, args.fault.unwrap_or(Seeded::NONE));
            Some(frontend.serve(listener))
        }),
    }
}

impl Common {
    /// Serves until a signal ends it.
    fn serve(&self, start: impl FnOnce(Protocol, Listener) -> Option<Running>) -> Result<ExitCode> {
        let (protocol, address) = self
            .protocol
            .zip(self.listen.as_ref())
            .context("--protocol and --listen")?;
        let mut until = signals().context("cannot wait for signals")?;
        let listener = Listener::bind(address).with_context(|| format!("cannot listen at {address}"))?;
        let running = start(protocol, listener).ok_or_else(|| anyhow!("no application speaks {protocol}"))?;
        writeln!(io::stdout(), "{}", running.address())?;
        until.read_exact(&mut [0])?;
        // The socket is removed with it.
        drop(running);
        Ok(ExitCode::SUCCESS)
    }
}

fn list<F: Fault>() -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    for entry in F::TABLE {
        let (name, about) = (entry.name(), entry.about.trim());
        writeln!(out, "{name:26} {:8} {:7} {about}", entry.protocol, entry.case)?;
    }
    Ok(ExitCode::SUCCESS)
}
