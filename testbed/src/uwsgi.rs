//! uWSGI with Debian's Python plugin.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::backend::{program, socket_in};
use crate::{Kind, Options, ensure_venv, place};

/// uWSGI serving the Flask application on the kind of socket that the option `socket` makes.
pub(crate) fn command(kind: Kind, socket: &str, dir: &Path, options: &Options) -> Result<Command> {
    let mut command = program("/usr/bin/uwsgi-core");
    command.args(["--plugin", "python3"]); // first: it defines options that follow
    command.arg(socket).arg(socket_in(dir)).arg("--chmod-socket=666");
    command
        .arg("--virtualenv")
        .arg(ensure_venv()?)
        .arg("--pythonpath")
        .arg(place::app_dir_with(kind, options));
    command.args(["--module", "app:application", "--need-app"]);
    command.args(["--master", "--die-on-term", "--disable-logging"]);
    command.arg("--processes").arg(options.workers.to_string());
    if options.threads > 1 {
        command.arg("--threads").arg(options.threads.to_string());
    }
    command.args(&options.extra).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}
