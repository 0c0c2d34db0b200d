//! The gateway and the servers of one case.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testbed::{Backend, Client, Gateway, Kind, Options, Scripted, Signal};

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

    /// The process that answers now: the one that was started, or a successor of it.
    ///
    /// # Errors
    ///
    /// When the pid file is missing.
    pub(crate) fn pid(&self) -> Result<u32> {
        let file = self.gateway.dir().join(PID_FILE);
        let text = fs::read_to_string(&file).context("the gateway has no pid file")?;
        text.trim().parse().context("pid file")
    }

    /// Sends a signal to the process that answers now.
    ///
    /// # Errors
    ///
    /// When it is gone, or is no gateway of ours.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid()?;
        ensure!(self.is_ours(pid), "the gateway {pid} is gone");
        testbed::signal_process(pid, signal)
    }

    /// The gateway's log, with its last lines only.
    pub(crate) fn errors(&self) -> String {
        let errors = self.gateway.errors();
        let lines: Vec<&str> = errors.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Whether the process still runs, and with our configuration.
    fn is_ours(&self, pid: u32) -> bool {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&self.gateway.dir().display().to_string())
    }
}

impl Drop for Site {
    /// A successor is no child of ours: it is asked, and then ended.
    fn drop(&mut self) {
        let Ok(pid) = self.pid() else { return };
        if pid == self.gateway.pid() {
            return; // its own value ends it
        }
        for (signal, patience) in [(Signal::TERM, STOP), (Signal::KILL, STOP)] {
            let end = Instant::now() + patience;
            if self.is_ours(pid) {
                let _ = testbed::signal_process(pid, signal); // gone is as good
            }
            while self.is_ours(pid) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// The program that is tested.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn build(is_release: bool) -> Result<PathBuf> {
    let mut command: Command = crate::step::cargo(&["build", "--package", "bridgehead"]);
    if is_release {
        command.arg("--release");
    }
    crate::step::run(&mut command, "mend what the compiler complains of")?;
    let profile = if is_release { "release" } else { "debug" };
    Ok(testbed::target_dir().join(profile).join("bridgehead"))
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
    backends.chain(scripted.map(Scripted::address)).collect()
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
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\npid_file = \"{{dir}}/{PID_FILE}\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\nbacklog = 4096\n\
         [upstream.app]\nprotocol = \"{protocol}\"\nprofile = \"{profile}\"\nendpoints = {endpoints:?}\n\
         max_connections = {slots}\nqueue = {{ size = {queue}, timeout = \"30s\" }}\n\
         timeouts = {{ connect = \"2s\", head = \"{head}\" }}\n\
         [[route]]\npath = \"/ledger\"\n{handler}\n\
         [[route]]\npath = \"{GENERATION}\"\nrespond = {{ status = 200, body = \"{generation}\\n\" }}\n",
        protocol = kind.protocol(),
        profile = kind.profile(),
        slots = layout.slots,
        queue = QUEUE + generation / 2 % 2,
        head = if layout.beside == Beside::Silent {
            "2s"
        } else {
            "20s"
        },
    )
}

const LEDGER: &str = "ledger";
const PID_FILE: &str = "pid";
const GENERATION: &str = "/generation";
const QUEUE: usize = 8192; // requests; none of the cases may fill it
const LOG_LINES: usize = 6;
const STOP: Duration = Duration::from_secs(5);
