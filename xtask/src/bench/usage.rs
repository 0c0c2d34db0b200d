//! What the kernel says about a process: `/proc`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A process and its children.
///
/// # Errors
///
/// When it has ended.
pub(crate) fn family(id: u32) -> Result<Vec<u32>> {
    let text = read(id, &format!("task/{id}/children"))?;
    let children = text.split_whitespace().filter_map(|id| id.parse().ok());
    Ok([id].into_iter().chain(children).collect())
}

/// CPU time of processes so far, in seconds: user and system.
///
/// # Errors
///
/// When one has ended.
pub(crate) fn cpu(processes: &[u32]) -> Result<f64> {
    let mut ticks = 0;
    for id in processes {
        ticks += ticks_of(&read(*id, "stat")?).context("/proc/PID/stat is not as expected")?;
    }
    Ok(ticks as f64 / TICKS)
}

/// Resident memory of processes, in bytes.
///
/// # Errors
///
/// When one has ended.
pub(crate) fn resident(processes: &[u32]) -> Result<u64> {
    let mut kib = 0;
    for id in processes {
        kib += field(&read(*id, "status")?, "VmRSS:").context("no VmRSS")?;
    }
    Ok(kib * 1024)
}

/// Open files and sockets of processes.
///
/// # Errors
///
/// When one has ended.
pub(crate) fn descriptors(processes: &[u32]) -> Result<usize> {
    let mut count = 0;
    for id in processes {
        let directory = format!("/proc/{id}/fd");
        count += fs::read_dir(&directory)
            .with_context(|| format!("cannot read {directory}"))?
            .count();
    }
    Ok(count)
}

/// Whether every thread of a process is traced.
pub(crate) fn is_traced(id: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let mut traced = threads.map(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        field(&status, "TracerPid:").is_some_and(|tracer| tracer != 0)
    });
    traced.all(|traced| traced)
}

fn ticks_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?; // the name before it may hold anything
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

fn read(id: u32, name: &str) -> Result<String> {
    let path = Path::new("/proc").join(id.to_string()).join(name);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

const TICKS: f64 = 100.0; // USER_HZ, the same on every Linux that we run on

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_found_behind_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 13 14";
        assert_eq!(ticks_of(stat), Some(42));
        assert_eq!(ticks_of("7 (a"), None);
    }

    #[test]
    fn we_ourselves_can_be_asked() {
        let us = [std::process::id()];
        assert!(resident(&us).unwrap() > 0);
        assert!(cpu(&us).unwrap() >= 0.0);
        assert!(descriptors(&us).unwrap() > 0);
        assert_eq!(family(us[0]).unwrap()[0], us[0]);
    }
}
