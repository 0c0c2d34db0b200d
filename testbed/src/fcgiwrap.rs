//! fcgiwrap: FastCGI in front of CGI programs.

use std::path::Path;
use std::process::Command;

use crate::Options;
use crate::backend::{program, socket_in};

/// fcgiwrap with `-f`: what programs write to standard error travels as FastCGI STDERR.
pub(crate) fn command(dir: &Path, options: &Options) -> Command {
    let mut command = program("/usr/sbin/fcgiwrap");
    command.arg("-f").arg("-c").arg(options.workers.to_string());
    command
        .arg("-s")
        .arg(format!("unix:{}", socket_in(dir).display()))
        .args(&options.extra);
    command
}
