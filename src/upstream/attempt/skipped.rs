//! An endpoint that did not answer a request.

use std::sync::Arc;

use crate::upstream::model::{Endpoint, Failure};

/// Why an endpoint did not answer. It is told to the client, and logged by the front end, if no other one answers;
/// it is logged when dropped if one does.
pub(super) struct SkippedEndpoint {
    pub(super) endpoint: Option<Arc<Endpoint>>,
    pub(super) failure: Option<Failure>,
    /// There is no other one: it is asked again.
    pub(super) alone: bool,
}

impl Drop for SkippedEndpoint {
    fn drop(&mut self) {
        let endpoint = self.endpoint.as_ref().map(|endpoint| &*endpoint.name);
        let what = match self.alone {
            true => "endpoint did not answer, and is asked again",
            false => "endpoint passed over",
        };
        match &self.failure {
            None => {}
            // Full is not dead, and tried again every few milliseconds.
            Some(failure @ Failure::BacklogFull { .. }) => {
                tracing::debug!(endpoint, error = %failure, "{what}");
            }
            Some(failure) => {
                tracing::warn!(endpoint, reason = failure.reason().as_str(), error = %failure, "{what}");
            }
        }
    }
}
