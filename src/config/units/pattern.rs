//! Patterns: texts that begin with a tilde.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::frontend::config::{Pattern, PatternError};

/// The pattern that was typed; `None` for a text that is none, and after a complaint. The latter is told by the flag.
pub(in crate::config) fn pattern(typed: &At<String>, complaints: &mut Complaints) -> Option<Option<Pattern>> {
    match Pattern::new(typed)? {
        Ok(pattern) => Some(Some(pattern)),
        Err(error) => {
            let help = match &error {
                PatternError::TooLong => "several routes, each with a pattern of its own, say the same",
                PatternError::TooLarge => {
                    "a repetition such as `{1,1000}` is written out: leave the numbers out"
                }
                PatternError::Syntax(_) => {
                    "patterns are those of the Rust crate `regex`: without look-around and back-references"
                }
            };
            complaints.error(typed.span(), error.to_string()).help(help);
            Some(None)
        }
    }
}
