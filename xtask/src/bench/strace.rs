//! System calls, counted by strace.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testbed::Signal;

use super::load::Load;
use super::usage;

/// System calls of a number of requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Calls {
    /// Name and calls per request, most frequent first.
    list: Vec<(String, f64)>,
}

impl Calls {
    /// Counts the calls of all threads of `processes` while `load` sends `requests`.
    ///
    /// # Errors
    ///
    /// When strace cannot be attached, or the load fails.
    pub(crate) fn count(processes: &[u32], load: &Load, requests: usize) -> Result<Self> {
        let dir = TempDir::with_prefix("bh-").context("cannot make a directory for strace")?;
        let file = dir.path().join("calls");
        let mut command = Command::new(PROGRAM);
        command.args(["-f", "-c", "-o"]).arg(&file);
        for id in processes {
            command.arg("-p").arg(id.to_string());
        }
        let mut tracer = Tracer(
            command
                .stderr(Stdio::null())
                .spawn()
                .context("cannot run strace")?,
        );
        tracer.wait_until_attached(processes)?;
        load.run(requests)?;
        tracer.end()?;
        let table = fs::read_to_string(&file).context("strace wrote nothing")?;
        Ok(Self::parse(&table, requests))
    }

    /// Calls that are input or output: everything but [`OTHER`].
    pub(crate) fn io(&self) -> f64 {
        self.inputs_and_outputs().map(|(_, count)| count).sum()
    }

    /// [`Calls::io`] without waiting for readiness. How many events one wait gives depends on how busy the server is.
    pub(crate) fn io_without_waits(&self) -> f64 {
        let calls = self.inputs_and_outputs();
        calls
            .filter(|(name, _)| !name.starts_with("epoll_wait"))
            .map(|(_, count)| count)
            .sum()
    }

    /// Those that matter, as `name count`.
    pub(crate) fn list(&self) -> String {
        let calls = self.list.iter().filter(|(_, count)| *count >= RARE);
        let words: Vec<String> = calls.map(|(name, count)| format!("{name} {count:.2}")).collect();
        words.join(", ")
    }

    fn inputs_and_outputs(&self) -> impl Iterator<Item = &(String, f64)> {
        let is_other = |name: &str| OTHER.iter().any(|other| name.starts_with(other));
        self.list.iter().filter(move |(name, _)| !is_other(name))
    }

    /// strace's table: `% time, seconds, usecs/call, calls, errors, syscall`; errors are left out when there are none.
    fn parse(table: &str, requests: usize) -> Self {
        let rows = table.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let count: f64 = fields.get(3)?.parse().ok()?;
            let name = fields.last().filter(|name| **name != "total")?;
            Some(((*name).to_owned(), count / requests as f64))
        });
        let mut list: Vec<_> = rows.collect();
        list.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        Self { list }
    }
}

/// A running strace; ended when dropped.
#[derive(Debug)]
struct Tracer(Child);

impl Tracer {
    fn wait_until_attached(&mut self, processes: &[u32]) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !processes.iter().all(|id| usage::is_traced(*id)) {
            let status = self.0.try_wait()?;
            ensure!(
                status.is_none(),
                "strace ended early; may this user trace processes? See /proc/sys/kernel/yama/ptrace_scope"
            );
            ensure!(
                Instant::now() < deadline,
                "strace is not attached after {LIMIT:?}"
            );
            sleep(POLL);
        }
        Ok(())
    }

    /// Detaches and has the table written.
    fn end(&mut self) -> Result<()> {
        testbed::signal(&self.0, Signal::INT)?;
        self.0.wait().context("cannot wait for strace")?;
        Ok(())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Calls that move no data: locks, time, scheduling and memory.
const OTHER: [&str; 4] = ["futex", "clock", "sched", "madvise"];

const RARE: f64 = 0.005; // calls per request that the list leaves out

/// Of Debian's strace.
pub(crate) const PROGRAM: &str = "/usr/bin/strace";

const LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.500000          10      4000           sendto
 25.00    0.250000          10      8000       100 recvfrom
 20.00    0.250000          10      1000           epoll_wait
  5.00    0.050000          10      2000         7 futex
------ ----------- ----------- --------- --------- ----------------
100.00    1.050000          10     15000       107 total
";

    #[test]
    fn the_table_is_read_with_and_without_errors() {
        let calls = Calls::parse(TABLE, 4000);
        assert_eq!(
            calls.list(),
            "recvfrom 2.00, sendto 1.00, futex 0.50, epoll_wait 0.25"
        );
        assert_eq!((calls.io(), calls.io_without_waits()), (3.25, 3.0));
    }
}
