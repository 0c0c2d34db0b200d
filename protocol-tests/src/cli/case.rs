//! `bridgehead-conform case`: cases out of traffic.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::decode::{open, origin};
use crate::capture;
use crate::draft::{Bodies, Collector, Draft, Wish};
use crate::notation::SideName;
use crate::protocol::Protocol;
use crate::trace::Origin;

/// Turn the connections of a trace or capture into a case file, on standard output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file; `-` is standard input.
    file: PathBuf,
    /// Whom the cases are to test: server or frontend.
    #[arg(long, default_value = "server", value_parser = super::cases::side)]
    side: SideName,
    #[command(flatten)]
    choice: Choice,
}

/// Which cases are wanted.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Choice {
    /// What is spoken: fastcgi, uwsgi or scgi. Without it the trace says so, or it is guessed.
    #[arg(long)]
    protocol: Option<Protocol>,
    /// Who sent raw bytes: client or server. Without it that is guessed.
    #[arg(long, value_parser = origin)]
    from: Option<Origin>,
    /// Only this connection.
    #[arg(long)]
    connection: Option<u32>,
    /// What the ids of the cases begin with.
    #[arg(long)]
    id: Option<String>,
    /// Expect no particular bodies.
    #[arg(long)]
    any_body: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    print!("{}", write_cases(&args.file, args.side, &args.choice)?);
    Ok(ExitCode::SUCCESS)
}

/// The text of a case file out of a file of traffic.
pub(super) fn write_cases(path: &Path, side: SideName, choice: &Choice) -> Result<String> {
    let mut collector = Collector::new(choice.protocol, choice.connection);
    let file = open(&path.to_owned())?;
    let read = capture::read(file, choice.from, choice.protocol, &mut |item| {
        collector.hear(item)
    });
    read.with_context(|| path.display().to_string())?;
    let recorded = collector.finish().with_context(|| path.display().to_string())?;
    let wish = Wish {
        side,
        prefix: choice.id.as_deref().unwrap_or("TR"),
        bodies: if choice.any_body {
            Bodies::Any
        } else {
            Bodies::Same
        },
    };
    let draft = Draft::new(&recorded, wish)?;
    ensure!(
        draft.count > 0,
        "there is no connection that makes a case:\n{}",
        draft.text
    );
    Ok(draft.text)
}
