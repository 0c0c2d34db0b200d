//! Absolute paths of this machine.

use std::path::{Component, Path, PathBuf};

use crate::config::complaints::Complaints;
use crate::config::file::At;

/// An absolute path; `what` it is the path of goes into the complaint.
pub(super) fn absolute(typed: &At<String>, what: &str, complaints: &mut Complaints) -> PathBuf {
    let path = Path::new(typed.as_str());
    if typed.contains('\0') {
        complaints.error(typed.span(), format!("the path of {what} has a NUL in it"));
    } else if !path.is_absolute() {
        complaints
            .error(typed.span(), format!("the path of {what} is not absolute"))
            .help("begin it with a slash; what it would be relative to depends on how Bridgehead is started");
    } else if path.components().any(|part| part == Component::ParentDir) {
        complaints
            .error(typed.span(), format!("the path of {what} has `..` in it"))
            .help("write where it leads to");
    }
    path.to_owned()
}

/// [`absolute`], for places that go to the application as text.
pub(super) fn absolute_text(typed: &At<String>, what: &str, complaints: &mut Complaints) -> String {
    absolute(typed, what, complaints);
    typed.to_string()
}
