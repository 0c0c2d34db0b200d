//! The tools that measuring needs.

use std::path::Path;

use anyhow::{Result, ensure};

/// Looks for nginx, strace and valgrind. The application servers are looked for when they are started.
///
/// # Errors
///
/// When one is missing, with the line that installs it.
pub(crate) fn tools() -> Result<()> {
    let missing: Vec<&str> = TOOLS
        .iter()
        .filter(|(program, _)| !Path::new(program).exists())
        .map(|(_, package)| *package)
        .collect();
    let list = missing.join(" ");
    ensure!(
        missing.is_empty(),
        "missing: {list}; install with: apt-get install -y --no-install-recommends {list}"
    );
    Ok(())
}

/// Programs and the packages of Debian 12 that hold them.
const TOOLS: [(&str, &str); 3] = [
    (super::nginx::PROGRAM, "nginx-light"),
    (super::strace::PROGRAM, "strace"),
    (super::callgrind::PROGRAM, "valgrind"),
];
