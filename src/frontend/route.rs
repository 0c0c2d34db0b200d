//! A route at run time: opened roots, resolved upstreams.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::config;
use super::php::Site;
use super::respond::Fixed;
use super::status::Status;
use crate::files::Root;
use crate::telemetry::RouteTimes;
use crate::telemetry::route::Routes;
use crate::upstream::Upstream;

/// A match rule's answer, ready to serve.
#[derive(Debug)]
pub struct Route {
    /// The settings.
    pub config: config::Route,
    /// What answers.
    pub handler: Handler,
    /// Its place in the configuration.
    pub number: usize,
    /// How long its requests took.
    pub times: Arc<RouteTimes>,
}

/// What answers, with what it needs open.
pub enum Handler {
    /// PHP scripts below a document root.
    Php(Arc<Upstream>, Site),
    /// An application mounted at a path.
    Proxy(Arc<Upstream>, Mount),
    /// Files; and the file that stands for a directory.
    Files(Root, String),
    /// A redirect.
    Redirect(config::Redirect),
    /// A fixed answer.
    Respond(Fixed),
    /// What the gateway has counted.
    Status(Status),
}

/// An application's place, as variables.
#[derive(Debug)]
pub struct Mount {
    /// `SCRIPT_NAME`.
    pub name: Bytes,
    /// `SCRIPT_FILENAME`.
    pub filename: Option<Bytes>,
    /// `DOCUMENT_ROOT`.
    pub document_root: Option<Bytes>,
}

/// A directory of a route that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("route {route}: cannot open the root {path}: {cause}")]
pub struct RootError {
    /// The route's path.
    pub route: String,
    /// The directory.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

impl Route {
    /// Opens what the route needs. Upstreams are referred to by index.
    pub fn open(
        config: config::Route,
        upstreams: &[Arc<Upstream>],
        routes: &Routes,
    ) -> Result<Self, RootError> {
        let failed = |path: &PathBuf| {
            let (route, path) = (config.path.clone(), path.clone());
            move |cause| RootError { route, path, cause }
        };
        let handler = match &config.handler {
            config::Handler::Php(php) => {
                let site = Site::open(php).map_err(failed(&php.root))?;
                Handler::Php(upstreams[php.upstream].clone(), site)
            }
            config::Handler::Proxy(proxy) => {
                Handler::Proxy(upstreams[proxy.upstream].clone(), Mount::new(proxy))
            }
            config::Handler::Files(files) => {
                let root = Root::open(&files.root).map_err(failed(&files.root))?;
                Handler::Files(root, files.index.clone())
            }
            config::Handler::Redirect(redirect) => Handler::Redirect(redirect.clone()),
            config::Handler::Respond(respond) => Handler::Respond(Fixed::new(respond)),
            config::Handler::Status(status) => Handler::Status(Status::new(status.clone(), upstreams)),
        };
        let upstream = handler.upstream().map_or("", |upstream| upstream.name());
        let times = routes.times(&config.name(), upstream);
        Ok(Self {
            config,
            handler,
            number: 0,
            times,
        })
    }
}

impl Handler {
    /// The application that answers, if one does.
    fn upstream(&self) -> Option<&Upstream> {
        match self {
            Self::Php(upstream, _) | Self::Proxy(upstream, _) => Some(upstream),
            Self::Files(..) | Self::Redirect(_) | Self::Respond(_) | Self::Status(_) => None,
        }
    }
}

impl Mount {
    fn new(config: &config::Proxy) -> Self {
        let bytes = |text: &String| Bytes::from(text.clone());
        Self {
            name: Bytes::from(config.mount.clone()),
            filename: config.script_filename.as_ref().map(bytes),
            document_root: config.document_root.as_ref().map(bytes),
        }
    }
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Php(..) => "php",
            Self::Proxy(..) => "proxy",
            Self::Files(..) => "files",
            Self::Redirect(_) => "redirect",
            Self::Respond(_) => "respond",
            Self::Status(_) => "status",
        })
    }
}
