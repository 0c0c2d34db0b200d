//! What outlives configurations: the keys of tickets, and where keys are logged.

use std::sync::Arc;

use rustls::{KeyLog, KeyLogFile};

use super::challenge::AlpnChallenges;
use super::tickets::TicketKeys;

/// The variable that names the file.
const KEY_LOG: &str = "SSLKEYLOGFILE";

/// One for a process.
#[derive(Clone, Debug)]
pub struct TlsContext {
    pub(super) keys: Arc<TicketKeys>,
    /// `None`: keys are not logged.
    pub(super) key_log: Option<Arc<dyn KeyLog>>,
    /// What directories are shown that look whether a name is ours.
    pub(super) challenges: Option<Arc<dyn AlpnChallenges>>,
}

impl TlsContext {
    /// With the ticket keys of the process before, if there was one. That keys are logged is said each time.
    pub fn new(keys: Option<&str>) -> Self {
        let context = Self {
            keys: Arc::default(),
            key_log: key_log(),
            challenges: None,
        };
        if let Some(keys) = keys {
            context.keys.adopt(keys);
        }
        context
    }

    /// The same, with what directories are shown that look whether a name is ours.
    pub fn with_challenges(&self, challenges: Option<Arc<dyn AlpnChallenges>>) -> Self {
        Self {
            challenges,
            ..self.clone()
        }
    }

    /// The ticket keys, for the next process. A secret.
    pub fn keys(&self) -> String {
        self.keys.to_text()
    }
}

fn key_log() -> Option<Arc<dyn KeyLog>> {
    let file = std::env::var_os(KEY_LOG)?;
    tracing::warn!(
        file = %file.display(),
        "{KEY_LOG} is set: the keys of every connection are written there, with which all of it can be read"
    );
    Some(Arc::new(KeyLogFile::new()))
}
