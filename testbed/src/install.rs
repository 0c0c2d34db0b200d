//! Programs that a test puts somewhere to start them.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Copies `program` to `to`, where every user may run it.
///
/// # Errors
///
/// When it cannot be read or written.
pub fn install_program(program: &Path, to: &Path) -> Result<()> {
    install(program.as_os_str(), to, b"")
}

/// Writes a script to `to`, where every user may run it.
///
/// # Errors
///
/// When it cannot be written.
pub fn install_script(script: &str, to: &Path) -> Result<()> {
    install(OsStr::new("/dev/stdin"), to, script.as_bytes())
}

/// Has another process do the writing. A child that some other thread forks meanwhile would inherit our descriptor, and
/// the kernel starts no program that is open for writing (ETXTBSY, execve(2)).
fn install(from: &OsStr, to: &Path, input: &[u8]) -> Result<()> {
    let mut process = Command::new("install")
        .args(["-m", "755"])
        .args([from, to.as_os_str()])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run install(1)")?;
    let mut stdin = process.stdin.take().context("install(1) has no input")?;
    stdin.write_all(input).context("install(1) does not read")?;
    drop(stdin);
    let status = process.wait()?;
    ensure!(status.success(), "cannot write {}: {status}", to.display());
    Ok(())
}
