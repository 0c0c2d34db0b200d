//! HTTP front ends before the kit's socket. Their configurations are in `protocol-tests/frontends`.

mod apache;
pub(super) mod bridgehead;
mod caddy;
mod haproxy;
mod lighttpd;
mod nginx;

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::side::{self, Side};
use tempfile::TempDir;
use testbed::{Gateway, Process};

use super::instance::Running;

/// A program that serves HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frontend {
    Nginx,
    Haproxy,
    Lighttpd,
    Caddy,
    Apache,
    Bridgehead,
}

impl Frontend {
    /// Starts it, and the kit where it finds the application.
    ///
    /// # Errors
    ///
    /// When it does not listen after a while; the error holds its log.
    pub(super) fn start(self, protocol: Protocol) -> Result<(Box<dyn Side>, Running)> {
        let site = Site::new(protocol)?;
        if self == Self::Bridgehead {
            let gateway = Gateway::start(&bridgehead::program(), &bridgehead::config(&site)?)?;
            let side = site.side(gateway.addr())?;
            return Ok((side, Running::Gateway(gateway, site.dir)));
        }
        let side = site.side(site.address)?;
        let command = match self {
            Self::Nginx => nginx::command(&site)?,
            Self::Haproxy => haproxy::command(&site)?,
            Self::Lighttpd => lighttpd::command(&site)?,
            Self::Caddy => caddy::command(&site)?,
            Self::Apache | Self::Bridgehead => apache::command(&site)?,
        };
        let address = site.address;
        let ready = || TcpStream::connect(address).is_ok();
        Ok((side, Running::Process(Process::start(command, site.dir, ready)?)))
    }

    /// The kit's profile.
    pub(super) const fn profile(self) -> &'static str {
        match self {
            Self::Bridgehead => "bridgehead",
            Self::Nginx | Self::Haproxy | Self::Lighttpd | Self::Caddy | Self::Apache => "frontend",
        }
    }

    /// What its configuration gives it.
    pub(super) fn provides(self, protocol: Protocol) -> Vec<&'static str> {
        // Bridgehead's profile says what it has.
        if self == Self::Bridgehead {
            return Vec::new();
        }
        let mut all = vec!["untrusted", "hasty", "head_timeout"];
        if self != Self::Haproxy {
            all.extend(["body_timeout", "body_limit"]);
        }
        if self == Self::Nginx {
            all.push("named_host");
        } else {
            all.push("h2c");
        }
        if protocol == Protocol::FastCgi && matches!(self, Self::Nginx | Self::Haproxy | Self::Apache) {
            all.push("pool");
        }
        if protocol == Protocol::FastCgi && self != Self::Haproxy {
            all.push("php_site");
        }
        all
    }

    /// Where the configurations have what they provide.
    pub(super) fn values(self) -> Vec<(String, String)> {
        let paths = [
            ("hasty", "/hasty/"),
            ("kept", "/kept/"),
            ("php", "/php/"),
            ("small", "/small/"),
            ("limited", "/limited/"),
            ("named", "/named/"),
        ];
        paths
            .map(|(name, path)| (name.to_owned(), path.to_owned()))
            .to_vec()
    }
}

/// Where a front end runs, and where it finds the kit.
#[derive(Debug)]
pub(super) struct Site {
    protocol: Protocol,
    address: SocketAddr,
    dir: TempDir,
}

impl Site {
    fn new(protocol: Protocol) -> Result<Self> {
        let dir = TempDir::with_prefix("bh-").context("cannot make a directory")?;
        // Apache's workers are not root, even where its master is.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        Ok(Self {
            protocol,
            address: free_address()?,
            dir,
        })
    }

    /// The kit, which listens from now on.
    fn side(&self, address: SocketAddr) -> Result<Box<dyn Side>> {
        let socket = self.socket();
        let url = format!("http://{address}/");
        let side = side::Frontend::new(&Address::Unix(socket.clone()), self.protocol, &url);
        let side = side.with_context(|| format!("cannot listen on {}", socket.display()))?;
        Ok(Box::new(side))
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("kit")
    }

    /// A file of `protocol-tests/frontends` with its places filled in: those of all files, and `more`.
    fn text(&self, name: &str, more: &[(&str, &str)]) -> Result<String> {
        let path = testbed::workspace().join("protocol-tests/frontends").join(name);
        let mut text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (address, port) = (self.address.to_string(), self.address.port().to_string());
        let scripts = testbed::workspace().join("protocol-tests/frontends/site");
        let scripts = scripts.display().to_string();
        let (dir, socket) = (
            self.dir.path().display().to_string(),
            self.socket().display().to_string(),
        );
        let common = [
            ("address", address.as_str()),
            ("port", &port),
            ("dir", &dir),
            ("socket", &socket),
            ("protocol", self.protocol.name()),
            ("site", &scripts),
        ];
        for (place, value) in more.iter().chain(&common) {
            text = text.replace(&format!("${{{place}}}"), value);
        }
        Ok(text)
    }

    /// What a file says of the site with scripts, which only FastCGI has.
    fn php(&self, name: &str) -> Result<String> {
        match self.protocol {
            Protocol::FastCgi => self.text(name, &[]),
            Protocol::Uwsgi | Protocol::Scgi | Protocol::Http => Ok(String::new()),
        }
    }

    /// Writes a file in the directory of the front end.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.dir.path().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// For programs that cannot be told to take any port, and to say which they took.
pub(super) fn free_address() -> Result<SocketAddr> {
    testbed::free_address(Ipv4Addr::LOCALHOST.into())
}

fn program(path: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.args(arguments);
    command
}
