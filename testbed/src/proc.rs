//! What the kernel says about processes and sockets, and what it is asked to do with them.

use std::fs;
use std::path::Path;
use std::process::Child;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

/// Sends `signal` to a process that the caller started and has not waited for.
///
/// # Errors
///
/// When the kernel refuses.
pub fn signal(process: &Child, signal: Signal) -> Result<()> {
    kill_process(Pid::from_child(process), signal).with_context(|| format!("cannot signal {}", process.id()))
}

/// Sends `signal` to a process that is no child of the caller, which knows by other means that it is still the one.
///
/// # Errors
///
/// When there is no such process, or the kernel refuses.
pub(crate) fn signal_process(id: u32, signal: Signal) -> Result<()> {
    let process = i32::try_from(id).ok().and_then(Pid::from_raw);
    let process = process.with_context(|| format!("{id} is no process id"))?;
    kill_process(process, signal).with_context(|| format!("cannot signal {id}"))
}

/// Raises the soft limit of open files, ours and that of the processes we start, to at least `count`.
///
/// # Errors
///
/// When the hard limit is lower.
pub fn allow_descriptors(count: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    ensure!(
        maximum.is_none_or(|maximum| maximum >= count),
        "{count} open files are needed; raise the hard limit with `ulimit -Hn {count}`"
    );
    let limit = Rlimit {
        current: Some(count),
        maximum,
    };
    setrlimit(Resource::Nofile, limit).context("cannot raise the limit of open files")
}

/// Whether we are root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The processes of `group`, without those that have ended and only wait to be reaped.
pub(crate) fn members(group: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| live_group(*id) == Some(group)).collect()
}

/// Whether somebody listens on the unix socket `path`. The kernel's table answers that; a trial connection would be
/// a request to the server, which Gunicorn answers with an error page and a line in its log.
pub fn is_listening(path: &Path) -> bool {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    table.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(3);
        fields.next() == Some(ACCEPTS) && fields.nth(3).is_some_and(|name| Path::new(name) == path)
    })
}

/// Whether process `id` has a handler for `signal`; without one the signal would end it.
pub(crate) fn catches(id: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigCgt:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// The process group of process `id`, unless that has ended or is a zombie.
fn live_group(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?; // the name before it may hold anything
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(group)
}

const ACCEPTS: &str = "00010000"; // __SO_ACCEPTCON in the flags column of /proc/net/unix
