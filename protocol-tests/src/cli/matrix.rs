//! `bridgehead-conform matrix`: several runs side by side.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::report::{Column, markdown, reasons, variants};

/// Make a table in Markdown of results that --json wrote.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// In the order of the columns.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Column::parse(&text).with_context(|| path.display().to_string())
    };
    let columns: Vec<_> = args.files.iter().map(read).collect::<Result<_>>()?;
    let mut out = io::stdout().lock();
    write!(out, "{}", markdown(&columns))?;
    writeln!(out, "Permitted variants:\n\n{}", variants(&columns))?;
    write!(out, "Known deviations:\n\n{}", reasons(&columns))?;
    Ok(ExitCode::SUCCESS)
}
