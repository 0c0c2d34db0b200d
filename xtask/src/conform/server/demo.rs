//! `bridgehead demo`: the pools behind the gateway, without the gateway.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use tempfile::TempDir;
use testbed::Process;

use super::Setting;
use crate::conform::frontend::bridgehead;
use crate::conform::instance::Running;

/// Starts it. Its sockets are in a directory of its own below the temporary one.
pub(super) fn start(protocol: Protocol, setting: Setting) -> Result<(Address, Running)> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let path = dir.path().to_owned();
    let mut command = Command::new(bridgehead::program());
    command
        .args(["demo", "--listen"])
        .arg(format!("unix:{}", path.join("http").display()));
    command.arg("--workers").arg(setting.workers().to_string());
    command.env("TMPDIR", &path);
    let ready = || socket(&path, protocol).is_some_and(|socket| testbed::is_listening(&socket));
    let process = Process::start(command, dir, ready)?;
    let socket = socket(&path, protocol).context("the demo has no such socket")?;
    Ok((Address::Unix(socket), Running::Process(process)))
}

fn socket(dir: &Path, protocol: Protocol) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?.flatten();
    let mut sockets = entries.map(|entry| entry.path().join(format!("{protocol}.sock")));
    sockets.find(|path| path.exists())
}
