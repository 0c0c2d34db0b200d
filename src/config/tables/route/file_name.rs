//! Names of files in directories.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::Text;

/// The file tried for a directory of PHP scripts.
pub(super) const PHP_INDEX: Text<String> = Text {
    words: "file name",
    read: |typed, complaints| read(typed, "index.php", complaints),
    show: String::clone,
};

/// The file tried for a directory of files.
pub(super) const INDEX: Text<String> = Text {
    words: "file name",
    read: |typed, complaints| read(typed, "index.html", complaints),
    show: String::clone,
};

fn read(typed: &At<String>, example: &str, complaints: &mut Complaints) -> Option<String> {
    if typed.is_empty() || typed.contains(['/', '\0']) || typed.starts_with('.') {
        complaints
            .error(typed.span(), "not the name of a file in a directory")
            .help(format!("write a name without slashes, such as \"{example}\""));
    }
    Some(typed.to_string())
}
