//! How a process ended, in words.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The end of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// It ended by itself.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// Its number.
        number: i32,
        /// Whether there is a core dump.
        core: bool,
        /// Whether the kernel's out-of-memory killer sent it, as the counters of the control group tell.
        out_of_memory: bool,
    },
    /// There never was a process.
    NotStarted(String),
}

impl Exit {
    /// From what wait(2) says. `out_of_memory`: the kernel has killed something of the control group meanwhile.
    pub(super) fn new(status: ExitStatus, out_of_memory: bool) -> Self {
        match status.signal() {
            Some(number) => Self::Signal {
                number,
                core: status.core_dumped(),
                out_of_memory: out_of_memory && number == KILL,
            },
            None => Self::Code(status.code().unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal {
                out_of_memory: true, ..
            } => f.write_str("killed by the kernel: out of memory (oom_kill in memory.events)"),
            Self::Signal { number, core, .. } => {
                let core = if *core { ", core dumped" } else { "" };
                write!(f, "signal {number} ({}){core}", name(*number))
            }
            Self::NotStarted(why) => write!(f, "not started: {why}"),
        }
    }
}

/// What signal(7) calls it.
fn name(number: i32) -> &'static str {
    let known = NAMES.iter().find(|(known, _)| *known == number);
    known.map_or("unknown", |(_, name)| name)
}

const KILL: i32 = 9;

/// The same numbers on all systems but for BUS, which is Linux's.
const NAMES: [(i32, &str); 12] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_names() {
        let told = |raw, memory| Exit::new(ExitStatus::from_raw(raw), memory).to_string();
        assert_eq!(told(3 << 8, false), "exit status 3");
        assert_eq!(told(11 | 0x80, false), "signal 11 (SIGSEGV), core dumped");
        assert_eq!(told(9, false), "signal 9 (SIGKILL)");
        assert_eq!(told(15, true), "signal 15 (SIGTERM)");
        assert!(told(9, true).contains("out of memory"));
    }
}
