//! Debian packages that a task needs.

mod consent;
mod policy;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use testbed::{Package, install_line};

pub(crate) use consent::Consent;

use crate::step;
use policy::Policy;

/// Says which of `packages` are missing and what for, and installs them with [`Consent`]. Services that come with the
/// packages are not started.
///
/// # Errors
///
/// When they are not to be installed, or cannot be; the error holds the line that does it.
pub(crate) fn ensure(packages: &[Package], consent: Consent) -> Result<()> {
    let missing = packages.iter().filter(|package| !package.is_installed());
    let missing: Vec<Package> = missing.copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("== {} Debian packages are missing:", missing.len());
    for package in &missing {
        eprintln!("   {:22} {}", package.name, package.why);
    }
    let line = install_line(&missing);
    if !testbed::is_root() || !Path::new(APT_GET).exists() {
        bail!("install them as root: {line}");
    }
    if !consent.is_given(&line)? {
        bail!("install them with --install, or by hand: {line}");
    }
    step::named("Debian packages", || install(&missing, &line))
}

fn install(missing: &[Package], line: &str) -> Result<()> {
    let _policy = Policy::without_services().context("cannot keep services from starting")?;
    let advice = format!("install by hand: {line}");
    step::run(apt_get().arg("update"), &advice)?;
    let names = missing.iter().map(|package| package.name);
    step::run(
        apt_get()
            .args(["install", "-y", "--no-install-recommends"])
            .args(names),
        &advice,
    )
}

fn apt_get() -> Command {
    let mut command = Command::new(APT_GET);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

const APT_GET: &str = "/usr/bin/apt-get";
