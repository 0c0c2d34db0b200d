//! What goes wrong with a command, on stderr: in the colours of the complaints about a configuration.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::IsTerminal;

use crate::config;

/// Says what is wrong.
pub(super) fn error(message: impl Display) {
    eprint!("{}", config::headline(&message.to_string(), colour()));
}

/// Says what to do about it.
pub(super) fn help(message: impl Display) {
    match colour() {
        true => eprintln!("  = {BOLD}help{RESET}: {message}"),
        false => eprintln!("  = help: {message}"),
    }
}

/// Whether stderr shows colours.
pub(super) fn colour() -> bool {
    wanted(
        std::io::stderr().is_terminal(),
        std::env::var_os("NO_COLOR").as_deref(),
    )
}

/// `NO_COLOR` counts unless it is empty (no-color.org).
fn wanted(terminal: bool, no_color: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_user_wants_them() {
        assert!(wanted(true, None));
        assert!(wanted(true, Some(OsStr::new(""))));
        assert!(!wanted(true, Some(OsStr::new("1"))));
        assert!(!wanted(false, None));
    }
}
