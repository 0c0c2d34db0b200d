//! Memory that clients cost while they do nothing, and after they have left.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::measure::SETTLE;
use super::resting::{self, State};
use super::server::{Peer, Server};
use super::site::{BODY, Behind, Site, Wire};
use super::usage;
use super::work::Work;

/// Clients whose memory is measured.
#[derive(Debug)]
pub(crate) struct Memory {
    /// What the report and the command line call it.
    pub(crate) name: &'static str,
    site: Site,
    state: State,
    clients: usize,
    /// Clients that come and go before.
    warm_up: usize,
    figure: Figure,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    /// Growth of resident memory for each client, in KiB.
    Each,
    /// All resident memory [`GONE`] after they have left, in MiB.
    Left,
}

/// The figures of both servers.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Name of the scenario.
    pub(crate) name: &'static str,
    /// Of the figures.
    pub(crate) unit: &'static str,
    /// How many clients there were.
    pub(crate) clients: usize,
    /// Ours.
    pub(crate) bridgehead: f64,
    /// The peer's.
    pub(crate) nginx: f64,
}

/// Every scenario, in the order of the report.
pub(crate) const ALL: [Memory; 9] = [
    idle("memory-silent", FIXED, State::Silent),
    idle("memory-asked", FIXED, State::Asked),
    idle("memory-upload", UPLOAD, State::Uploaded),
    idle(
        "memory-h2",
        Site::new("fixed-h2", Behind::Nothing).serving(8192),
        State::AskedHttp2,
    ),
    idle("memory-tls", TLS, State::Asked),
    idle("memory-tls-h2", TLS, State::AskedHttp2),
    Memory {
        clients: 2000, // a thread of the responder each
        ..idle("memory-gzip", EVENTS, State::Streaming)
    },
    Memory {
        name: "memory-slow",
        site: Site::new("file", Behind::File(5_000_000)),
        state: State::Reading,
        clients: 200, // the kernel holds megabytes for each
        warm_up: 2,
        figure: Figure::Each,
    },
    Memory {
        name: "memory-left",
        site: UPLOAD.serving(4096),
        state: State::UploadedTogether,
        clients: 2000,
        warm_up: 64,
        figure: Figure::Left,
    },
];

const fn idle(name: &'static str, site: Site, state: State) -> Memory {
    Memory {
        name,
        site,
        state,
        clients: 5000,
        warm_up: 64,
        figure: Figure::Each,
    }
}

const FIXED: Site = Site::new("fixed", Behind::Nothing).serving(8192);
const TLS: Site = Site::new("tls", Behind::Nothing).serving(8192).secured();
const EVENTS: Site = Site::new("events-gzip", Behind::events()).serving(8192);
const UPLOAD: Site = Site::new("fastcgi-keep", Behind::canned(Wire::Fastcgi, BODY.len())).serving(8192);

/// Measures one server after the other.
///
/// # Errors
///
/// When anything does not start or answer, or closes a connection.
pub(crate) fn row(memory: &Memory) -> Result<Row> {
    Ok(Row {
        name: memory.name,
        unit: match memory.figure {
            Figure::Each => "KiB each",
            Figure::Left => "MiB in all",
        },
        clients: memory.clients,
        bridgehead: figure(Peer::Bridgehead, memory).context("bridgehead")?,
        nginx: figure(Peer::Nginx, memory).context("nginx")?,
    })
}

fn figure(peer: Peer, memory: &Memory) -> Result<f64> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let work = Work::start(&memory.site, dir.path())?;
    let server = Server::start(peer, &memory.site, &work, dir.path(), None)?;
    let processes = server.processes()?;
    let clients = |count| memory.state.clients(server.addr(), work.identity(), count);
    drop(clients(memory.warm_up)?);
    sleep(SETTLE);
    let before = usage::resident(&processes)?;
    let clients = clients(memory.clients)?;
    match memory.figure {
        Figure::Each => {
            sleep(SETTLE);
            let after = usage::resident(&processes)?;
            ensure!(
                usage::descriptors(&processes)? >= clients.len(),
                "not all connections are accepted"
            );
            resting::all_open(&clients)?;
            Ok(after.saturating_sub(before) as f64 / clients.len() as f64 / 1024.0)
        }
        Figure::Left => {
            drop(clients);
            sleep(GONE);
            Ok(usage::resident(&processes)? as f64 / 1024.0 / 1024.0)
        }
    }
}

const GONE: Duration = Duration::from_secs(15);
