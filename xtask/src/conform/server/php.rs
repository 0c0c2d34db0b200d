//! PHP-FPM and php-cgi.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use bridgehead_conform::net::Address;
use tempfile::TempDir;
use testbed::{Kind, Process};

use super::{Setting, backend, options};
use crate::conform::frontend::free_address;
use crate::conform::instance::Running;

/// PHP-FPM; its ping and status pages are on.
pub(super) fn fpm(setting: Setting) -> Result<(Address, Running)> {
    if setting == Setting::Denied {
        return fpm_denied();
    }
    let mut options = options(setting);
    options.extra = vec![
        "ping.path = /ping".to_owned(),
        "pm.status_path = /status".to_owned(),
    ];
    if setting == Setting::Harakiri {
        options.extra.push("request_terminate_timeout = 3s".to_owned());
    }
    backend(Kind::PhpFpm, &options)
}

/// php-cgi with `-b`.
pub(super) fn cgi(setting: Setting) -> Result<(Address, Running)> {
    if setting == Setting::Denied {
        return cgi_denied();
    }
    backend(Kind::PhpCgi, &options(setting))
}

/// A pool on TCP that lets another address in.
fn fpm_denied() -> Result<(Address, Running)> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let address = free_address()?;
    let owner = if testbed::is_root() {
        "user = root\ngroup = root\n"
    } else {
        ""
    };
    let log = dir.path().join("log");
    let text = format!(
        "[global]\nerror_log = {}\n[www]\n{owner}listen = {address}\nlisten.allowed_clients = {OTHER}\n\
         pm = static\npm.max_children = 2\n",
        log.display()
    );
    let file = dir.path().join("php-fpm.conf");
    fs::write(&file, text).context("cannot write php-fpm.conf")?;
    let mut command = Command::new("/usr/sbin/php-fpm8.2");
    command.args(["-n", "--nodaemonize", "--fpm-config"]).arg(file);
    if testbed::is_root() {
        command.arg("--allow-to-run-as-root");
    }
    let ready = || is_logged(&log, "ready to handle connections");
    Ok((
        Address::Tcp(address.to_string()),
        Running::Process(Process::start(command, dir, ready)?),
    ))
}

fn cgi_denied() -> Result<(Address, Running)> {
    let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
    let address = free_address()?;
    let mut command = Command::new("/usr/bin/php-cgi8.2");
    command.arg("-n").arg("-b").arg(address.to_string());
    command.env("FCGI_WEB_SERVER_ADDRS", OTHER);
    let ready = || std::net::TcpStream::connect(address).is_ok();
    Ok((
        Address::Tcp(address.to_string()),
        Running::Process(Process::start(command, dir, ready)?),
    ))
}

fn is_logged(log: &Path, text: &str) -> bool {
    fs::read_to_string(log).is_ok_and(|log| log.contains(text))
}

const OTHER: &str = "127.0.0.99"; // loopback, and not where the kit comes from
