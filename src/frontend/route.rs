//! A route at run time: opened roots, resolved upstreams.

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

impl Route {
    /// A route with its directory, which is open. Upstreams are referred to by index. `times` are those of all routes.
    ///
    /// # Panics
    ///
    /// When it has a [root](config::Route::root) and none is given.
    pub fn new(
        config: config::Route,
        root: Option<Root>,
        upstreams: &[Arc<Upstream>],
        times: &Routes,
    ) -> Self {
        let root = || root.expect("a route with a root is given one");
        let handler = match &config.handler {
            config::Handler::Php(php) => {
                Handler::Php(upstreams[php.upstream].clone(), Site::new(php, root()))
            }
            config::Handler::Proxy(proxy) => {
                Handler::Proxy(upstreams[proxy.upstream].clone(), Mount::new(proxy))
            }
            config::Handler::Files(files) => Handler::Files(root(), files.index.clone()),
            config::Handler::Redirect(redirect) => Handler::Redirect(redirect.clone()),
            config::Handler::Respond(respond) => Handler::Respond(Fixed::new(respond)),
            config::Handler::Status(status) => Handler::Status(Status::new(status.clone(), upstreams)),
        };
        let upstream = handler.upstream().map_or("", |upstream| upstream.name());
        let times = times.times(&config.name(), upstream);
        Self {
            config,
            handler,
            number: 0,
            times,
        }
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
