//! Temporary directories.

use std::env;
use std::io;
use std::path::PathBuf;

use tempfile::{Builder, TempDir};

/// A temporary directory with a short path, for sockets: their paths end at 107 bytes.
///
/// # Errors
///
/// When it cannot be made.
pub fn scratch() -> io::Result<TempDir> {
    let usual = env::temp_dir();
    let parent = match usual.as_os_str().len() {
        0..=LONGEST => usual,
        _ => PathBuf::from("/tmp"),
    };
    Builder::new().prefix("bh-").tempdir_in(parent)
}

const LONGEST: usize = 60; // bytes
