//! Application servers, each with the probe application of the kit.

pub(super) mod demo;
pub(super) mod flup;
mod gunicorn;
mod libfcgi;
mod php;
mod uwsgi;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::side::{self, Side};
use testbed::{Kind, Options};

use super::instance::Running;
use super::setting::Setting;

/// A program that serves applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    PhpFpm,
    PhpCgi,
    /// The probe in C under spawn-fcgi.
    Libfcgi,
    Fcgiwrap,
    Uwsgi,
    Flup,
    /// With a class of workers.
    Gunicorn(&'static str),
    /// The application that is built into Bridgehead.
    Demo,
}

impl Server {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When it does not listen after a while; the error holds its log.
    pub(super) fn start(self, protocol: Protocol, setting: Setting) -> Result<(Box<dyn Side>, Running)> {
        let (address, running) = match self {
            Self::PhpFpm => php::fpm(setting)?,
            Self::PhpCgi => php::cgi(setting)?,
            Self::Libfcgi => libfcgi::start(setting)?,
            Self::Fcgiwrap => backend(Kind::Fcgiwrap, &options(setting))?,
            Self::Uwsgi => uwsgi::start(protocol, setting)?,
            Self::Flup => flup::start(protocol)?,
            Self::Gunicorn(worker) => gunicorn::start(worker, setting)?,
            Self::Demo => demo::start(protocol, setting)?,
        };
        Ok((Box::new(side::Server::new(address, protocol)), running))
    }

    /// What it can do beside what the profile says.
    pub(super) fn provides(self) -> &'static [&'static str] {
        match self {
            Self::PhpFpm => &["exit", "mixed", "nobody", "ping"],
            Self::PhpCgi => &["exit", "mixed", "nobody"],
            Self::Libfcgi => &["single"],
            Self::Uwsgi => &["nobody", "lies", "websocket", "program"],
            Self::Gunicorn("asgi") => &["websocket", "program"],
            Self::Gunicorn(_) => &["program"],
            Self::Fcgiwrap | Self::Flup | Self::Demo => &[],
        }
    }

    /// Values for cases.
    pub(super) fn values(self) -> Vec<(String, String)> {
        let (name, path) = match self {
            Self::PhpFpm | Self::PhpCgi => ("script", probe("probe.php")),
            Self::Fcgiwrap => ("script", testbed::script(Kind::Fcgiwrap)),
            Self::Uwsgi | Self::Gunicorn(_) => ("program", probe("other.py")),
            Self::Libfcgi | Self::Flup | Self::Demo => return Vec::new(),
        };
        vec![(name.to_owned(), path.display().to_string())]
    }

    /// Whether it can be started like that.
    pub(super) fn has(self, setting: Setting) -> bool {
        match setting {
            Setting::Ordinary => true,
            Setting::Single => !matches!(self, Self::Flup | Self::Libfcgi), // threads; always
            Setting::Harakiri => matches!(self, Self::PhpFpm | Self::Uwsgi | Self::Gunicorn("sync")),
            Setting::Denied => matches!(self, Self::PhpFpm | Self::PhpCgi | Self::Libfcgi),
        }
    }
}

/// A server that the testbed knows.
fn backend(kind: Kind, options: &Options) -> Result<(Address, Running)> {
    let backend = kind.start(options)?;
    Ok((Address::Unix(backend.socket()), Running::Backend(backend)))
}

fn options(setting: Setting) -> Options {
    Options {
        workers: setting.workers(),
        ..Options::default()
    }
}

/// A file of the kit's probe applications.
fn probe(name: &str) -> PathBuf {
    testbed::workspace().join("protocol-tests/apps").join(name)
}

/// A directory with a probe as `app.py`, which is what the testbed's servers load.
fn python_app(name: &str) -> Result<PathBuf> {
    let directory = super::store::directory().join("apps").join(name);
    fs::create_dir_all(&directory).context("cannot make a directory for the probe application")?;
    // Lanes do this at the same time: nobody may see half a file.
    let half = tempfile::NamedTempFile::new_in(&directory)?;
    fs::copy(probe(name), half.path()).with_context(|| format!("cannot copy {name}"))?;
    half.persist(directory.join("app.py"))?;
    Ok(directory)
}
