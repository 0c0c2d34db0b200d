//! The start of a process.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

use super::config::AppConfig;
use super::helper::Orders;
use super::kind::{Paths, Plan};
use super::runtime_dir::RuntimeDir;
use super::socket::ListenSocket;
use super::supervisor::Id;
use crate::transport::account;

/// The program that becomes applications: see [`helper`](super::helper).
#[derive(Clone, Debug)]
pub struct Helper {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// All that a process is started with.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// Where its messages are expected.
    pub(super) notifications: PathBuf,
    /// The numbers of the user and the group that may send them, where they are not ours.
    pub(super) owner: Option<(u32, u32)>,
}

impl Helper {
    /// This very program: it has to call [`helper::run`](super::helper::run) with the last of its arguments when these
    /// are `arguments` and one more.
    pub fn ours(arguments: &[&str]) -> Self {
        Self {
            // Whatever has become of the file: this is what runs.
            program: "/proc/self/exe".into(),
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }
}

impl Prepared {
    /// Looks for the program and the user, and writes what is generated. To be called where waiting for the disk is
    /// allowed.
    pub(super) fn make(config: &AppConfig, id: Id, dir: &RuntimeDir) -> io::Result<Self> {
        let file = |what| dir.file(&config.name, id, what);
        let user = config.user.as_deref().map(account::user).transpose();
        let user = user.map_err(io::Error::other)?;
        let as_root = user.unwrap_or(geteuid().as_raw()) == 0;
        let paths = Paths {
            socket: file("sock"),
            configuration: file("conf"),
        };
        let plan = Plan::make(config, &paths, as_root);
        for (path, text) in &plan.files {
            fs::write(path, text)?;
        }
        Ok(Self {
            plan,
            notifications: file("notify"),
            owner: user
                .filter(|_| geteuid().is_root())
                .map(|user| (user, geteuid().as_raw())),
        })
    }

    /// Starts it. The process leads a group of its own, which all that it starts belongs to.
    pub(super) fn start(
        &self,
        config: &AppConfig,
        socket: &ListenSocket,
        helper: &Helper,
    ) -> io::Result<Child> {
        let orders = Orders {
            words: self.plan.words.clone(),
            directory: config.directory.clone(),
            user: config.user.clone(),
            group: config.group.clone(),
            umask: config.umask,
            nice: config.nice,
            files: config.limits.files.map(u64::from),
            memory: config.limits.memory,
            core: config.limits.core,
            has_socket: socket.descriptor().is_some(),
            is_activated: self.plan.is_activated,
            parent: std::process::id(),
            farewell: self.plan.stop.as_raw(),
        };
        let stdin = match socket.descriptor() {
            None => Stdio::null(),
            Some(socket) => socket.try_clone_to_owned()?.into(),
        };
        Command::new(&helper.program)
            .args(&helper.arguments)
            .arg(serde_json::to_string(&orders).map_err(io::Error::other)?)
            .env_clear()
            .envs(inherited(&config.pass_env))
            .envs(self.plan.env.iter().map(|(name, value)| (name, value)))
            .env("NOTIFY_SOCKET", &self.notifications)
            .envs(
                config
                    .env
                    .iter()
                    .map(|(name, value)| (name, OsStr::from_bytes(value.as_bytes()))),
            )
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }
}

/// The variables of our own that an application gets: what names no secrets and nothing of ours.
fn inherited(more: &[String]) -> impl Iterator<Item = (String, OsString)> {
    let names = PASSED.into_iter().map(str::to_owned).chain(more.iter().cloned());
    let set = names.filter_map(|name| env::var_os(&name).map(|value| (name, value)));
    let path = env::var_os("PATH")
        .is_none()
        .then(|| ("PATH".to_owned(), PATH.into()));
    set.chain(path)
}

const PASSED: [&str; 6] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// Where programs are looked for when nothing says it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
