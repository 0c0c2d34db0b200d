//! What keeps the endpoints of an upstream known: checks of their health, names that stand for them.

pub mod checkup;
mod discovery;
mod membership;
pub mod probe;
mod watch;

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::transport::Resolver;
use crate::upstream::attempt::Upstream;
use crate::upstream::model::config::{EndpointConfig, EndpointSource};
use discovery::Name;
use membership::Members;

pub use membership::Membership;

/// What looks after the endpoints of an upstream. Dropped: nothing does.
#[derive(Debug)]
pub struct Care {
    /// Aborted with the set.
    _tasks: JoinSet<()>,
}

impl Care {
    /// Looks for the endpoints that the settings only name, checks all of them, and asks them what there is to ask, as
    /// far as the settings want it. To be called inside a tokio runtime.
    ///
    /// `app` gives what knows where an application of the gateway is, by its name and with what its endpoints are like.
    pub fn begin<M: Membership>(
        upstream: &Arc<Upstream>,
        resolver: &Arc<Resolver>,
        app: impl Fn(&str, &EndpointConfig<EndpointSource>) -> M,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let sources = &upstream.config().sources;
        let members = Members::new(upstream, sources.len());
        for (at, source) in sources.iter().enumerate() {
            match &source.address {
                EndpointSource::Dns(query) => {
                    let name = Name::new(upstream, resolver, source.at(query.clone()));
                    members.follow(at, name, &mut tasks);
                }
                EndpointSource::App(name) => members.follow(at, app(name, source), &mut tasks),
            }
        }
        watch::start(upstream, &mut tasks);
        Self { _tasks: tasks }
    }
}
