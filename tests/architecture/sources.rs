//! The source files of a crate, apart from its tests.

use std::fs;
use std::path::Path;

/// The files below a directory: their names, relative to it, and their text.
pub(crate) fn sources(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".rs") && !TEST_FILES.iter().any(|test| name.ends_with(test)) {
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no files in {}", root.display());
    found
}

/// Files that are test code as a whole: their parents declare them under `#[cfg(test)]`.
const TEST_FILES: &[&str] = &["tests.rs", "samples.rs", "simulation.rs"];
