//! Results that are kept in the target directory, so that columns can be played one by one.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bridgehead_conform::report::{Column as Read, Json, Report, Results};

use super::column::Column;

/// Keeps the results of a column.
///
/// # Errors
///
/// Those of writing.
pub(super) fn save(column: &Column, intrusive: bool, results: &Results) -> Result<()> {
    let path = path(column, intrusive);
    fs::create_dir_all(directory()).context("cannot make a directory for results")?;
    let mut json = Json(Vec::new());
    json.finish(results)?;
    fs::write(&path, json.0).with_context(|| format!("cannot write {}", path.display()))
}

/// The results of a column, if it was played.
///
/// # Errors
///
/// When they cannot be read.
pub(super) fn load(column: &Column, intrusive: bool) -> Result<Option<Read>> {
    let path = path(column, intrusive);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let read = Read::parse(&text).with_context(|| format!("cannot understand {}", path.display()))?;
    Ok(Some(read))
}

/// Where this task keeps its things.
pub(super) fn directory() -> PathBuf {
    testbed::target_dir().join("conform")
}

fn path(column: &Column, intrusive: bool) -> PathBuf {
    let round = if intrusive { "-intrusive" } else { "" };
    directory().join(format!("{}{round}.json", column.name))
}
