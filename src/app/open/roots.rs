//! The directories that routes serve.

use anyhow::{Context, Result};

use super::progress::Progress;
use crate::files::Root;
use crate::frontend::config::Route;

/// Opens the directory of each route that has one.
pub(in crate::app) fn roots(routes: &[Route], progress: &Progress) -> Result<Vec<Option<Root>>> {
    routes.iter().map(|route| root(route, progress)).collect()
}

fn root(route: &Route, progress: &Progress) -> Result<Option<Root>> {
    let Some((path, symlinks)) = route.root() else {
        return Ok(None);
    };
    progress.at(
        "the root",
        format!("[[route]] {} root", route.path),
        path.display(),
    );
    let opened = Root::open(path, symlinks);
    opened
        .map(Some)
        .with_context(|| format!("route {}: cannot open the root {}", route.path, path.display()))
}
