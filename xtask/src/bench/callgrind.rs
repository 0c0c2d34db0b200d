//! Instructions, counted by valgrind's callgrind.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::load::Load;
use super::server::Server;

/// User-space instructions of one request: what [`MANY`] need more than [`FEW`], so that start, connections and end
/// do not count; of both so many times less as a request is `worth` more than an ordinary one. `start` starts the server
/// with a directory for itself and a file for its profile, which is kept in the target directory under `name`, for
/// `callgrind_annotate`.
///
/// # Errors
///
/// When the server fails under valgrind.
pub(crate) fn instructions(
    name: &str,
    start: impl Fn(&Path, &Path) -> Result<Server>,
    load: impl Fn(&Server) -> Result<Load>,
    worth: usize,
) -> Result<f64> {
    let (few, many) = (FEW / worth, MANY / worth);
    let total = |requests| total(&format!("{name}.{requests}"), &start, &load, requests);
    Ok((total(many)? - total(few)?) / (many - few) as f64)
}

/// All instructions of a server's life with `requests`.
fn total(
    name: &str,
    start: impl Fn(&Path, &Path) -> Result<Server>,
    load: impl Fn(&Server) -> Result<Load>,
    requests: usize,
) -> Result<f64> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory for callgrind")?;
    let kept = testbed::target_dir().join("bench");
    fs::create_dir_all(&kept).context("cannot make a directory for profiles")?;
    let profile = kept.join(name);
    let server = start(dir.path(), &profile)?;
    load(&server)?.run(requests)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_last_line_of_totals() {
        assert_eq!(summary("summary: 5\nfn=x\n1 2\ntotals: 4711\n"), Some(4711.0));
        assert_eq!(summary("fn=x"), None);
    }
}
