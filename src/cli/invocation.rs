//! How this program was started, for command lines that can be pasted into a shell.

use std::path::{Path, PathBuf, absolute};

/// The word that starts this program from any directory.
pub(super) fn program() -> String {
    let name = std::env::args_os().next().map(PathBuf::from);
    quoted(&from_anywhere(&name.unwrap_or_else(|| "bridgehead".into())))
}

/// A bare name was found by the shell, and will be again; a path is made absolute, as it means another file elsewhere.
fn from_anywhere(name: &Path) -> String {
    let is_bare = name.components().count() == 1 && !name.is_absolute();
    match absolute(name) {
        Ok(path) if !is_bare => path.display().to_string(),
        _ => name.display().to_string(),
    }
}

/// A text as one word of a POSIX shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:+,@%=".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_special_characters_are_quoted() {
        for (text, word) in [
            ("/usr/bin/bridgehead", "/usr/bin/bridgehead"),
            ("unix:/run/a b.sock", "'unix:/run/a b.sock'"),
            ("it's", r"'it'\''s'"),
            ("$(date)", "'$(date)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn a_bare_name_stays_and_a_path_becomes_absolute() {
        assert_eq!(from_anywhere(Path::new("bridgehead")), "bridgehead");
        assert_eq!(from_anywhere(Path::new("/x/bridgehead")), "/x/bridgehead");
        let here = std::env::current_dir().unwrap();
        let there = here.join("target/debug/bridgehead").display().to_string();
        assert_eq!(from_anywhere(Path::new("target/debug/bridgehead")), there);
    }
}
