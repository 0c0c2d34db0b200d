//! Instructions, counted by valgrind's callgrind.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::load::Load;
use super::scenario::{CLIENTS, PATH, Scenario};
use super::server::{Peer, Server};
use super::work::Work;

/// User-space instructions of one request: what [`MANY`] need more than [`FEW`], so that start, connections and end
/// do not count.
///
/// # Errors
///
/// When the server fails under valgrind.
pub(crate) fn instructions(peer: Peer, scenario: &Scenario, work: &Work) -> Result<f64> {
    let few = total(peer, scenario, work, FEW)?;
    let many = total(peer, scenario, work, MANY)?;
    Ok((many - few) / (MANY - FEW) as f64)
}

/// The command that has the rest of a line counted into the file `profile`.
pub(crate) fn words(profile: &Path) -> Vec<String> {
    let file = format!("--callgrind-out-file={}", profile.display());
    vec![PROGRAM.to_owned(), "--tool=callgrind".to_owned(), file]
}

/// All instructions of a server's life with `requests`. The profile stays in the target directory, for
/// `callgrind_annotate`.
fn total(peer: Peer, scenario: &Scenario, work: &Work, requests: usize) -> Result<f64> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory for callgrind")?;
    let kept = testbed::target_dir().join("bench");
    fs::create_dir_all(&kept).context("cannot make a directory for profiles")?;
    let profile = kept.join(format!("{}-{peer:?}.{requests}", scenario.name).to_lowercase());
    let server = Server::start(peer, scenario, work, dir.path(), Some(&profile))?;
    let load = Load {
        addr: server.addr(),
        path: PATH,
        clients: CLIENTS,
    };
    load.run(requests)?;
    server.stop()?;
    let text = fs::read_to_string(&profile).context("callgrind wrote nothing")?;
    summary(&text).context("callgrind wrote no summary")
}

fn summary(text: &str) -> Option<f64> {
    let totals = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    totals?.trim().parse().ok()
}

const FEW: usize = 500;
const MANY: usize = 2500;

/// Of Debian's valgrind.
pub(crate) const PROGRAM: &str = "/usr/bin/valgrind";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_last_line_of_totals() {
        assert_eq!(summary("summary: 5\nfn=x\n1 2\ntotals: 4711\n"), Some(4711.0));
        assert_eq!(summary("fn=x"), None);
    }
}
