//! What plays the tests: cargo-nextest where it is installed, else the test programs themselves.

use std::cmp::Ordering;
use std::fs;
use std::process::Command;

use anyhow::{Result, bail};

use super::binary::{Binary, Group};
use super::junit;
use super::libtest;
use super::place::Place;
use super::summary::{Failure, Summary};
use crate::step;

/// One of the two.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    has_nextest: bool,
    /// Tests that are ignored need root; [`libtest`] and nextest both play them then.
    is_root: bool,
    place: &'a Place,
}

impl<'a> Runner<'a> {
    /// The one that there is.
    pub(super) fn find(place: &'a Place) -> Self {
        let runner = Self {
            has_nextest: step::has_cargo("nextest"),
            is_root: testbed::is_root(),
            place,
        };
        if !runner.is_root {
            eprintln!("== not root: the tests that give privileges up are left out");
        }
        runner
    }

    /// Plays a group; what fails ends nothing else.
    ///
    /// # Errors
    ///
    /// When the tests do not compile, or cannot be run.
    pub(super) fn play(&self, group: Group, summary: &mut Summary) -> Result<()> {
        match self.has_nextest {
            true => self.nextest(group, summary),
            false => self.programs(group, summary),
        }
    }

    /// Plays the tests whose names contain one of `names`.
    ///
    /// # Errors
    ///
    /// When one fails; the runner's last lines say which.
    pub(super) fn play_only(&self, names: &[String]) -> Result<()> {
        let mut command = match self.has_nextest {
            true => self.nextest_command(),
            false => step::cargo(&["test", "--workspace", "--no-fail-fast", "--"]),
        };
        if self.is_root && !self.has_nextest {
            command.arg("--include-ignored");
        }
        step::run_last(command.args(names).env("TMPDIR", self.place.path()))
    }

    fn nextest_command(&self) -> Command {
        let mut command = step::cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
        if self.is_root {
            command.args(["--run-ignored", "all"]);
        }
        command.env("TMPDIR", self.place.path());
        command
    }

    fn nextest(&self, group: Group, summary: &mut Summary) -> Result<()> {
        let report = testbed::workspace().join("target/nextest/default/junit.xml");
        let _ = fs::remove_file(&report); // that of an earlier run
        let servers = Group::SERVERS.map(|(package, test)| format!("binary_id({package}::{test})"));
        let filter = match group {
            Group::Fast => format!("not ({})", servers.join(" | ")),
            Group::Servers => servers.join(" | "),
        };
        let status = self.nextest_command().args(["-E", &filter]).status()?;
        let mut failed = 0;
        for suite in junit::read(&fs::read_to_string(&report).unwrap_or_default()) {
            failed += suite.output.failed.len();
            let words = words(&suite.binary);
            summary.add(suite.output, |name| self.failure(&words, name));
        }
        if !status.success() && failed == 0 {
            bail!("cargo nextest ended with {status}, and no test has failed");
        }
        Ok(())
    }

    fn programs(&self, group: Group, summary: &mut Summary) -> Result<()> {
        let mut binaries = Binary::build()?;
        binaries.retain(|binary| binary.rank().0 == group);
        // The order of the others stays.
        binaries.sort_by(|one, other| match group {
            Group::Fast => Ordering::Equal,
            Group::Servers => one.rank().1.cmp(&other.rank().1),
        });
        for binary in binaries {
            let words = binary.words();
            eprintln!("== cargo test {words}");
            let mut command = binary.command(self.place);
            if self.is_root {
                command.arg("--include-ignored");
            }
            match libtest::play(&mut command) {
                Ok(output) => summary.add(output, |name| self.failure(&words, name)),
                Err(error) => {
                    let again = format!("cargo test {words}");
                    summary.fail(Failure::new(&format!("{error:#}"), again));
                }
            }
        }
        Ok(())
    }

    fn failure(&self, words: &str, name: &str) -> Failure {
        let ignored = if self.is_root { " --include-ignored" } else { "" };
        let again = format!("cargo test {words} --{ignored} --exact {name}");
        Failure::new(&format!("{words} {name}"), again)
    }
}

/// What chooses a program on cargo's command line, from the name that nextest gives it.
fn words(binary: &str) -> String {
    let (package, target) = binary.split_once("::").unwrap_or((binary, ""));
    match (target, target.split_once('/')) {
        ("", _) => format!("-p {package} --lib"),
        (_, Some((kind, name))) => format!("-p {package} --{kind} {name}"),
        (test, None) => format!("-p {package} --test {test}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_nextest_is_chosen_in_cargos_words() {
        assert_eq!(words("bridgehead"), "-p bridgehead --lib");
        assert_eq!(words("bridgehead::gateway"), "-p bridgehead --test gateway");
        assert_eq!(
            words("bridgehead::bin/bridgehead"),
            "-p bridgehead --bin bridgehead"
        );
    }
}
