//! What the patterns of a route take out of its requests.

use super::Filter;
use crate::files::DecodedPath;
use crate::frontend::config::{Pattern, Route};
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;
use crate::frontend::sought;
use crate::protocol::authority::canonical;
use crate::protocol::captures::Captures as Taken;

/// Patterns with groups.
pub(super) struct Captures {
    hosts: Vec<Pattern>,
    path: Option<Pattern>,
}

impl Captures {
    /// Nothing where no pattern has a group.
    pub(super) fn new(route: &Route) -> Option<Self> {
        let has_groups = |pattern: &&Pattern| !pattern.names().is_empty();
        let hosts = route.host.iter().filter_map(|host| host.pattern());
        let captures = Self {
            hosts: hosts.filter(has_groups).cloned().collect(),
            path: route.path.pattern().filter(has_groups).cloned(),
        };
        (captures.path.is_some() || !captures.hosts.is_empty()).then_some(captures)
    }
}

impl Filter for Captures {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        let head = &mut exchange.request.head;
        let mut taken = Taken::default();
        if !self.hosts.is_empty() {
            let host = std::str::from_utf8(sought::host(&head.fields)).unwrap_or_default();
            let host = canonical(host).into();
            self.hosts
                .iter()
                .for_each(|pattern| pattern.captures(&host, &mut taken));
        }
        if let Some(pattern) = &self.path {
            let path = DecodedPath::of(&head.target.path_bytes())?;
            pattern.captures(&path.to_bytes(), &mut taken);
        }
        head.routed.get_or_insert_default().captures = taken;
        Ok(None)
    }
}
