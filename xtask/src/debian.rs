//! Debian packages that a task needs.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::step;

/// Installs what is missing where that is possible: as root on Debian.
///
/// # Errors
///
/// When it is not, or when it fails; the error holds the line that installs `all`.
pub(crate) fn install(missing: &[String], all: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", all.join(" "));
    if !testbed::is_root() || !Path::new("/usr/bin/apt-get").exists() {
        bail!("{} missing; install with: {line}", missing.join(", "));
    }
    let advice = format!("install by hand: {line}");
    step::run(apt_get().arg("update"), &advice)?;
    step::run(
        apt_get()
            .args(["install", "-y", "--no-install-recommends"])
            .args(missing),
        &advice,
    )
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
