//! The gateway and the servers of one case.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use testbed::{Backend, Client, Gateway, Kind, Options, Scripted};

use super::scripted;

/// What stands behind the gateway, and what the gateway is told about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Worker processes of each server.
    pub(crate) workers: usize,
    /// `max_connections` of the upstream.
    pub(crate) slots: usize,
    /// Listen backlog of each server, unless its own default.
    pub(crate) backlog: Option<usize>,
    /// The other endpoint.
    pub(crate) beside: Beside,
    /// Some requests of the ordinary load take long.
    pub(crate) long: bool,
}

/// What the second endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// There is none.
    Nothing,
    /// Another server of the same kind.
    Same,
    /// Reads requests and never answers.
    Silent,
    /// Closes before its answer is complete.
    Dying,
}

/// Everything that runs in a case. Dropping it ends all of it.
#[derive(Debug)]
pub(crate) struct Site {
    /// The servers.
    pub(crate) backends: Vec<Backend>,
    /// The other endpoint, when it is a scripted one.
    pub(crate) scripted: Option<Scripted>,
    /// The gateway as it was started.
    pub(crate) gateway: Gateway,
    layout: Layout,
    kind: Kind,
    dir: TempDir,
}

impl Layout {
    /// One server that has as many workers as the gateway has slots for it.
    pub(crate) const PLAIN: Self = Self {
        workers: 4,
        slots: 4,
        backlog: None,
        beside: Beside::Nothing,
        long: true,
    };
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
        let config = config(kind, layout, &addresses(&backends, scripted.as_ref()), 0);
        let gateway = Gateway::start(program, &config)?;
        Ok(Self {
            backends,
            scripted,
            gateway,
            layout,
            kind,
            dir,
        })
    }

    /// Where the load goes to, whichever process answers there.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr()
    }

    /// The file to which the application appends what it executes.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.path().join(LEDGER)
    }

    /// Requests that can be under way to one endpoint at once: as many as one fault of it can break.
    pub(crate) fn slots(&self) -> usize {
        self.layout.slots
    }

    /// Writes a configuration with another route, another upstream queue and the same endpoints.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn reconfigure(&self, generation: usize) -> Result<()> {
        let addresses = addresses(&self.backends, self.scripted.as_ref());
        self.gateway
            .write_config(&config(self.kind, self.layout, &addresses, generation))
    }

    /// The generation of the configuration by which the gateway answers.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub(crate) fn generation(&self) -> Result<usize> {
        let mut client = Client::connect(self.addr())?;
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

fn app() -> PathBuf {
    testbed::workspace().join("examples/apps/ledger")
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
        app: Some(app()),
        ..Options::default()
    }
}

fn addresses(backends: &[Backend], scripted: Option<&Scripted>) -> Vec<String> {
    let backends = backends.iter().map(Backend::address);
    let scripted = scripted.map(|scripted| format!("{} fail_timeout={FAIL_TIMEOUT}s", scripted.address()));
    backends.chain(scripted).collect()
}

/// Deadlines are those of an operator who wants to know after seconds, not minutes. The rest are the defaults.
fn config(kind: Kind, layout: Layout, endpoints: &[String], generation: usize) -> String {
    let handler = match kind {
        Kind::PhpFpm | Kind::PhpCgi => format!(
            "php = {{ upstream = \"app\", root = {:?}, front_controller = \"/index.php\" }}",
            app()
        ),
        _ => "proxy = { upstream = \"app\" }".to_owned(),
    };
    let head = if layout.beside == Beside::Silent {
        HEAD_TIMEOUT
    } else {
        PATIENCE
    };
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 4096\n\
         [upstream.app]\nprotocol = \"{protocol}\"\nprofile = \"{profile}\"\nendpoints = {endpoints:?}\n\
         max_connections = {slots}\nqueue = {{ size = {queue}, timeout = \"60s\" }}\n\
         timeouts = {{ connect = \"2s\", head = \"{head}s\" }}\n\
         [[route]]\npath = \"/ledger\"\n{handler}\n\
         [[route]]\npath = \"{GENERATION}\"\nrespond = {{ status = 200, body = \"{generation}\\n\" }}\n",
        protocol = kind.protocol(),
        profile = kind.profile(),
        slots = layout.slots,
        queue = QUEUE + generation / 2 % 2,
    )
}

/// Until a scripted endpoint that failed is tried again, in seconds.
pub(crate) const FAIL_TIMEOUT: u64 = 2;

/// Until an endpoint beside which there is a silent one has to answer, in seconds.
pub(crate) const HEAD_TIMEOUT: u64 = 2;

const PATIENCE: u64 = 20; // seconds to answer where nobody is silent
const LEDGER: &str = "ledger";
const GENERATION: &str = "/generation";
const QUEUE: usize = 8192; // requests; none of the cases may fill it
const LOG_LINES: usize = 6;
