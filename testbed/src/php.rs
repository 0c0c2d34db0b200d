//! PHP-FPM and php-cgi.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::Options;
use crate::backend::{log_in, program, socket_in};

/// PHP-FPM with a configuration of its own; the system's php.ini and extensions stay out of it.
pub(crate) fn fpm(dir: &Path, options: &Options) -> Result<Command> {
    let file = dir.join("php-fpm.conf");
    fs::write(&file, fpm_configuration(dir, options)).context("cannot write php-fpm.conf")?;
    let mut command = program("/usr/sbin/php-fpm8.2");
    command
        .arg("-n")
        .args(ini(dir))
        .arg("--nodaemonize")
        .arg("--fpm-config")
        .arg(file);
    if rustix::process::geteuid().is_root() {
        command.arg("--allow-to-run-as-root");
    }
    Ok(command)
}

/// php-cgi as a FastCGI server with a fixed number of children.
pub(crate) fn cgi(dir: &Path, options: &Options) -> Command {
    let mut command = program("/usr/bin/php-cgi8.2");
    command
        .arg("-n")
        .args(ini(dir))
        .args(&options.extra)
        .arg("-b")
        .arg(socket_in(dir));
    command
        .env("PHP_FCGI_CHILDREN", options.workers.to_string())
        .env("PHP_FCGI_MAX_REQUESTS", "0");
    command
}

fn fpm_configuration(dir: &Path, options: &Options) -> String {
    let owner = if rustix::process::geteuid().is_root() {
        "user = root\ngroup = root\n"
    } else {
        ""
    };
    format!(
        "[global]\nerror_log = {log}\nlog_limit = 8192\n\n[www]\n{owner}listen = {socket}\nlisten.mode = 0666\n\
         pm = static\npm.max_children = {workers}\ncatch_workers_output = no\n{extra}\n",
        log = log_in(dir).display(),
        socket = socket_in(dir).display(),
        workers = options.workers,
        extra = options.extra.join("\n"),
    )
}

/// What a killed worker leaves behind vanishes with the directory.
fn ini(dir: &Path) -> impl Iterator<Item = String> {
    let places = PLACES.map(|name| format!("{name}={}", dir.display()));
    let settings = INI.map(str::to_owned).into_iter().chain(places);
    settings.flat_map(|setting| ["-d".to_owned(), setting])
}

/// Where PHP writes by itself.
const PLACES: [&str; 4] = [
    "sys_temp_dir",
    "upload_tmp_dir",
    "session.save_path",
    "opcache.lockfile_path",
];

/// With `error_log` unset, messages go to FastCGI STDERR. The body is left to `php://input`, which spools to disk.
const INI: [&str; 9] = [
    "display_errors=0",
    "log_errors=1",
    "html_errors=0",
    "enable_post_data_reading=0",
    "post_max_size=2G",
    "upload_max_filesize=2G",
    "max_execution_time=0",
    "date.timezone=UTC",
    "zend_extension=opcache",
];
