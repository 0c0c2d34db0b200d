//! What happened to one request upstream: for what looks at it when it is over.

use std::sync::Arc;

use tokio::time::Instant;

use super::endpoint::Endpoint;
use crate::telemetry::{Phase, Timeline};

/// Filled in while a request is on its way; also when it fails.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Where its time went.
    pub timeline: Timeline,
    /// Name of the upstream.
    pub upstream: Option<Arc<str>>,
    /// The last endpoint that was tried.
    pub endpoint: Option<Arc<Endpoint>>,
    /// Exchanges and connections that were tried.
    pub attempts: u32,
    /// Status of the backend's answer.
    pub status: Option<u16>,
}

impl Trace {
    /// A request that goes nowhere yet.
    #[inline]
    pub fn new(now: Instant) -> Self {
        Self {
            timeline: Timeline::new(now.into_std()),
            upstream: None,
            endpoint: None,
            attempts: 0,
            status: None,
        }
    }

    /// It goes to an upstream. What became of it at an earlier one, whose answer was none for the client, is over.
    pub fn goes_to(&mut self, upstream: &Arc<str>) {
        self.upstream = Some(upstream.clone());
        (self.endpoint, self.attempts, self.status) = (None, 0, None);
    }

    /// Ends what it was waiting for.
    pub fn enter(&mut self, phase: Phase, now: Instant) {
        self.timeline.enter(phase, now.into_std());
    }

    /// The last endpoint that was tried, as logged.
    pub fn endpoint_name(&self) -> Option<&str> {
        self.endpoint.as_ref().map(|endpoint| &*endpoint.name)
    }
}
