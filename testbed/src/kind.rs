//! The servers we know how to start.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{Backend, Options, Signal, fcgiwrap, gunicorn, packages, php, scratch, uwsgi};

/// An application server, and the protocol it is asked to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// PHP-FPM: FastCGI.
    PhpFpm,
    /// php-cgi with `-b`: FastCGI.
    PhpCgi,
    /// uWSGI with `--socket`: uwsgi.
    UwsgiUwsgi,
    /// uWSGI with `--scgi-socket`: SCGI.
    UwsgiScgi,
    /// uWSGI with `--fastcgi-socket`: FastCGI.
    UwsgiFastcgi,
    /// uWSGI with `--http-socket`: HTTP/1.1.
    UwsgiHttp,
    /// Gunicorn with threads: HTTP/1.1.
    GunicornHttp,
    /// Gunicorn with threads and `--protocol uwsgi`: uwsgi.
    GunicornUwsgi,
    /// fcgiwrap: FastCGI in front of CGI programs, written with libfcgi.
    Fcgiwrap,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 9] = [
        Kind::PhpFpm,
        Kind::PhpCgi,
        Kind::UwsgiUwsgi,
        Kind::UwsgiScgi,
        Kind::UwsgiFastcgi,
        Kind::UwsgiHttp,
        Kind::GunicornHttp,
        Kind::GunicornUwsgi,
        Kind::Fcgiwrap,
    ];

    /// Starts the server and returns when its socket listens.
    ///
    /// # Errors
    ///
    /// When a package is missing (the error holds the line that installs it), when the virtual environment cannot
    /// be made, and when the server exits or does not listen within 15 seconds (the error holds its log).
    pub fn start(self, options: &Options) -> Result<Backend> {
        if let Some(complaint) = packages::complaint(packages::names(self)) {
            bail!("{self} {complaint}");
        }
        let dir = scratch().context("cannot make a directory for the server's socket")?;
        let command = self.command(dir.path(), options)?;
        Backend::launch(self, command, dir, options)
    }

    /// The name used in test names, reports and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Kind::PhpFpm => "php-fpm",
            Kind::PhpCgi => "php-cgi",
            Kind::UwsgiUwsgi => "uwsgi",
            Kind::UwsgiScgi => "uwsgi-scgi",
            Kind::UwsgiFastcgi => "uwsgi-fastcgi",
            Kind::UwsgiHttp => "uwsgi-http",
            Kind::GunicornHttp => "gunicorn-http",
            Kind::GunicornUwsgi => "gunicorn-uwsgi",
            Kind::Fcgiwrap => "fcgiwrap",
        }
    }

    /// What is spoken on the socket: `fastcgi`, `uwsgi`, `scgi` or `http`.
    pub fn protocol(self) -> &'static str {
        match self {
            Kind::PhpFpm | Kind::PhpCgi | Kind::UwsgiFastcgi | Kind::Fcgiwrap => "fastcgi",
            Kind::UwsgiUwsgi | Kind::GunicornUwsgi => "uwsgi",
            Kind::UwsgiScgi => "scgi",
            Kind::UwsgiHttp | Kind::GunicornHttp => "http",
        }
    }

    /// The quirk profile that fits: `php-fpm`, `php-cgi`, `uwsgi`, `gunicorn` or `fcgiwrap`.
    pub fn profile(self) -> &'static str {
        match self {
            Kind::PhpFpm => "php-fpm",
            Kind::PhpCgi => "php-cgi",
            Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp => "uwsgi",
            Kind::GunicornHttp | Kind::GunicornUwsgi => "gunicorn",
            Kind::Fcgiwrap => "fcgiwrap",
        }
    }

    /// The signal that makes the server reload its application, if it knows one, and the signal by which the master
    /// passes that on to its workers.
    pub(crate) fn reload_signals(self) -> Option<(Signal, Signal)> {
        match self {
            Kind::PhpFpm => Some((Signal::USR2, Signal::QUIT)),
            Kind::UwsgiUwsgi | Kind::UwsgiScgi | Kind::UwsgiFastcgi | Kind::UwsgiHttp => {
                Some((Signal::HUP, Signal::HUP))
            }
            Kind::GunicornHttp | Kind::GunicornUwsgi => Some((Signal::HUP, Signal::TERM)),
            Kind::PhpCgi | Kind::Fcgiwrap => None,
        }
    }

    fn command(self, dir: &Path, options: &Options) -> Result<Command> {
        match self {
            Kind::PhpFpm => php::fpm(dir, options),
            Kind::PhpCgi => Ok(php::cgi(dir, options)),
            Kind::UwsgiUwsgi => uwsgi::command(self, "--socket", dir, options),
            Kind::UwsgiScgi => uwsgi::command(self, "--scgi-socket", dir, options),
            Kind::UwsgiFastcgi => uwsgi::command(self, "--fastcgi-socket", dir, options),
            Kind::UwsgiHttp => uwsgi::command(self, "--http-socket", dir, options),
            Kind::GunicornHttp => gunicorn::command(self, "http", dir, options),
            Kind::GunicornUwsgi => gunicorn::command(self, "uwsgi", dir, options),
            Kind::Fcgiwrap => Ok(fcgiwrap::command(dir, options)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
