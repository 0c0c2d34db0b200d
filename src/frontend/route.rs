//! A route at run time: its handler, its filters.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{self, Host};
use super::filter::Filters;
use super::handler::{Handler, Place};
use crate::upstream::Upstream;

/// A match rule's answer, ready to serve.
pub struct Route {
    /// The settings.
    pub config: config::Route,
    /// Its host, where it has a single one: what applications are told in place of the client's spelling.
    pub name: Option<Arc<str>>,
    /// What looks at requests before the handler, and at answers after it.
    pub filters: Filters,
    /// What answers.
    pub handler: Handler,
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
    pub fn open(config: config::Route, upstreams: &[Arc<Upstream>]) -> Result<Self, RootError> {
        let place = Place {
            path: &config.path,
            upstreams,
        };
        let handler = config.handler.open(&place).map_err(|cause| RootError {
            route: config.path.clone(),
            path: config.handler.root().map(Path::to_owned).unwrap_or_default(),
            cause,
        })?;
        Ok(Self {
            name: config.host.as_ref().and_then(name),
            filters: Filters::open(&config),
            handler,
            config,
        })
    }
}

/// A pattern is no name: which of the hosts behind it was asked for, only the client says.
fn name(host: &Host) -> Option<Arc<str>> {
    match host {
        Host::Exact(name) => Some(name.as_str().into()),
        Host::Suffix(_) => None,
    }
}
