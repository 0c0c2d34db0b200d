//! What keeps the endpoints of an upstream known: checks of their health, names that stand for them.

pub mod checkup;
mod discovery;
pub mod probe;
mod watch;

use std::sync::Arc;

use crate::transport::Resolver;
use crate::upstream::attempt::Upstream;

/// Looks after the endpoints of an upstream until it is gone: looks for those that its settings only name, checks
/// all of them, and asks them what there is to ask, as far as the settings want it. Once for each upstream, inside
/// a tokio runtime.
pub fn start(upstream: &Arc<Upstream>, resolver: &Arc<Resolver>) {
    discovery::start(upstream, resolver);
    watch::start(upstream);
}
