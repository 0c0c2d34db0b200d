//! `cargo xtask guard`: what a request costs on the core paths, against what is committed. It counts instructions and
//! system calls, never time, so that a busy machine changes nothing.

mod limits;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::bench::channel::Security;
use crate::bench::load::{Connections, Load};
use crate::bench::scenario::Fields;
use crate::bench::server::{self, Server};
use crate::bench::site::{BODY, Behind, Canned, Content, Site, Wire};
use crate::bench::strace::Calls;
use crate::bench::work::Work;
use crate::bench::{self, callgrind};
use crate::debian::{self, Consent};
use crate::step;
use limits::{Cost, Limits};

/// Compares every path with its limit, or with `--write` makes what is measured the limit.
///
/// # Errors
///
/// When a path costs more than its limit allows, a tool is missing, or Bridgehead does not answer as it should.
pub(crate) fn run(arguments: &[String], consent: Consent) -> Result<()> {
    let writes = match arguments {
        [] => false,
        [option] if option == "--write" => true,
        _ => bail!("usage: cargo xtask guard [--write]"),
    };
    debian::ensure(&bench::packages::TOOLS, consent)?;
    step::named("guard build", || bench::build(PROFILE))?;
    let costs = PATHS.iter().map(|path| {
        let cost = step::named(path.name, || path.cost())?;
        Ok((path.name.to_owned(), cost))
    });
    let measured = Limits::new(costs.collect::<Result<_>>()?);
    let file = testbed::workspace().join("benches/limits.txt");
    if writes {
        fs::write(&file, measured.text()).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", measured.text());
        return Ok(());
    }
    let text = fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read {}; `cargo xtask guard --write` makes it",
            file.display()
        )
    })?;
    let limits = Limits::parse(&text).with_context(|| file.display().to_string())?;
    println!("{}", limits.table(&measured));
    limits.check(&measured)
}

/// A path through Bridgehead, with one of the bench's configurations.
struct Core {
    name: &'static str,
    site: Site,
}

impl Core {
    const fn new(name: &'static str, backend: Behind) -> Self {
        Self {
            name,
            site: Site::new(name, backend).alone(),
        }
    }

    fn cost(&self) -> Result<Cost> {
        let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
        let work = Work::start(&self.site, dir.path())?;
        let program = server::program(PROFILE);
        let start = |dir: &Path, profile: Option<&Path>| {
            Server::bridgehead(&program, &self.site, &work, dir, profile)
        };
        let calls = {
            let server = start(dir.path(), None)?;
            let load = load(&server);
            load.run(WARM_UP)?;
            Calls::count(&server.processes()?, &load, CALLS)?.io_without_waits()
        };
        let name = format!("guard-{}", self.name);
        let start = |dir: &Path, profile: &Path| start(dir, Some(profile));
        let instructions = callgrind::instructions(&name, start, |server| Ok(load(server)), 1)?;
        Ok(Cost { instructions, calls })
    }
}

fn load(server: &Server) -> Load {
    Load {
        addr: server.addr(),
        request: Fields::Host.request().into_bytes(),
        answer: BODY.len() as u64,
        is_gzip: false,
        clients: CLIENTS,
        connections: Connections::Kept,
        security: Security::Clear,
    }
}

/// The paths. The backends are our own: neither their speed nor their packages matter.
const PATHS: [Core; 5] = [
    Core::new("fixed", Behind::Nothing),
    Core::new("fastcgi-keep", canned(Wire::Fastcgi)),
    Core::new("fastcgi-close", canned(Wire::Fastcgi)),
    Core::new("uwsgi-close", canned(Wire::Uwsgi)),
    Core::new("http-keep", canned(Wire::Http)),
];

const fn canned(wire: Wire) -> Behind {
    Behind::Canned(Canned {
        wire,
        size: BODY.len(),
        pause: PAUSE,
        kind: Content::Hello,
    })
}

const PROFILE: &str = "guard"; // of Cargo.toml
const CLIENTS: usize = 1; // and one worker: nothing depends on which event comes first
const PAUSE: Duration = Duration::from_micros(500); // until Bridgehead waits for the answer, also under valgrind
const WARM_UP: usize = 80; // requests: every connection to a backend is open
const CALLS: usize = 2000; // requests under strace
