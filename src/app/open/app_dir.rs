//! The directory for sockets and generated files of applications.

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::config::Config;
use crate::process::RuntimeDir;

/// Makes it, where the configuration has applications.
pub(super) fn make(config: &Config, progress: &Progress) -> Result<Option<RuntimeDir>> {
    if config.apps.is_empty() {
        return Ok(None);
    }
    let parent = &config.server.spool.temp_dir;
    progress.at(
        "a directory for applications",
        "[server] temp_dir",
        parent.display(),
    );
    let dir = RuntimeDir::make(parent);
    let dir = dir.with_context(|| {
        let parent = parent.display();
        format!(
            "cannot make a directory in {parent}, where the sockets of applications go ([server] temp_dir)"
        )
    });
    dir.map(Some)
}
