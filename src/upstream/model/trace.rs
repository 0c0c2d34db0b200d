//! What happened to one request upstream: for the access log.

use std::sync::Arc;
use std::time::Duration;

use super::endpoint::Endpoint;

/// Filled in while a request is on its way; also when it fails.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Name of the upstream.
    pub upstream: Option<Arc<str>>,
    /// The last endpoint that was tried.
    pub endpoint: Option<Arc<Endpoint>>,
    /// Exchanges and connections that were tried.
    pub attempts: u32,
    /// Time in the queue, all attempts together.
    pub queue: Duration,
    /// Time to connect, all attempts together.
    pub connect: Duration,
    /// From the slot to the response head.
    pub head: Option<Duration>,
    /// Status of the backend's answer.
    pub status: Option<u16>,
    /// Whether the connection had served an earlier request.
    pub reused: bool,
}

impl Trace {
    /// The last endpoint that was tried, as logged.
    pub fn endpoint_name(&self) -> Option<&str> {
        self.endpoint.as_ref().map(|endpoint| &*endpoint.name)
    }
}
