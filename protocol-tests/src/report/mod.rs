//! Results for people and for programs.

mod json;
mod terminal;

pub use json::Json;
pub use terminal::Terminal;

use std::io;
use std::time::Duration;

use crate::run::Outcome;

/// What a run was about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `fastcgi`, for instance.
    pub protocol: String,
    /// `server` or `frontend`.
    pub side: String,
    /// The target's address or URL.
    pub target: String,
    /// The name under which results are compared: `--name`, else the profile's.
    pub name: String,
}

/// Outcomes and the time they took.
#[derive(Clone, Debug)]
pub struct Results {
    /// What they are about.
    pub subject: Subject,
    /// In the order of the cases.
    pub outcomes: Vec<Outcome>,
    /// The whole run.
    pub took: Duration,
}

impl Results {
    /// How many outcomes have this word.
    pub fn count(&self, word: &str) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.word() == word)
            .count()
    }

    /// Whether the run failed.
    pub fn failed(&self) -> bool {
        self.outcomes.iter().any(Outcome::is_failure)
    }
}

/// A way to write results down.
pub trait Report {
    /// Takes an outcome as soon as it is there, in no particular order.
    ///
    /// # Errors
    ///
    /// Those of writing.
    fn outcome(&mut self, outcome: &Outcome) -> io::Result<()> {
        let _ = outcome;
        Ok(())
    }

    /// Takes all of them at the end.
    ///
    /// # Errors
    ///
    /// Those of writing.
    fn finish(&mut self, results: &Results) -> io::Result<()>;
}
