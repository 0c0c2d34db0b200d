//! The figures of one scenario.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::load::Load;
use super::pairs::{self, Cpu};
use super::scenario::Scenario;
use super::server::{Peer, Server};
use super::strace::Calls;
use super::work::Work;
use super::{callgrind, usage};

/// A scenario with both columns.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Name of the scenario.
    pub(crate) name: &'static str,
    /// Our figures.
    pub(crate) bridgehead: Figures,
    /// The peer's.
    pub(crate) nginx: Figures,
    /// CPU time of one request.
    pub(crate) cpu: Cpu,
    /// With TLS.
    pub(crate) secure: bool,
}

/// What one server needs. Memory in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// System calls per request.
    pub(crate) calls: Calls,
    /// User-space instructions per request.
    pub(crate) instructions: f64,
    /// Resident memory after the warm-up.
    pub(crate) resident_before: u64,
    /// Resident memory after everything.
    pub(crate) resident_after: u64,
    /// Memory per idle client connection.
    pub(crate) idle: f64,
}

/// Measures both servers in front of the same kind of backend.
///
/// # Errors
///
/// When anything does not start or answer.
pub(crate) fn row(scenario: &Scenario, requests: usize) -> Result<Row> {
    let Scenario {
        name, site, worth, ..
    } = scenario;
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let peer_dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    // One backend for each: kept connections of the one would hold the workers that the other waits for.
    let our_work = Work::start(site, dir.path())?;
    let their_work = Work::start(site, peer_dir.path())?;
    let mut row = Row {
        name,
        secure: site.secure,
        ..Row::default()
    };
    {
        let ours = Server::start(Peer::Bridgehead, site, &our_work, dir.path(), None)?;
        let theirs = Server::start(Peer::Nginx, site, &their_work, dir.path(), None)?;
        let our_load = scenario.load(&ours, &our_work)?;
        let their_load = scenario.load(&theirs, &their_work)?;
        memory(&ours, &our_load, &mut row.bridgehead)?;
        memory(&theirs, &their_load, &mut row.nginx)?;
        row.cpu = pairs::cpu(
            || cpu(&ours, &our_load, requests / worth),
            || cpu(&theirs, &their_load, requests / worth),
        )?;
        calls(&ours, &our_load, CALLS / worth, &mut row.bridgehead)?;
        calls(&theirs, &their_load, CALLS / worth, &mut row.nginx)?;
    }
    let instructions = |peer: Peer, work: &Work| {
        let start = |dir: &Path, profile: &Path| Server::start(peer, site, work, dir, Some(profile));
        let name = format!("{name}-{peer:?}").to_lowercase();
        callgrind::instructions(&name, start, |server| scenario.load(server, work), *worth)
    };
    row.bridgehead.instructions = instructions(Peer::Bridgehead, &our_work)?;
    row.nginx.instructions = instructions(Peer::Nginx, &their_work)?;
    Ok(row)
}

/// Warms up, then leaves many connections idle.
fn memory(server: &Server, load: &Load, figures: &mut Figures) -> Result<()> {
    load.run(WARM_UP)?;
    figures.resident_before = usage::resident(&server.processes()?)?;
    let connections = load.idle(IDLE)?;
    sleep(SETTLE);
    let resident = usage::resident(&server.processes()?)?;
    figures.idle = resident.saturating_sub(figures.resident_before) as f64 / IDLE as f64;
    drop(connections);
    Ok(())
}

/// CPU time of one request.
fn cpu(server: &Server, load: &Load, requests: usize) -> Result<f64> {
    let processes = server.processes()?;
    let before = usage::cpu(&processes)?;
    load.run(requests)?;
    Ok((usage::cpu(&processes)? - before) / requests as f64)
}

/// System calls of one request, and memory at the end.
fn calls(server: &Server, load: &Load, requests: usize, figures: &mut Figures) -> Result<()> {
    figures.calls = Calls::count(&server.processes()?, load, requests)?;
    figures.resident_after = usage::resident(&server.processes()?)?;
    Ok(())
}

/// Requests after which every connection to a backend is open.
pub(crate) const WARM_UP: usize = 640;

/// How long a server may tidy up what is idle.
pub(crate) const SETTLE: Duration = Duration::from_secs(3);

const IDLE: usize = 2000; // connections
const CALLS: usize = 12_000; // requests under strace
