//! PHP scripts below a document root, other files as they are.

mod site;

use std::path::PathBuf;
use std::sync::Arc;

use super::files::{PROGRAM, answer, request};
use super::{DocumentRoot, Handle, HandlerSettings, Place};
use crate::files::{self, DecodedPath, Delivery, Symlinks};
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::upstream::Upstream;
use site::{Resolved, Site, Unresolved};

/// PHP scripts below a document root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Php {
    /// Index into the upstreams.
    pub upstream: usize,
    /// Document root as we see it.
    pub root: DocumentRoot,
    /// The same directory as PHP-FPM sees it (a container), when it differs.
    pub remote_root: Option<PathBuf>,
    /// Files tried for a directory, in this order: scripts and others, e.g. `index.php` and `index.html`.
    pub index: Vec<String>,
    /// Script for every path that is no file, by its place below the document root, e.g. `/index.php`.
    pub front_controller: Option<String>,
    /// The scripts that run, by their places below the document root; none: all. The front controller always does.
    pub scripts: Vec<String>,
    /// Suffix of scripts, with its dot, e.g. `.php`.
    pub suffix: String,
    /// Which symbolic links below the root are followed, to scripts and to other files.
    pub symlinks: Symlinks,
    /// How files that are no scripts are sent.
    pub delivery: Delivery,
}

/// Without a root yet.
impl Default for Php {
    fn default() -> Self {
        Self {
            upstream: 0,
            root: DocumentRoot::default(),
            remote_root: None,
            index: vec!["index.php".to_owned()],
            front_controller: None,
            scripts: Vec::new(),
            suffix: ".php".to_owned(),
            symlinks: Symlinks::default(),
            delivery: Delivery::default(),
        }
    }
}

/// Scripts, and what runs them.
pub struct Scripts {
    upstream: Arc<Upstream>,
    site: Site,
    /// The document root as it is configured.
    root: DocumentRoot,
    delivery: Delivery,
}

impl HandlerSettings for Php {
    type Handler = Scripts;

    const NAME: &'static str = "php";

    fn handler(&self, mut place: Place<'_>) -> Scripts {
        let upstream = place.upstreams[self.upstream].clone();
        Scripts {
            site: Site::new(self, place.take_root(), place.path, upstream.config().normalize),
            upstream,
            root: self.root.clone(),
            delivery: self.delivery.clone(),
        }
    }

    fn root(&self) -> Option<(&DocumentRoot, Symlinks)> {
        Some((&self.root, self.symlinks))
    }

    fn upstream(&self) -> Option<usize> {
        Some(self.upstream)
    }
}

impl Handle for Scripts {
    fn handle<'r>(&'r self, exchange: &mut Exchange, path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let head = &mut exchange.request.head;
        let delivery = &self.delivery;
        match self.site.resolve(path, head.target.path())? {
            Resolved::Script(script) => {
                head.script = script;
                Ok(Flow::Forward(&self.upstream))
            }
            Resolved::File(opened, name) => {
                let request = request(head, path, delivery);
                exchange.answer = answer(files::file(self.site.root(), opened, &name, &request))?;
                Ok(match path.is_directory() {
                    true => Flow::Index([path.as_bytes(), name.name()].concat().into()),
                    false => Flow::Answered,
                })
            }
            Resolved::Redirect => {
                exchange.answer = files::redirect(&request(head, path, delivery)).into();
                Ok(Flow::Answered)
            }
        }
    }

    fn missing(&self, path: &DecodedPath, encoded: &[u8]) -> Option<String> {
        let why = match self.site.resolve(path, encoded) {
            Err(error @ (Unresolved::SuffixCase | Unresolved::NotListed)) => error.to_string(),
            Err(error) => format!("{error}, and there is no front_controller"),
            Ok(_) => PROGRAM.to_owned(),
        };
        let root = self.root.path().display();
        let path = String::from_utf8_lossy(self.site.below(path));
        Some(format!("{path} below {root}: {why}"))
    }
}

impl From<Unresolved> for Rejection {
    fn from(error: Unresolved) -> Self {
        match error {
            Unresolved::Path(error) => error.into(),
            Unresolved::Lookup(error) => error.into(),
            Unresolved::SuffixCase | Unresolved::NotListed => Self::NotFound,
        }
    }
}
