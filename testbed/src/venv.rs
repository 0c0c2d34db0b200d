//! The Python virtual environment with Flask and Gunicorn.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{Kind, app_dir, packages, target_dir};

/// Where the virtual environment is, made or not: `venv` in the target directory.
pub fn venv() -> PathBuf {
    target_dir().join("venv")
}

/// Makes the virtual environment unless it already holds what `examples/apps/flask/requirements.txt` asks for, was made
/// where it is, and its interpreter starts. Processes that call this at the same time wait for one another.
///
/// # Errors
///
/// When python3-venv is missing (the error holds the line that installs it) or pip fails (the error holds what it
/// printed).
pub fn ensure_venv() -> Result<PathBuf> {
    let venv = venv();
    let requirements = app_dir(Kind::GunicornHttp).join("requirements.txt");
    let wanted = fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    fs::create_dir_all(target_dir()).context("cannot make the target directory")?;
    let lock = File::create(target_dir().join("venv.lock")).context("cannot make venv.lock")?;
    lock.lock().context("cannot lock venv.lock")?;
    let stamp = venv.join("requirements.stamp");
    // Its scripts begin with the path of the interpreter, so a moved environment is of no use.
    let wanted = format!("{}\n{wanted}", venv.display());
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && starts(&venv) {
        return Ok(venv);
    }
    make(&venv, &requirements)?;
    fs::write(&stamp, wanted).with_context(|| stamp.display().to_string())?;
    Ok(venv)
}

/// Whether the interpreter starts and finds what was installed for it: an upgrade of the system's Python ends both.
fn starts(venv: &Path) -> bool {
    let mut python = Command::new(venv.join("bin/python"));
    python.args(["-I", "-c", "import gunicorn"]);
    run(&mut python).is_ok()
}

/// Debian's own Python, as uWSGI's plugin is linked with it.
fn make(venv: &Path, requirements: &Path) -> Result<()> {
    if let Some(complaint) = packages::complaint(packages::names(Kind::GunicornHttp)) {
        bail!("the virtual environment {complaint}");
    }
    run(Command::new("/usr/bin/python3")
        .args(["-m", "venv", "--clear"])
        .arg(venv))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--requirement",
    ];
    run(Command::new(venv.join("bin/python")).args(pip).arg(requirements))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
