//! Large bodies, up and down.

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::channel::Security;
use super::load::{Connections, Load};
use super::pairs::{self, Cpu};
use super::resting::upload;
use super::scenario::Fields;
use super::server::{Peer, Server};
use super::site::{BODY, Behind, Site, Wire};
use super::usage;
use super::work::Work;

/// One kind of transfer.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// What the report and the command line call it.
    pub(crate) name: &'static str,
    site: Site,
    body: Body,
}

/// Where the large body is, and its length in bytes.
#[derive(Clone, Copy, Debug)]
enum Body {
    Answer(usize),
    Request(usize),
}

/// What a transfer costs both servers.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Name of the scenario.
    pub(crate) name: &'static str,
    /// CPU time of one transfer.
    pub(crate) cpu: Cpu,
}

/// Every scenario, in the order of the report.
pub(crate) const ALL: [Transfer; 5] = [
    down("large-file", "file", Behind::File(DOWN)),
    down(
        "large-fastcgi",
        "fastcgi-keep",
        Behind::canned(Wire::Fastcgi, DOWN),
    ),
    down("large-http", "http-keep", Behind::canned(Wire::Http, DOWN)),
    up("upload-fastcgi", "fastcgi-keep", Wire::Fastcgi),
    up("upload-http", "http-keep", Wire::Http),
];

const fn down(name: &'static str, config: &'static str, backend: Behind) -> Transfer {
    Transfer {
        name,
        site: Site::new(config, backend),
        body: Body::Answer(DOWN),
    }
}

const fn up(name: &'static str, config: &'static str, wire: Wire) -> Transfer {
    Transfer {
        name,
        site: Site::new(config, Behind::canned(wire, BODY.len())),
        body: Body::Request(UP),
    }
}

/// Measures both servers, with as many bytes in each pass as `requests` have at [`SHARE`] each.
///
/// # Errors
///
/// When anything does not start or answer.
pub(crate) fn row(transfer: &Transfer, requests: usize) -> Result<Row> {
    let Transfer { name, site, body } = transfer;
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let peer_dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let our_work = Work::start(site, dir.path())?;
    let their_work = Work::start(site, peer_dir.path())?;
    let ours = Server::start(Peer::Bridgehead, site, &our_work, dir.path(), None)?;
    let theirs = Server::start(Peer::Nginx, site, &their_work, dir.path(), None)?;
    let count = body.count(requests);
    let pass = |server: &Server| {
        let processes = server.processes()?;
        let before = usage::cpu(&processes)?;
        body.load(server).run(count)?;
        Ok((usage::cpu(&processes)? - before) / count as f64)
    };
    let cpu = pairs::cpu(|| pass(&ours), || pass(&theirs))?;
    Ok(Row { name, cpu })
}

impl Body {
    fn count(self, requests: usize) -> usize {
        let (Self::Answer(size) | Self::Request(size)) = self;
        (requests * SHARE / size).max(1)
    }

    fn load(self, server: &Server) -> Load {
        let (request, answer) = match self {
            Self::Answer(size) => (Fields::Host.request().into_bytes(), size),
            Self::Request(size) => (upload(size), BODY.len()),
        };
        Load {
            addr: server.addr(),
            request,
            answer: answer as u64,
            is_gzip: false,
            clients: CLIENTS,
            connections: Connections::Kept,
            security: Security::Clear,
        }
    }
}

const DOWN: usize = 100 * 1024 * 1024; // bytes
const UP: usize = 10 * 1024 * 1024; // bytes
const SHARE: usize = 84_000; // bytes; with the usual 20,000 requests 16 downloads, or 160 uploads
const CLIENTS: usize = 4; // as many connections

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_pass_follow_the_requests() {
        assert_eq!(Body::Answer(DOWN).count(20_000), 16);
        assert_eq!(Body::Request(UP).count(20_000), 160);
        assert_eq!(Body::Answer(DOWN).count(1), 1);
    }
}
