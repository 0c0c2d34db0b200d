//! What a server needs besides its configuration: the application behind it, files, a certificate.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testbed::{Backend, Kind, Options};

use super::identity::Identity;
use super::responder::Responder;
use super::scenario::PATH;
use super::site::{Behind, Site, content};

/// A running backend and a certificate, if the site has them.
pub(crate) struct Work {
    socket: PathBuf,
    script: PathBuf,
    root: PathBuf,
    identity: Option<Identity>,
    /// Ends the backend when dropped.
    _backend: Option<Backend>,
}

impl Work {
    /// Starts it; files and sockets of ours go to `dir`.
    ///
    /// # Errors
    ///
    /// When it is missing or does not start.
    pub(crate) fn start(site: &Site, dir: &Path) -> Result<Self> {
        let apps = testbed::workspace().join("benches/apps");
        let script = apps.join("php/hello.php");
        let root = dir.join("root");
        let (socket, backend) = match site.backend {
            Behind::Nothing => (PathBuf::new(), None),
            Behind::File(size) => {
                fs::create_dir(&root).context("cannot make a document root")?;
                fs::write(root.join(PATH.trim_start_matches('/')), content(size))
                    .context("cannot write the file that is served")?;
                fs::write(root.join(".users"), USERS).context("cannot write a file of users")?;
                (PathBuf::new(), None)
            }
            Behind::Php(children) => kept(Kind::PhpFpm, children, &apps)?,
            Behind::Uwsgi(processes) => kept(Kind::UwsgiUwsgi, processes, &apps)?,
            Behind::Canned(canned) => (Responder::start(dir, canned)?.socket().to_owned(), None),
        };
        Ok(Self {
            socket,
            script,
            root,
            identity: site.secure.then(|| Identity::new(dir)).transpose()?,
            _backend: backend,
        })
    }

    /// The certificate.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// A configuration of `benches`, with `{socket}`, `{script}`, `{root}`, `{certs}` and `{kib}`, a text of 1 KiB,
    /// filled in.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub(crate) fn config(&self, file: &str) -> Result<String> {
        let path = testbed::workspace().join("benches").join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let certs = self
            .identity()
            .map(|identity| identity.dir().display().to_string());
        Ok(text
            .replace("{socket}", &self.socket.display().to_string())
            .replace("{script}", &self.script.display().to_string())
            .replace("{root}", &self.root.display().to_string())
            .replace("{certs}", &certs.unwrap_or_default())
            .replace("{kib}", &String::from_utf8_lossy(&content(1024))))
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

/// The users of `file-auth`: `anna` with the password `geheim`, as `htpasswd` writes it when nothing else is said. What
/// costs more a request costs nginx more.
const USERS: &str = "anna:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri0\n";
