//! The gateway and the servers of one case.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use testbed::{Backend, Client, Gateway, Kind, Options, Scripted};

use super::configuration::{self, FAIL_TIMEOUT, GENERATION};
use super::identity::Identity;
use super::layout::{Beside, Layout};
use super::link::Target;
use super::relay::Relay;
use super::scripted;

/// Everything that runs in a case. Dropping it ends all of it.
pub(crate) struct Site {
    /// The servers.
    pub(crate) backends: Vec<Backend>,
    /// The other endpoint, when it is a scripted one.
    pub(crate) scripted: Option<Scripted>,
    /// What stands before the only server and counts.
    pub(crate) relay: Option<Relay>,
    /// What the gateway shows its clients.
    pub(crate) identity: Option<Identity>,
    /// The gateway as it was started.
    pub(crate) gateway: Gateway,
    layout: Layout,
    kind: Kind,
    dir: TempDir,
}

impl Site {
    /// Starts the servers, then the gateway in front of them.
    ///
    /// # Errors
    ///
    /// When one of them does not start; the error holds its log.
    pub(crate) fn start(kind: Kind, layout: Layout, program: &Path) -> Result<Self> {
        let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
        let options = options(kind, layout, &dir.path().join(LEDGER));
        let count = if layout.beside == Beside::Same { 2 } else { 1 };
        let backends: Vec<Backend> = (0..count).map(|_| kind.start(&options)).collect::<Result<_>>()?;
        let scripted = match layout.beside {
            Beside::Nothing | Beside::Same => None,
            Beside::Silent => Some(scripted::silent(kind)?),
            Beside::Dying => Some(scripted::dying(kind)?),
        };
        let relay = || Relay::start(dir.path().join("relay"), backends[0].socket());
        let relay = layout.counted.then(relay).transpose()?;
        let endpoints = addresses(&backends, scripted.as_ref(), relay.as_ref());
        let identity = layout.secured.then(|| Identity::new(dir.path())).transpose()?;
        let text = configuration::text(kind, layout, &endpoints, identity.as_ref(), 0);
        let gateway = Gateway::start(program, &text)?;
        Ok(Self {
            backends,
            scripted,
            relay,
            identity,
            gateway,
            layout,
            kind,
            dir,
        })
    }

    /// The address of the gateway, whichever process answers there.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr()
    }

    /// Where the load goes to.
    ///
    /// # Errors
    ///
    /// When its clients cannot be told what to believe.
    pub(crate) fn target(&self) -> Result<Target> {
        match &self.identity {
            None => Ok(Target::clear(self.addr())),
            Some(identity) => identity.target(self.addr()),
        }
    }

    /// The file to which the application appends what it executes.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.path().join(LEDGER)
    }

    /// Requests that can be under way to one endpoint at once: as many as one fault of it can break.
    pub(crate) fn slots(&self) -> usize {
        self.layout.slots
    }

    /// Writes another configuration with the same endpoints: with another route, and what the layout says.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn reconfigure(&self, generation: usize) -> Result<()> {
        let endpoints = addresses(&self.backends, self.scripted.as_ref(), self.relay.as_ref());
        let identity = self.identity.as_ref();
        let text = configuration::text(self.kind, self.layout, &endpoints, identity, generation);
        self.gateway.write_config(&text)
    }

    /// The generation of the configuration by which the gateway answers.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub(crate) fn generation(&self) -> Result<usize> {
        let mut client = match &self.identity {
            None => Client::connect(self.addr())?,
            Some(identity) => Client::connect_tls(self.addr(), &identity.visitor()?)?,
        };
        let answer = client.request("GET", GENERATION, &[("Connection", "close")], b"")?;
        answer.text().trim().parse().context("no generation")
    }

    /// The gateway's log, with its last lines only.
    pub(crate) fn errors(&self) -> String {
        let errors = self.gateway.errors();
        let lines: Vec<&str> = errors.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

/// The program that is tested.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn build(is_release: bool) -> Result<PathBuf> {
    if !is_release {
        return testbed::bridgehead();
    }
    let mut command = crate::step::cargo(&["build", "--package", "bridgehead", "--release"]);
    crate::step::run(&mut command, "mend what the compiler complains of")?;
    Ok(testbed::target_dir().join("release/bridgehead"))
}

fn options(kind: Kind, layout: Layout, ledger: &Path) -> Options {
    let ledger = ledger.display().to_string();
    let mut extra = Vec::new();
    if kind == Kind::PhpFpm {
        extra.push(format!("env[LEDGER] = {ledger}"));
    }
    if let Some(backlog) = layout.backlog {
        extra.push(match kind {
            Kind::PhpFpm => format!("listen.backlog = {backlog}"),
            Kind::GunicornHttp | Kind::GunicornUwsgi => format!("--backlog={backlog}"),
            _ => format!("--listen={backlog}"),
        });
    }
    Options {
        workers: layout.workers,
        extra,
        env: vec![("LEDGER".to_owned(), ledger)],
        app: Some(configuration::app()),
        ..Options::default()
    }
}

fn addresses(backends: &[Backend], scripted: Option<&Scripted>, relay: Option<&Relay>) -> Vec<String> {
    if let Some(relay) = relay {
        return vec![relay.address()];
    }
    let backends = backends.iter().map(Backend::address);
    let scripted = scripted.map(|scripted| format!("{} fail_timeout={FAIL_TIMEOUT}s", scripted.address()));
    backends.chain(scripted).collect()
}

const LEDGER: &str = "ledger";
const LOG_LINES: usize = 6;
