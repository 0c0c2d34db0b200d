//! `bridgehead trust`: what makes machines and browsers believe the local authority.

mod browsers;
mod system;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

use super::output::output;
use super::{START_FAILED, USAGE, complaint, config_file, load};
use crate::acme::AcmeConfig;
use crate::acme::local::{LocalAuthority, directory};
use crate::transport::tls::CertificateFacts;
use system::System;

/// Say how this machine comes to believe the local authority, which issues the certificates for `localhost` and for names
/// such as `shop.test` and `nas.internal`; or see to it.
///
/// The authority is made by the first gateway that needs it, and is kept in its store ([acme] store). It can issue for
/// names of the own machine and network only.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration file that says where the store is [default: ./bridgehead.toml, then
    /// /etc/bridgehead/bridgehead.toml; without either, the usual store].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Have this machine believe it, for programs that ask the system. Needs root.
    #[arg(long, conflicts_with = "uninstall")]
    install: bool,
    /// Undo that, for all local authorities of Bridgehead. Needs root.
    #[arg(long)]
    uninstall: bool,
    /// The machine is below this directory.
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

/// Says it or does it; gives the process's exit code.
pub(super) fn run(args: &Args) -> ExitCode {
    let store = match store(args.config.as_deref()) {
        Ok(store) => store,
        Err(code) => return code,
    };
    match done(args, &store) {
        Ok(text) => output(text),
        Err(error) => {
            complaint::error(format_args!("{error:#}"));
            START_FAILED.into()
        }
    }
}

/// Where the store is. A gateway without a configuration has the usual one.
fn store(named: Option<&Path>) -> Result<PathBuf, ExitCode> {
    match config_file::find(named) {
        Ok(file) => Ok(load(&file)?.acme.store),
        Err(error) if named.is_some() => {
            complaint::error(error);
            Err(USAGE.into())
        }
        Err(_) => Ok(AcmeConfig::default().store),
    }
}

fn done(args: &Args, store: &Path) -> Result<String> {
    let system = System::find(&args.root);
    if args.uninstall {
        return system.context(UNKNOWN)?.uninstall();
    }
    let directory = directory(store);
    let authority = LocalAuthority::certificate_in(&directory)?;
    let Some((file, certificate)) = authority else {
        bail!(
            "there is no local authority in {} yet: the first gateway makes it that has a listener with TLS for a local name, \
             such as `localhost`",
            directory.display()
        );
    };
    let facts = CertificateFacts::of_pem(certificate.as_bytes());
    let facts = facts.map_err(|why| anyhow!("{}: {why}", file.display()))?;
    if args.install {
        return system.context(UNKNOWN)?.install(&certificate, &facts.fingerprint);
    }
    Ok(said(&file, &facts, system.as_ref()))
}

/// What there is to do.
fn said(file: &Path, facts: &CertificateFacts, system: Option<&System>) -> String {
    let pairs: Vec<String> = facts
        .fingerprint
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let (file, fingerprint) = (file.display(), pairs.join(":"));
    let system = match system {
        Some(system) => system.said(&file, &facts.fingerprint),
        None => format!("This machine: {UNKNOWN}.\n"),
    };
    format!(
        "The local authority: {file}\nSHA-256: {fingerprint}\n\n{system}\n{}",
        browsers::said(&file)
    )
}

/// Of systems that keep the certificates elsewhere.
const UNKNOWN: &str =
    "it is not known where this system keeps the certificates that it believes; its manual says so";
