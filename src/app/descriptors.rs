//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::frontend::FrontendConfig;

/// Raises the limit as far as the process may. The soft limit is low for the sake of programs that use select(2); we do
/// not.
pub fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// As many of `wanted` client connections as there can be, with a warning when these are fewer.
pub(super) fn connection_limit(wanted: usize) -> usize {
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let most = possible(limit);
    // The default was not asked for.
    if wanted > most && wanted != FrontendConfig::MAX_CONNECTIONS {
        tracing::warn!(
            max_connections = wanted,
            files = limit,
            possible = most,
            "max_connections is more than the limit of open files allows"
        );
    }
    wanted.min(most)
}

/// Every client may need a connection to an application, or a file; and some are for ourselves.
fn possible(limit: u64) -> usize {
    let rest = limit.saturating_sub(OURS) / 2;
    usize::try_from(rest).unwrap_or(usize::MAX).max(1)
}

/// Listeners, logs, roots, the runtime: generously.
const OURS: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_may_need_two_files() {
        assert_eq!(possible(1024), 480);
        assert_eq!(possible(20_064), 10_000);
        assert_eq!(possible(10), 1);
    }
}
