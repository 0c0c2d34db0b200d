//! `root` and `alias`: two ways into a directory, of which a handler has one.

use std::path::PathBuf;

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::required;
use crate::frontend::config::DocumentRoot;

/// The directory of a handler whose table is `table`; `None` after a complaint.
pub(super) fn check<T>(
    table: &At<T>,
    root: Option<&At<PathBuf>>,
    alias: Option<&At<PathBuf>>,
    complaints: &mut Complaints,
) -> Option<DocumentRoot> {
    if let (Some(root), Some(alias)) = (root, alias) {
        complaints
            .error(alias.span(), "there is a `root` already")
            .related(root.span(), "here")
            .help("`root` looks the whole path up in the directory, `alias` what is behind the path of the route");
    }
    match (root, alias) {
        (Some(root), _) => Some(DocumentRoot::Root(root.to_path_buf())),
        (None, Some(alias)) => Some(DocumentRoot::Alias(alias.to_path_buf())),
        (None, None) => {
            let example = "root = \"/srv/www\", or an `alias` for the path of the route";
            required(table, "root", None::<&At<PathBuf>>, example, complaints);
            None
        }
    }
}

/// The values of `root` and of `alias`.
pub(super) fn shown(root: &DocumentRoot) -> (Option<At<PathBuf>>, Option<At<PathBuf>>) {
    let path = Some(At::nowhere(root.path().to_owned()));
    match root {
        DocumentRoot::Root(_) => (path, None),
        DocumentRoot::Alias(_) => (None, path),
    }
}
