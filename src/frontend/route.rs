//! A route at run time: its handler, its filters.

use std::sync::Arc;

use super::config::{self, Host};
use super::filter::Filters;
use super::handler::{Handler, Place};
use super::limits::Limits;
use super::onward::Onward;
use crate::files::Root;
use crate::upstream::model::config::ProtocolName;
use crate::upstream::{Terms, Upstream};
use crate::variables::Template;

/// A match rule's answer, ready to serve.
pub struct Route {
    /// The settings.
    pub config: config::Route,
    /// Its host, where it has a single one: what applications are told in place of the client's spelling.
    pub name: Option<Arc<String>>,
    /// What looks at requests before the handler, and at answers after it.
    pub filters: Filters,
    /// What answers.
    pub handler: Handler,
    /// The name of the upstream that it forwards to; empty when there is none.
    pub upstream: Arc<str>,
    /// What its application, an HTTP server, gets as `Host`, if not the client's.
    pub host: Option<Template>,
    /// Whether its application reads the path in the client's spelling.
    pub as_it_came: bool,
    /// Whether its application runs files that the gateway finds.
    pub runs_files: bool,
    /// What is changed of requests on their way to its application, if anything is.
    pub onward: Option<Box<Onward>>,
    /// How long the steps of its application may take, if not as its upstream says.
    pub terms: Option<Arc<Terms>>,
    /// Its place in the configuration.
    pub number: usize,
}

impl Route {
    /// A route with its directory, which is open. Upstreams are referred to by index.
    ///
    /// # Panics
    ///
    /// When it has a [root](config::Route::root) and none is given.
    pub fn new(
        config: config::Route,
        root: Option<Root>,
        upstreams: &[Arc<Upstream>],
        limits: &Limits,
    ) -> Self {
        let place = Place {
            path: config.path.prefix(),
            root,
            upstreams,
        };
        let upstream = config.handler.upstream().map(|index| &upstreams[index]);
        Self {
            upstream: upstream
                .map(|upstream| upstream.name().clone())
                .unwrap_or_default(),
            host: upstream.and_then(|upstream| host(&config, upstream)).cloned(),
            as_it_came: upstream.is_some_and(|upstream| upstream.config().sends_path_as_it_came()),
            runs_files: upstream.is_some() && config.root().is_some(),
            onward: (!config.onward.is_empty()).then(|| Box::new(config.onward.clone())),
            terms: upstream.and_then(|upstream| upstream.terms(config.timeouts.upstream)),
            number: 0,
            name: name(&config.host),
            filters: Filters::new(&config, limits),
            handler: config.handler.handler(place),
            config,
        }
    }
}

/// The route knows better than its upstream.
fn host<'a>(config: &'a config::Route, upstream: &'a Upstream) -> Option<&'a Template> {
    let upstream = upstream.config();
    let host = config.handler.host().or(upstream.host.as_ref());
    host.filter(|_| upstream.protocol == ProtocolName::Http)
}

/// A pattern is no name, and of several hosts only the client says which one it means.
fn name(hosts: &[Host]) -> Option<Arc<String>> {
    match hosts {
        [Host::Exact(name)] => Some(name.clone().into()),
        _ => None,
    }
}
