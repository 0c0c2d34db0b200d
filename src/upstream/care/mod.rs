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
    pub fn begin(upstream: &Arc<Upstream>, resolver: &Arc<Resolver>) -> Self {
        let mut tasks = JoinSet::new();
        discovery::start(upstream, resolver, &mut tasks);
        watch::start(upstream, &mut tasks);
        Self { _tasks: tasks }
    }
}
