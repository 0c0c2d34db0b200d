//! A route at run time: its handler, its filters.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config;
use super::filter::Filters;
use super::handler::{Handler, Place};
use crate::upstream::Upstream;

/// A match rule's answer, ready to serve.
pub struct Route {
    /// The settings.
    pub config: config::Route,
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
            filters: Filters::open(&config),
            handler,
            config,
        })
    }
}
