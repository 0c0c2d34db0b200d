//! What has passed, what has failed and what took how long.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::libtest::Output;
use crate::step;

/// The account of a whole run.
#[derive(Debug, Default)]
pub(super) struct Summary {
    passed: usize,
    failures: Vec<Failure>,
    times: Vec<(String, Duration)>,
}

/// Something that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    name: String,
    again: String,
}

impl Failure {
    /// `again` plays it alone.
    pub(super) fn new(name: &str, again: String) -> Self {
        Self {
            name: name.to_owned(),
            again,
        }
    }
}

impl Summary {
    /// Runs something that passes or fails as a whole.
    pub(super) fn check(&mut self, name: &str, again: &str, work: impl FnOnce() -> Result<()>) {
        self.step(name, |summary| {
            match work() {
                Ok(()) => summary.pass(1),
                Err(error) => {
                    eprintln!("== {name} failed: {error:#}");
                    summary.fail(Failure::new(name, again.to_owned()));
                }
            }
            Ok(())
        });
    }

    /// Runs something that counts for itself. An error is that it could not.
    pub(super) fn step(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        let start = Instant::now();
        eprintln!("== {name}");
        if let Err(error) = work(self) {
            eprintln!("== {name} failed: {error:#}");
            self.fail(Failure::new(name, "cargo xtask test".to_owned()));
        }
        let time = start.elapsed();
        eprintln!("== {name}: {:.1} s", time.as_secs_f64());
        self.times.push((name.to_owned(), time));
    }

    /// Counts what has passed.
    pub(super) fn pass(&mut self, count: usize) {
        self.passed += count;
    }

    /// Notes what has failed.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// Counts the tests of one program.
    pub(super) fn add(&mut self, output: Output, failure: impl Fn(&str) -> Failure) {
        self.passed += output.passed;
        self.failures
            .extend(output.failed.iter().map(|name| failure(name)));
    }

    /// Prints it.
    ///
    /// # Errors
    ///
    /// When anything has failed.
    pub(super) fn conclude(self) -> Result<()> {
        println!("{}", self.text());
        match self.failures.is_empty() {
            true => Ok(()),
            false => Err(step::Failure::reported().into()),
        }
    }

    fn text(&self) -> String {
        let time = |(name, time): &(String, Duration)| format!("{name} {:.0} s", time.as_secs_f64());
        let times: Vec<_> = self.times.iter().map(time).collect();
        let failures = self.failures.iter();
        let failures: String = failures
            .map(|failure| format!("failed: {}\n    {}\n", failure.name, failure.again))
            .collect();
        format!(
            "\n== time: {}\n{failures}{} passed, {} failed",
            times.join(", "),
            self.passed,
            self.failures.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_last_line_counts_and_those_before_it_name_what_failed() {
        let mut summary = Summary::default();
        summary.check("format", "cargo fmt", || bail!("not formatted"));
        summary.check("policy", "cargo deny", || Ok(()));
        summary.step("tests", |summary| {
            summary.pass(7);
            summary.fail(Failure::new("a::b", "cargo test a::b".to_owned()));
            Ok(())
        });
        let text = summary.text();
        let lines: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "failed: format",
                "    cargo fmt",
                "failed: a::b",
                "    cargo test a::b",
                "8 passed, 2 failed"
            ]
        );
    }

    #[test]
    fn a_step_that_could_not_count_has_failed() {
        let mut summary = Summary::default();
        summary.step("tests", |_| bail!("no such program"));
        assert!(summary.text().ends_with("\n0 passed, 1 failed"));
    }
}
