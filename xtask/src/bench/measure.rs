//! The figures of one scenario.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::callgrind;
use super::load::Load;
use super::scenario::{CLIENTS, PATH, Scenario};
use super::server::{Peer, Server};
use super::strace::Calls;
use super::usage;
use super::work::Work;

/// A scenario with both columns.
#[derive(Debug)]
pub(crate) struct Row {
    /// Name of the scenario.
    pub(crate) name: &'static str,
    /// Our figures.
    pub(crate) bridgehead: Figures,
    /// The peer's.
    pub(crate) nginx: Figures,
}

/// What one server needs. Times in seconds, memory in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// System calls per request.
    pub(crate) calls: Calls,
    /// User-space instructions per request.
    pub(crate) instructions: f64,
    /// CPU time per request, user and system.
    pub(crate) cpu: f64,
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
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let peer_dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    // One backend for each: kept connections of the one would hold the workers that the other waits for.
    let our_work = Work::start(scenario.backend, dir.path())?;
    let their_work = Work::start(scenario.backend, peer_dir.path())?;
    let mut bridgehead = Figures::default();
    let mut nginx = Figures::default();
    {
        let ours = Server::start(Peer::Bridgehead, scenario, &our_work, dir.path(), None)?;
        let theirs = Server::start(Peer::Nginx, scenario, &their_work, dir.path(), None)?;
        memory(&ours, &mut bridgehead).context("bridgehead")?;
        memory(&theirs, &mut nginx).context("nginx")?;
        let mut passes = [(&ours, &mut bridgehead), (&theirs, &mut nginx)];
        // Each goes first as often as the other, so that what else the machine does hits both alike.
        for _ in 0..PASSES {
            for (server, figures) in &mut passes {
                figures.cpu += cpu(server, requests)? / PASSES as f64;
            }
            passes.reverse();
        }
        for (server, figures) in passes {
            figures.calls = Calls::count(&server.processes()?, &load(server), CALLS)?;
            figures.resident_after = usage::resident(&server.processes()?)?;
        }
    }
    bridgehead.instructions = callgrind::instructions(Peer::Bridgehead, scenario, &our_work)?;
    nginx.instructions = callgrind::instructions(Peer::Nginx, scenario, &their_work)?;
    Ok(Row {
        name: scenario.name,
        bridgehead,
        nginx,
    })
}

/// Warms up, then leaves many connections idle.
fn memory(server: &Server, figures: &mut Figures) -> Result<()> {
    let load = load(server);
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
fn cpu(server: &Server, requests: usize) -> Result<f64> {
    let processes = server.processes()?;
    let before = usage::cpu(&processes)?;
    load(server).run(requests)?;
    Ok((usage::cpu(&processes)? - before) / requests as f64)
}

fn load(server: &Server) -> Load {
    Load {
        addr: server.addr(),
        path: PATH,
        clients: CLIENTS,
    }
}

const PASSES: usize = 4; // of each server
const WARM_UP: usize = 640; // requests: every connection to a backend is open
const IDLE: usize = 2000; // connections
const CALLS: usize = 4000; // requests under strace
const SETTLE: Duration = Duration::from_secs(3); // a server may tidy up what is idle
