//! `bridgehead-conform cases`: what there is, and what it sends.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::options::several;
use crate::content::Scope;
use crate::notation::{self, Action, Case, SideName, Suite};
use crate::profile::Profile;
use crate::protocol::Protocol;

/// List the cases of a side.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// fastcgi, uwsgi, scgi or http.
    protocol: Protocol,
    /// server or frontend.
    #[arg(value_parser = side)]
    side: SideName,
    /// Only cases whose ids begin like this.
    #[arg(long)]
    only: Vec<String>,
    /// Also say why.
    #[arg(short, long)]
    verbose: bool,
    /// Also show what is sent, in hex, with the values of the profile `generic`.
    #[arg(long)]
    bytes: bool,
    /// A directory with cases/, profiles/ and expectations/ instead of those built in.
    #[arg(long)]
    kit: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let files = match &args.kit {
        Some(root) => notation::files_in(root).with_context(|| format!("cannot read {}", root.display()))?,
        None => notation::embedded(),
    };
    let suite = Suite::read(&files, args.protocol, args.side).map_err(several)?;
    let generic = files
        .iter()
        .find(|file| file.path == "profiles/generic.toml")
        .context("no profile `generic`")?;
    let scope = Profile::read(generic)?.scope(args.protocol, &[]);
    let wanted =
        |case: &&Case| args.only.is_empty() || args.only.iter().any(|prefix| case.id.starts_with(prefix));
    let mut out = io::stdout().lock();
    for case in suite.cases.iter().filter(wanted) {
        show(&mut out, case, args, &scope)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut impl Write, case: &Case, args: &Args, scope: &Scope) -> io::Result<()> {
    let intrusive = if case.intrusive { " (intrusive)" } else { "" };
    writeln!(
        out,
        "{:6} {:10} {:14} {}{intrusive}",
        case.id, case.level, case.spec, case.title
    )?;
    if args.verbose {
        writeln!(out, "       {}\n       {}", case.why, case.place)?;
    }
    if args.bytes {
        for variant in &case.variants {
            let scope = variant
                .binding
                .iter()
                .fold(scope.clone().with("case", &case.id), |scope, (name, value)| {
                    scope.with(name, value)
                });
            for step in &variant.steps {
                let Action::Send { content, .. } = &step.action else {
                    continue;
                };
                let on = step.on.as_deref().unwrap_or("");
                for unit in content.units(&scope).map_err(io::Error::other)? {
                    writeln!(out, "    {on} {}", hex(&unit))?;
                }
            }
        }
    }
    Ok(())
}

/// The first bytes in hex.
fn hex(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes
        .iter()
        .take(SHOWN)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let more = bytes.len().saturating_sub(SHOWN);
    let rest = if more > 0 {
        format!(" … {more} bytes more")
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(" "))
}

pub(super) fn side(name: &str) -> Result<SideName, String> {
    match name {
        "server" => Ok(SideName::Server),
        "frontend" => Ok(SideName::Frontend),
        _ => Err("write server or frontend".to_owned()),
    }
}

const SHOWN: usize = 256; // bytes of a unit
