//! The directory for bodies that do not fit into memory.

use std::io::ErrorKind;

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::spool::SpoolConfig;

/// Fails where there can be no files. A disk that is full is told and no more: it may have room by then.
pub(super) fn probe(config: &SpoolConfig, progress: &Progress) -> Result<()> {
    let path = config.temp_dir.display();
    progress.at("the temporary directory", "[server] temp_dir", &path);
    let probed = config.probe();
    if let Err(error) = &probed
        && matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    {
        tracing::warn!(temp_dir = %path, %error, "bodies that do not fit into memory have no place");
        return Ok(());
    }
    probed.with_context(|| {
        format!(
            "cannot make files in {path}, where bodies go that do not fit into memory ([server] temp_dir)"
        )
    })
}
