//! `[app.NAME] program`.

use std::path::PathBuf;

use crate::config::units::Text;

/// An absolute path, or a name to be looked for.
pub(super) const PROGRAM: Text<PathBuf> = Text {
    words: "path or name",
    read: |typed, complaints| {
        let is_path = typed.contains('/');
        if typed.is_empty() || typed.contains('\0') || is_path && !typed.starts_with('/') {
            complaints
                .error(typed.span(), "neither an absolute path nor the name of a program")
                .help("begin a path with a slash; a name is looked for on the search path");
        }
        Some(PathBuf::from(typed.as_str()))
    },
    show: |program| program.to_string_lossy().into_owned(),
};
