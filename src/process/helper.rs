//! This program in the role between fork and exec: it becomes what the application is to be, and then the application.
//!
//! [`Orders`] come as one word of the command line, the variables of the application as its own, the listening socket as
//! its standard input. What fails is said on standard error, which the gateway reads.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::unistd::{self, Gid, Uid};
use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{self, Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};

use super::kind::LISTEN_FD;
use crate::transport::account;

/// What the helper has to do.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Orders {
    /// The words of the command line, the program first.
    pub(super) words: Vec<OsString>,
    pub(super) directory: PathBuf,
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) umask: Option<u32>,
    pub(super) nice: Option<i32>,
    pub(super) files: Option<u64>,
    pub(super) memory: Option<u64>,
    pub(super) core: Option<u64>,
    /// Whether standard input is the listening socket.
    pub(super) has_socket: bool,
    /// Whether the application looks for it as one of a service manager (sd_listen_fds(3)).
    pub(super) is_activated: bool,
    /// The gateway: when it dies, `farewell` is sent to the application.
    pub(super) parent: u32,
    /// The number of a signal.
    pub(super) farewell: i32,
}

/// A step that the helper could not take.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}{help}")]
struct HelperError {
    what: String,
    error: String,
    help: &'static str,
}

/// Obeys the orders in `text`, and becomes the application. Gives an exit code when that cannot be.
pub fn run(text: &str) -> ExitCode {
    let orders = match serde_json::from_str::<Orders>(text) {
        Ok(orders) => orders,
        Err(error) => return tell(&failed("the orders of the gateway", error, ""), NOT_RUN),
    };
    let Err(error) = obey(&orders);
    let code = if error.what.starts_with(EXEC) {
        NOT_FOUND
    } else {
        NOT_RUN
    };
    tell(&error, code)
}

fn tell(error: &HelperError, code: u8) -> ExitCode {
    // Nothing can be told when stderr is closed.
    let _ = writeln!(io::stderr(), "{error}");
    code.into()
}

