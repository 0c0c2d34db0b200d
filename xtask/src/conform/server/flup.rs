//! flup, which Debian 12 no longer has: from PyPI, beside the virtual environment.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow};
use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use tempfile::TempDir;
use testbed::Process;

use super::probe;
use crate::conform::instance::Running;
use crate::conform::store;
use crate::step;

/// Starts its server with threads.
pub(super) fn start(protocol: Protocol) -> Result<(Address, Running)> {
    let library = install()?;
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let socket = dir.path().join("s");
    let mut command = Command::new(testbed::ensure_venv()?.join("bin/python"));
    command
        .arg(probe("probe_flup.py"))
        .arg(protocol.name())
        .arg(&socket);
    command
        .env("PYTHONPATH", library)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let ready = || testbed::is_listening(&socket);
    let process = Process::start(command, dir, ready)?;
    Ok((Address::Unix(socket), Running::Process(process)))
}

/// The directory of the library; installs it the first time.
fn install() -> Result<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING
        .lock()
        .map_err(|_| anyhow!("an installation panicked"))?;
    let library = store::directory().join(format!("flup-{VERSION}"));
    if library.join("flup").exists() {
        return Ok(library);
    }
    fs::create_dir_all(store::directory())?;
    let mut pip = Command::new(testbed::ensure_venv()?.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
        "--target",
    ]);
    pip.arg(&library).arg(format!("flup=={VERSION}"));
    step::run(&mut pip, "install flup with pip")?;
    Ok(library)
}

/// The line for Python 3.
pub(in crate::conform) const VERSION: &str = "1.0.3";
