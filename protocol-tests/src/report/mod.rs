//! Results for people and for programs.

mod json;
mod junit;
mod matrix;
mod tap;
mod terminal;

pub use json::Json;
pub use junit::Junit;
pub use matrix::{BadResults, Column, markdown, reasons, summary, variants};
pub use tap::Tap;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::Level;
    use crate::run::Verdict;

    /// One of each kind.
    pub(super) fn results() -> Results {
        let outcome = |id: &str, title: &str, verdict, level, known: Option<&str>| Outcome {
            why: "w".to_owned(),
            place: "x.toml:1".to_owned(),
            id: id.to_owned(),
            title: title.to_owned(),
            spec: "§1".to_owned(),
            level,
            verdict,
            observed: "closed".to_owned(),
            known: known.map(str::to_owned),
            varies: false,
            took: Duration::from_millis(2),
            transcript: Vec::new(),
        };
        let (fail, hang) = (
            Verdict::Fail("not <200>".to_owned()),
            Verdict::Hang("no answer".to_owned()),
        );
        let text = |text: &str| text.to_owned();
        Results {
            subject: Subject {
                protocol: text("fastcgi"),
                side: text("server"),
                target: text("unix:/x"),
                name: text("x"),
            },
            outcomes: vec![
                outcome("A-1", "one", Verdict::Pass(Vec::new()), Level::Must, None),
                outcome("A-2", "two", fail, Level::Must, None),
                outcome("A-3", "three", hang, Level::Should, Some("by choice")),
                outcome("A-4", "four", Verdict::Skip(text("needs x")), Level::Must, None),
            ],
            took: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_known_deviation_does_not_fail_the_run() {
        let mut results = results();
        assert!(results.failed());
        results.outcomes.remove(1);
        assert!(!results.failed());
        assert_eq!((results.count("known"), results.count("skip")), (1, 1));
    }
}
