//! What comes of a new generation, for whatever asked for it.

use tokio::sync::oneshot;

/// Gets what comes of a new generation, in words.
pub type Outcome = oneshot::Sender<Result<String, String>>;
