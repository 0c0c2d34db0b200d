//! The servers that are captured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testbed::{Backend, Kind, Options};

use super::libfcgi::Responder;

/// A server of the test bed, or our own responder on libfcgi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Real(Kind),
    Libfcgi,
}

impl Server {
    /// Every server.
    pub(crate) const ALL: [Server; 10] = [
        Server::Real(Kind::PhpFpm),
        Server::Real(Kind::PhpCgi),
        Server::Libfcgi,
        Server::Real(Kind::Fcgiwrap),
        Server::Real(Kind::UwsgiFastcgi),
        Server::Real(Kind::UwsgiUwsgi),
        Server::Real(Kind::GunicornUwsgi),
        Server::Real(Kind::UwsgiScgi),
        Server::Real(Kind::UwsgiHttp),
        Server::Real(Kind::GunicornHttp),
    ];

    /// Starts it with the applications below `apps`.
    ///
    /// # Errors
    ///
    /// When it is missing or does not start.
    pub(crate) fn start(self, apps: &Path) -> Result<Running> {
        match self {
            Server::Real(kind) => {
                let options = Options {
                    workers: 2,
                    apps: Some(apps.to_owned()),
                    ..Options::default()
                };
                let backend = kind.start(&options)?;
                Ok(Running {
                    socket: backend.socket(),
                    process: Process::Real(backend),
                })
            }
            Server::Libfcgi => {
                let responder = Responder::start(apps)?;
                Ok(Running {
                    socket: responder.socket(),
                    process: Process::Libfcgi(responder),
                })
            }
        }
    }

    /// The protocol, which is the directory of the captures.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Server::Real(kind) => kind.protocol(),
            Server::Libfcgi => "fastcgi",
        }
    }

    /// What the names of the captures begin with.
    pub(crate) fn stem(self) -> &'static str {
        match self {
            Server::Real(Kind::PhpFpm) => "php-fpm",
            Server::Real(Kind::PhpCgi) => "php-cgi",
            Server::Real(Kind::Fcgiwrap) => "fcgiwrap",
            Server::Real(Kind::GunicornHttp | Kind::GunicornUwsgi) => "gunicorn",
            Server::Real(Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp) => {
                "uwsgi"
            }
            Server::Libfcgi => "libfcgi",
        }
    }

    /// The package it comes from, and that package's version.
    ///
    /// # Errors
    ///
    /// When the package is not installed.
    pub(crate) fn version(self) -> Result<String> {
        match self {
            Server::Real(Kind::PhpFpm) => debian_version("php8.2-fpm"),
            Server::Real(Kind::PhpCgi) => debian_version("php8.2-cgi"),
            Server::Real(Kind::Fcgiwrap) => debian_version("fcgiwrap"),
            Server::Libfcgi => debian_version("libfcgi-dev"),
            Server::Real(Kind::GunicornHttp | Kind::GunicornUwsgi) => gunicorn_version(),
            Server::Real(Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp) => {
                debian_version("uwsgi-core")
            }
        }
    }
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    socket: PathBuf,
    process: Process,
}

impl Running {
    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        match &self.process {
            Process::Real(backend) => backend.log(),
            Process::Libfcgi(responder) => format!("process {}", responder.pid()),
        }
    }
}

#[derive(Debug)]
enum Process {
    Real(Backend),
    Libfcgi(Responder),
}

fn debian_version(package: &str) -> Result<String> {
    let arguments = ["--show", "--showformat=${Package} ${Version}", package];
    let output = Command::new("dpkg-query")
        .args(arguments)
        .output()
        .context("cannot run dpkg-query")?;
    ensure!(
        output.status.success(),
        "{package} is missing; run `apt-get install -y {package}`"
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn gunicorn_version() -> Result<String> {
    let requirements = testbed::app_dir(Kind::GunicornHttp).join("requirements.txt");
    let lines = fs::read_to_string(requirements).context("cannot read requirements.txt")?;
    let pinned = lines.lines().find_map(|line| line.strip_prefix("gunicorn=="));
    pinned
        .map(|version| format!("gunicorn {version}, gthread worker"))
        .context("gunicorn is not pinned")
}
