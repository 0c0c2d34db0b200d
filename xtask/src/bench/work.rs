//! The application behind both servers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testbed::{Backend, Kind, Options};

use super::responder::Responder;
use super::scenario::Behind;

/// A running backend, if the scenario has one.
#[derive(Debug)]
pub(crate) struct Work {
    socket: PathBuf,
    script: PathBuf,
    /// Ends the backend when dropped.
    _backend: Option<Backend>,
}

impl Work {
    /// Starts it; programs and sockets of ours go to `dir`.
    ///
    /// # Errors
    ///
    /// When it is missing or does not start.
    pub(crate) fn start(behind: Behind, dir: &Path) -> Result<Self> {
        let apps = testbed::workspace().join("benches/apps");
        let script = apps.join("php/hello.php");
        let (socket, backend) = match behind {
            Behind::Nothing => (PathBuf::new(), None),
            Behind::Php(children) => kept(Kind::PhpFpm, children, &apps)?,
            Behind::Uwsgi(processes) => kept(Kind::UwsgiUwsgi, processes, &apps)?,
            Behind::Responder => (Responder::start(dir)?.socket().to_owned(), None),
        };
        Ok(Self {
            socket,
            script,
            _backend: backend,
        })
    }

    /// A configuration of `benches`, with `{socket}` and `{script}` filled in.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub(crate) fn config(&self, file: &str) -> Result<String> {
        let path = testbed::workspace().join("benches").join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(text
            .replace("{socket}", &self.socket.display().to_string())
            .replace("{script}", &self.script.display().to_string()))
    }
}

fn kept(kind: Kind, workers: usize, apps: &Path) -> Result<(PathBuf, Option<Backend>)> {
    let options = Options {
        workers,
        apps: Some(apps.to_owned()),
        ..Options::default()
    };
    let backend = kind.start(&options)?;
    Ok((backend.socket(), Some(backend)))
}
