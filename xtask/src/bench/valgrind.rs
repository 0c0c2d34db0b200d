//! The command that has instructions counted.

use std::path::Path;

/// Of Debian's valgrind.
pub(crate) const PROGRAM: &str = "/usr/bin/valgrind";

/// The command that has the rest of a line counted into the file `profile`.
pub(crate) fn words(profile: &Path) -> Vec<String> {
    let file = format!("--callgrind-out-file={}", profile.display());
    vec![PROGRAM.to_owned(), "--tool=callgrind".to_owned(), file]
}
