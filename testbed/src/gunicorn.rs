//! Gunicorn with thread workers.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::backend::{program, socket_in};
use crate::{Kind, Options, ensure_venv, place};

/// Gunicorn serving the Flask application in `protocol`.
pub(crate) fn command(kind: Kind, protocol: &str, dir: &Path, options: &Options) -> Result<Command> {
    let mut command = program(ensure_venv()?.join("bin/gunicorn"));
    command
        .arg("--bind")
        .arg(format!("unix:{}", socket_in(dir).display()))
        .args(["--protocol", protocol]);
    command
        .arg("--pythonpath")
        .arg(place::app_dir_with(kind, options));
    command
        .args(["--worker-class", "gthread", "--no-control-socket"])
        .arg("--worker-tmp-dir")
        .arg(dir);
    command.arg("--workers").arg(options.workers.to_string());
    command.arg("--threads").arg(options.threads.to_string());
    command
        .args(&options.extra)
        .arg("app:application")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}
