//! HAProxy, as one process: what crashes is what was started.

use std::process::Command;

use anyhow::Result;

use super::{Site, program};

pub(super) fn command(site: &Site) -> Result<Command> {
    let config = site.write("haproxy.cfg", &site.text("haproxy.cfg", &[])?)?;
    let mut command = program("/usr/sbin/haproxy", &["-db", "-f"]);
    command.arg(config);
    Ok(command)
}
