//! Bridgehead or nginx, running with the configuration of a scenario.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testbed::{Gateway, Signal};

use super::nginx::Nginx;
use super::scenario::Scenario;
use super::work::Work;
use super::{callgrind, usage};

/// Whose figures they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Bridgehead,
    Nginx,
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) enum Server {
    Bridgehead(Gateway),
    Nginx(Nginx),
}

impl Server {
    /// Starts a server with two workers and waits until it listens. `profile` is where callgrind is to write its
    /// figures; without it the server runs as it is.
    ///
    /// # Errors
    ///
    /// When it does not start; the error holds its log.
    pub(crate) fn start(
        peer: Peer,
        scenario: &Scenario,
        work: &Work,
        dir: &Path,
        profile: Option<&Path>,
    ) -> Result<Self> {
        match peer {
            Peer::Bridgehead => {
                let routes = work.config(&format!("scenarios/{}.toml", scenario.name))?;
                let config = format!("{}\n{routes}", head(scenario));
                let program = match profile {
                    Some(profile) => wrapped(dir, profile)?,
                    None => program(),
                };
                Gateway::start(&program, &config).map(Self::Bridgehead)
            }
            Peer::Nginx => Nginx::start(scenario, work, profile).map(Self::Nginx),
        }
    }

    /// Asks for a graceful end and waits for it.
    ///
    /// # Errors
    ///
    /// When it does not come, or is a failure.
    pub(crate) fn stop(self) -> Result<()> {
        match self {
            Self::Bridgehead(mut gateway) => {
                gateway.signal(Signal::TERM)?;
                let status = gateway.wait(STOP)?;
                ensure!(
                    status.success(),
                    "bridgehead ended with {status}:\n{}",
                    gateway.errors()
                );
                Ok(())
            }
            Self::Nginx(nginx) => nginx.stop(),
        }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        match self {
            Self::Bridgehead(gateway) => gateway.addr(),
            Self::Nginx(nginx) => nginx.addr(),
        }
    }

    /// All its processes.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        match self {
            Self::Bridgehead(gateway) => Ok(vec![gateway.pid()]),
            Self::Nginx(nginx) => usage::family(nginx.pid()),
        }
    }
}

/// The build that is measured.
pub(crate) fn program() -> PathBuf {
    testbed::target_dir().join("dist/bridgehead")
}

fn head(scenario: &Scenario) -> String {
    let access = if scenario.log { "{dir}/access.log" } else { "off" };
    format!(
        "[server]\nworkers = {WORKERS}\ntemp_dir = \"{{dir}}\"\n[log]\naccess = \"{access}\"\n\
         error = \"{{dir}}/error.log\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 4096\n"
    )
}

/// A program that runs Bridgehead under callgrind.
fn wrapped(dir: &Path, profile: &Path) -> Result<PathBuf> {
    let file = dir.join("profiled");
    let words = callgrind::words(profile).join(" ");
    let script = format!("#!/bin/sh\nexec {words} {} \"$@\"\n", program().display());
    fs::write(&file, script).context("cannot write the script for callgrind")?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(file)
}

/// Worker threads of Bridgehead, worker processes of nginx.
pub(crate) const WORKERS: usize = 2;

const STOP: Duration = Duration::from_secs(60); // callgrind takes seconds to write its figures
