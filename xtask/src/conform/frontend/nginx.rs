//! nginx.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use bridgehead_conform::protocol::Protocol;

use super::{Site, program};

pub(super) fn command(site: &Site) -> Result<Command> {
    // Workers of root would become another user, who cannot make files in our directory.
    let user = if testbed::is_root() { "user root;" } else { "" };
    let kept = match site.protocol {
        Protocol::FastCgi => "location /kept/ {\n fastcgi_pass kept;\n fastcgi_keep_conn on;\n }",
        _ => "",
    };
    let php = site.php("nginx-php.conf")?;
    site.write("params.conf", &params(site.protocol)?)?;
    let config = site.write(
        "nginx.conf",
        &site.text("nginx.conf", &[("user", user), ("kept", kept), ("php", &php)])?,
    )?;
    let mut command = program("/usr/sbin/nginx", &["-p"]);
    command.arg(site.dir()).arg("-c").arg(config);
    Ok(command)
}

/// Debian's variables, with the path where applications look for it: none of its files is the script.
fn params(protocol: Protocol) -> Result<String> {
    let stock = format!("/etc/nginx/{protocol}_params");
    let stock = fs::read_to_string(&stock).with_context(|| format!("cannot read {stock}"))?;
    let ours = |line: &&str| {
        !["SCRIPT_NAME", "PATH_INFO"]
            .iter()
            .any(|name| line.contains(name))
    };
    let mut lines: Vec<_> = stock.lines().filter(ours).map(str::to_owned).collect();
    lines.push(format!("{protocol}_param SCRIPT_NAME \"\";"));
    lines.push(format!("{protocol}_param PATH_INFO $document_uri;\n"));
    Ok(lines.join("\n"))
}
