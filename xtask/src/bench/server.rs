//! Bridgehead or nginx, running with the configuration of a scenario.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testbed::{Gateway, Signal};

use super::identity::Identity;
use super::nginx::Nginx;
use super::site::{Log, Site};
use super::work::Work;
use super::{usage, valgrind};

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
    /// Starts a server and waits until it listens. `profile` is where callgrind is to write its
    /// figures; without it the server runs as it is.
    ///
    /// # Errors
    ///
    /// When it does not start; the error holds its log.
    pub(crate) fn start(
        peer: Peer,
        site: &Site,
        work: &Work,
        dir: &Path,
        profile: Option<&Path>,
    ) -> Result<Self> {
        match peer {
            Peer::Bridgehead => Self::bridgehead(&program("dist"), site, work, dir, profile),
            Peer::Nginx => Nginx::start(site, work, profile).map(Self::Nginx),
        }
    }

    /// [`Server::start`] with a build of Bridgehead.
    ///
    /// # Errors
    ///
    /// When it does not start; the error holds its log.
    pub(crate) fn bridgehead(
        program: &Path,
        site: &Site,
        work: &Work,
        dir: &Path,
        profile: Option<&Path>,
    ) -> Result<Self> {
        let routes = work.config(&format!("scenarios/{}.toml", site.config))?;
        let config = format!("{}{}\n{routes}", head(site), tls(work.identity()));
        let program = match profile {
            Some(profile) => &wrapped(program, dir, profile)?,
            None => program,
        };
        Gateway::start(program, &config).map(Self::Bridgehead)
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

/// Where cargo puts the program of a profile.
pub(crate) fn program(profile: &str) -> PathBuf {
    testbed::target_dir().join(profile).join("bridgehead")
}

fn head(site: &Site) -> String {
    let access = match site.log {
        Log::Off => "access = \"off\"".to_owned(),
        Log::Combined => "access = \"{dir}/access.log\"".to_owned(),
        Log::Json => "access = \"{dir}/access.log\"\naccess_format = \"json\"".to_owned(),
        Log::Template => format!(
            "access = \"{{dir}}/access.log\"\naccess_format = '{}'",
            Log::TEMPLATE
        ),
    };
    format!(
        "[server]\nworkers = {}\ntemp_dir = \"{{dir}}\"\n[log]\n{access}\n\
         error = \"{{dir}}/error.log\"\n[[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 4096\n",
        site.workers
    )
}

/// Goes on in the table of the listener.
fn tls(identity: Option<&Identity>) -> String {
    let Some(identity) = identity else {
        return String::new();
    };
    let file = |suffix| identity.dir().join("server").with_extension(suffix);
    format!(
        "tls = true\n[tls]\ncertificates = [{{ cert = {:?}, key = {:?} }}]\n",
        file("pem"),
        file("key")
    )
}

/// A program that runs Bridgehead under callgrind.
fn wrapped(program: &Path, dir: &Path, profile: &Path) -> Result<PathBuf> {
    let file = dir.join("profiled");
    let words = valgrind::words(profile).join(" ");
    let script = format!("#!/bin/sh\nexec {words} {} \"$@\"\n", program.display());
    fs::write(&file, script).context("cannot write the script for callgrind")?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(file)
}

const STOP: Duration = Duration::from_secs(60); // callgrind takes seconds to write its figures
