//! lighttpd: mod_fastcgi, and mod_scgi for SCGI and uwsgi.

use std::process::Command;

use anyhow::Result;
use bridgehead_conform::protocol::Protocol;

use super::{Site, program};

pub(super) fn command(site: &Site) -> Result<Command> {
    let (module, family, settings) = match site.protocol {
        Protocol::FastCgi | Protocol::Http => ("mod_fastcgi", "fastcgi", ""),
        Protocol::Scgi => ("mod_scgi", "scgi", ""),
        Protocol::Uwsgi => ("mod_scgi", "scgi", "scgi.protocol = \"uwsgi\""),
    };
    let php = site.php("lighttpd-php.conf")?;
    let places = [
        ("php", php.as_str()),
        ("module", module),
        ("family", family),
        ("settings", settings),
    ];
    let config = site.write("lighttpd.conf", &site.text("lighttpd.conf", &places)?)?;
    let mut command = program("/usr/sbin/lighttpd", &["-D", "-f"]);
    command.arg(config);
    Ok(command)
}
