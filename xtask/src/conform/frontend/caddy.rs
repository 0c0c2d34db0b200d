//! Caddy: FastCGI only.

use std::process::Command;

use anyhow::Result;

use super::{Site, program};

pub(super) fn command(site: &Site) -> Result<Command> {
    let config = site.write("Caddyfile", &site.text("Caddyfile", &[])?)?;
    let mut command = program("/usr/bin/caddy", &["run", "--adapter", "caddyfile", "--config"]);
    command.arg(config).env("HOME", site.dir());
    Ok(command)
}
