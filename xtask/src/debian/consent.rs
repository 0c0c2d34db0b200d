//! Whether packages may be installed.

use std::env;
use std::io::{self, IsTerminal};

use anyhow::{Context, Result};

/// What the command line and the environment say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// `--install`, or `CI=true`.
    Given,
    /// The terminal is to be asked.
    Asked,
    /// There is no terminal.
    Withheld,
}

impl Consent {
    /// Takes `--install` out of `arguments`.
    pub(crate) fn take_from(arguments: &mut Vec<String>) -> Self {
        let count = arguments.len();
        arguments.retain(|argument| argument != "--install");
        let is_given = arguments.len() < count || env::var_os("CI").is_some_and(|value| value == "true");
        Self::of(is_given, io::stdin().is_terminal())
    }

    fn of(is_given: bool, is_terminal: bool) -> Self {
        match (is_given, is_terminal) {
            (true, _) => Self::Given,
            (false, true) => Self::Asked,
            (false, false) => Self::Withheld,
        }
    }

    /// Asks when that is needed. `line` is what would be run.
    ///
    /// # Errors
    ///
    /// When the terminal cannot be read.
    pub(super) fn is_given(self, line: &str) -> Result<bool> {
        match self {
            Self::Given => Ok(true),
            Self::Withheld => Ok(false),
            Self::Asked => {
                eprint!("   {line}\n   Run this now? [y/N] ");
                let mut answer = String::new();
                io::stdin()
                    .read_line(&mut answer)
                    .context("cannot read the answer")?;
                Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_taken_out_of_the_arguments() {
        let mut arguments = vec!["--install".to_owned(), "name".to_owned()];
        assert_eq!(Consent::take_from(&mut arguments), Consent::Given);
        assert_eq!(arguments, ["name"]);
    }

    #[test]
    fn without_a_terminal_silence_is_no_consent() {
        assert_eq!(Consent::of(false, false), Consent::Withheld);
        assert_eq!(Consent::of(false, true), Consent::Asked);
        assert_eq!(Consent::of(true, false), Consent::Given);
    }
}
