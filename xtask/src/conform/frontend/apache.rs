//! Apache with the event MPM: mod_proxy_fcgi, mod_proxy_uwsgi, mod_proxy_scgi.

use std::process::Command;

use anyhow::Result;
use bridgehead_conform::protocol::Protocol;

use super::{Site, program};

pub(super) fn command(site: &Site) -> Result<Command> {
    let scheme = match site.protocol {
        Protocol::FastCgi => "fcgi",
        Protocol::Uwsgi => "uwsgi",
        Protocol::Scgi => "scgi",
        Protocol::Http => "http",
    };
    // A master of root does not let its workers be root.
    let user = if testbed::is_root() {
        "User www-data\nGroup www-data"
    } else {
        ""
    };
    let socket = site.socket().display().to_string();
    let kept = match site.protocol {
        Protocol::FastCgi => {
            format!("ProxyPass \"/kept/\" \"unix:{socket}|fcgi://kept/kept/\" retry=0 enablereuse=on max=1")
        }
        _ => String::new(),
    };
    let php = site.php("apache-php.conf")?;
    let places = [
        ("php", php.as_str()),
        ("scheme", scheme),
        ("user", user),
        ("kept", &kept),
    ];
    let config = site.write("apache.conf", &site.text("apache.conf", &places)?)?;
    let mut command = program("/usr/sbin/apache2", &["-DFOREGROUND", "-f"]);
    command.arg(config);
    Ok(command)
}