fn obey(orders: &Orders) -> Result<Infallible, HelperError> {
    let socket = descriptors(orders)?;
    limits(orders)?;
    let home = become_user(orders)?;
    watch_parent(orders)?;
    std::env::set_current_dir(&orders.directory).map_err(|error| {
        let what = format!("cannot change to the directory {}", orders.directory.display());
        failed(&what, error, "; the key is `directory`")
    })?;
    let (program, arguments) = orders
        .words
        .split_first()
        .ok_or_else(|| failed("cannot start the application", "no program", ""))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if socket.is_some() && orders.is_activated {
        command
            .env("LISTEN_FDS", "1")
            .env("LISTEN_PID", std::process::id().to_string());
    }
    for (name, value) in home {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let error = command.exec();
    let what = format!("{EXEC}{}", program.display());
    Err(failed(&what, error, "; the key `program` names another one"))
}

/// Puts the socket where the application looks for it. Nothing is to be read from standard input.
fn descriptors(orders: &Orders) -> Result<Option<OwnedFd>, HelperError> {
    let descriptors = |error: io::Error| failed("cannot pass the listening socket on", error, "");
    let socket = match orders.has_socket {
        true => Some(pass(&io::stdin()).map_err(descriptors)?),
        false => None,
    };
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let null = null.map_err(|error| failed("cannot open /dev/null", error, ""))?;
    rustix::stdio::dup2_stdin(&null).map_err(|error| descriptors(error.into()))?;
    Ok(socket)
}

fn pass(stdin: &io::Stdin) -> io::Result<OwnedFd> {
    let socket = fcntl_dupfd_cloexec(stdin, LISTEN_FD)?;
    if socket.as_raw_fd() != LISTEN_FD {
        let number = socket.as_raw_fd();
        return Err(io::Error::other(format!(
            "descriptor {LISTEN_FD} is taken, {number} was free"
        )));
    }
    fcntl_setfd(&socket, FdFlags::empty())?;
    Ok(socket)
}

/// As root, where it is: no other user may raise a limit or its priority.
fn limits(orders: &Orders) -> Result<(), HelperError> {
    let wanted = [
        (Resource::Nofile, orders.files, "limits.files"),
        (Resource::As, orders.memory, "limits.memory"),
        (Resource::Core, orders.core, "limits.core"),
    ];
    for (resource, most, key) in wanted {
        if let Some(most) = most {
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            process::setrlimit(resource, limit)
                .map_err(|error| failed(&format!("cannot set `{key}` to {most}"), error, ""))?;
        }
    }
    if let Some(nice) = orders.nice {
        let help = "; only root, or a process with CAP_SYS_NICE, may lower it";
        process::setpriority_process(None, nice)
            .map_err(|error| failed(&format!("cannot set `nice` to {nice}"), error, help))?;
    }
    if let Some(umask) = orders.umask {
        process::umask(Mode::from_raw_mode(umask));
    }
    Ok(())
}

/// Becomes the user; gives the variables that a login would set.
fn become_user(orders: &Orders) -> Result<Vec<(&'static str, OsString)>, HelperError> {
    let unknown = |error: account::AccountError| failed("the account", error, "");
    let known = orders
        .user
        .as_deref()
        .map(account::known)
        .transpose()
        .map_err(unknown)?
        .flatten();
    let uid = orders
        .user
        .as_deref()
        .map(account::user)
        .transpose()
        .map_err(unknown)?;
    let gid = orders
        .group
        .as_deref()
        .map(account::group)
        .transpose()
        .map_err(unknown)?;
    let gid = gid.or(known.as_ref().map(|user| user.gid.as_raw()));
    let is_changed = uid.is_some_and(|uid| uid != unistd::geteuid().as_raw())
        || gid.is_some_and(|gid| gid != unistd::getegid().as_raw());
    if is_changed {
        let Some(gid) = gid else {
            return Err(failed(
                "the user has no name and so no group",
                "name a `group`, too",
                "",
            ));
        };
        let name = known
            .as_ref()
            .and_then(|user| CString::new(user.name.clone()).ok());
        let group = Gid::from_raw(gid);
        match &name {
            Some(name) => unistd::initgroups(name, group),
            None => unistd::setgroups(&[group]),
        }
        .and_then(|()| unistd::setgid(group))
        .and_then(|()| uid.map_or(Ok(()), |uid| unistd::setuid(Uid::from_raw(uid))))
        .map_err(|error| failed("cannot become the `user` and `group`", error, ROOT))?;
    }
    Ok(known.map_or_else(Vec::new, |user| {
        vec![
            ("HOME", user.dir.into_os_string()),
            ("USER", user.name.clone().into()),
            ("LOGNAME", user.name.into()),
        ]
    }))
}

/// The application does not outlive a gateway that is killed. The kernel forgets this when the user changes: it comes after.
fn watch_parent(orders: &Orders) -> Result<(), HelperError> {
    let signal = Signal::from_named_raw(orders.farewell).unwrap_or(Signal::TERM);
    process::set_parent_process_death_signal(Some(signal))
        .map_err(|error| failed("cannot ask for a signal at the gateway's end", error, ""))?;
    let parent = process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    match parent == Some(orders.parent) {
        true => Ok(()),
        false => Err(failed("the gateway has ended", "nothing to start for", "")),
    }
}

fn failed(what: &str, error: impl ToString, help: &'static str) -> HelperError {
    HelperError {
        what: what.to_owned(),
        error: error.to_string(),
        help,
    }
}

/// The subcommand of this program that is the helper; its one argument is for [`run`].
pub const COMMAND: &str = "become-app";

/// As shells have it.
const NOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

const EXEC: &str = "cannot start ";

const ROOT: &str =
    "; only a gateway that runs as root, without `user` in [server], can start applications as others";
