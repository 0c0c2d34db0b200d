//! The program under test, for what is no test of its own package.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::place;

/// Builds `bridgehead` as it is in the source tree, and gives its path.
///
/// # Errors
///
/// When it does not compile.
pub fn bridgehead() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // With the tests of the workspace the dependencies have the features that they have in all tests; `cargo build`
    // would compile most of them once more.
    let status = Command::new(cargo)
        .args(["test", "--quiet", "--no-run", "--workspace", "--test", "check"])
        .current_dir(place::workspace())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "bridgehead does not compile, see above");
    Ok(place::target_dir().join("debug/bridgehead"))
}
