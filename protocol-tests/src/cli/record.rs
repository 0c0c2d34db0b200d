//! `bridgehead-conform record`: the relay.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::case::write_cases;
use super::signals;
use crate::net::Address;
use crate::notation::SideName;
use crate::protocol::Protocol;
use crate::relay::{Listener, Recorder, Relay, Served};
use crate::trace::Header;

/// Sit between a front end and a server, and write down what they say.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the front end connects: unix:/path, unix:@name or host:port.
    listen: Address,
    /// The server: unix:/path, unix:@name or host:port.
    target: Address,
    /// What they speak: fastcgi, uwsgi, scgi or http.
    #[arg(long)]
    protocol: Protocol,
    /// Where the trace goes; without it to standard output.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// End after so many connections.
    #[arg(long)]
    connections: Option<u32>,
    /// At the end, write a case of each connection, for servers.
    #[arg(long, requires = "trace")]
    case: Option<PathBuf>,
    /// The same, for front ends.
    #[arg(long, requires = "trace")]
    frontend_case: Option<PathBuf>,
    /// Blank cookies, credentials and bodies in the trace, and keep their lengths.
    #[arg(long)]
    redact: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let until = signals().context("cannot wait for signals")?;
    let listener =
        Listener::bind(&args.listen).with_context(|| format!("cannot listen at {}", args.listen))?;
    let listen = listener.address()?.to_string();
    let header = Header {
        protocol: Some(args.protocol),
        listen: Some(listen.clone()),
        target: Some(args.target.to_string()),
        date: Some(jiff::Timestamp::now().to_string()),
        redacted: args.redact,
    };
    let recorder = Recorder::begin(out(args.trace.as_deref())?, args.protocol, &header)?;
    // Whoever started us waits for this line.
    eprintln!("recording {listen} -> {}", args.target);
    let served = Relay::new(listener, args.target.clone(), args.connections).run(&recorder, &until)?;
    recorder.comment(&words(served));
    recorder.finish().context("the trace is not whole")?;
    eprintln!("{}", words(served));
    cases(args)?;
    Ok(ExitCode::SUCCESS)
}

fn cases(args: &Args) -> Result<()> {
    let Some(trace) = &args.trace else {
        return Ok(());
    };
    let wanted = [
        (&args.case, SideName::Server),
        (&args.frontend_case, SideName::Frontend),
    ];
    for (path, side) in wanted {
        if let Some(path) = path {
            let text = write_cases(trace, side, &super::case::Choice::default())?;
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

fn words(Served { accepted, cut }: Served) -> String {
    let plural = if accepted == 1 { "" } else { "s" };
    let cut = match cut {
        0 => String::new(),
        cut => format!(", {cut} cut by the end of the relay"),
    };
    format!("{accepted} connection{plural}{cut}")
}

fn out(path: Option<&Path>) -> Result<Box<dyn Write + Send>> {
    Ok(match path {
        Some(path) => {
            Box::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => Box::new(io::stdout()),
    })
}
