//! What the standard test harness prints.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The results of one or more test programs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// How many tests have passed.
    pub(super) passed: usize,
    /// The names of those that have not.
    pub(super) failed: Vec<String>,
}

/// Runs `command`, shows what it prints, and reads it.
///
/// # Errors
///
/// When it cannot be run, and when it fails without a test that does: it has not compiled, or has crashed.
pub(super) fn play(command: &mut Command) -> Result<Output> {
    let line = format!("{command:?}");
    let mut process = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {line}"))?;
    let mut reader = Reader::default();
    for bytes in BufReader::new(process.stdout.take().context("no output")?).split(b'\n') {
        let bytes = bytes?;
        let mut shown = stdout().lock();
        shown.write_all(&bytes)?;
        shown.write_all(b"\n")?;
        reader.line(&String::from_utf8_lossy(&bytes));
    }
    let status = process.wait()?;
    let output = reader.end();
    if !status.success() && output.failed.is_empty() {
        bail!("{line} ended with {status}, and no test has failed");
    }
    Ok(output)
}

#[derive(Debug, Default)]
struct Reader {
    /// The programs that are over.
    output: Output,
    /// The one that runs, as the lines about single tests have it.
    running: Output,
    /// Whether a list of failures has begun.
    in_list: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.result(result);
        } else if let Some(test) = line.strip_prefix("test ") {
            self.test(test);
        } else if line == "failures:" {
            self.in_list = true;
        } else if let Some(name) = line.strip_prefix("    ").filter(|_| self.in_list) {
            self.fail(name);
        } else if !line.is_empty() {
            self.in_list = false; // the output of the tests that failed comes under the same heading
        }
    }

    /// `name ... ok`. Of several tests at once, each has a line of its own.
    fn test(&mut self, test: &str) {
        match test.rsplit_once(" ... ") {
            Some((_, "ok")) => self.running.passed += 1,
            Some((name, "FAILED")) => self.fail(name),
            _ => {}
        }
    }

    fn fail(&mut self, name: &str) {
        let name = name.trim_end_matches(" - should panic").to_owned();
        if !self.running.failed.contains(&name) {
            self.running.failed.push(name);
        }
    }

    /// `FAILED. 7 passed; 1 failed; …`, which is right even where a line about a test was torn by other output.
    fn result(&mut self, result: &str) {
        let count = |what: &str| -> Option<usize> {
            let (before, _) = result.split_once(what)?;
            before.rsplit(' ').next()?.parse().ok()
        };
        self.running.passed = count(" passed").unwrap_or(self.running.passed);
        let nameless = count(" failed")
            .unwrap_or(0)
            .saturating_sub(self.running.failed.len());
        if nameless > 0 {
            self.running.failed.push(format!("{nameless} without a name"));
        }
        self.next();
    }

    fn next(&mut self) {
        let over = std::mem::take(&mut self.running);
        self.output.passed += over.passed;
        self.output.failed.extend(over.failed);
        self.in_list = false;
    }

    fn end(mut self) -> Output {
        self.next();
        self.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Output {
        let mut reader = Reader::default();
        text.lines().for_each(|line| reader.line(line));
        reader.end()
    }

    #[test]
    fn results_of_several_programs_are_added() {
        let output = read(
            "\nrunning 2 tests\ntest a ... ok\ntest b ... ignored, why\n\n\
             test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
             running 1 test\ntest src/lib.rs - (line 4) ... ok\n\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n",
        );
        assert_eq!((output.passed, output.failed.len()), (2, 0));
    }

    #[test]
    fn each_failure_is_named_once_and_their_output_names_none() {
        let output = read(
            "running 3 tests\ntest a::b ... FAILED\ntest c ... ok\ntest d - should panic ... FAILED\n\n\
             failures:\n\n---- a::b stdout ----\nfailures:\nwhat\n    an indented line\n\n\n\
             failures:\n    a::b\n    d\n\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n",
        );
        assert_eq!(
            (output.passed, output.failed),
            (1, vec!["a::b".to_owned(), "d".to_owned()])
        );
    }

    #[test]
    fn a_torn_line_hides_no_failure() {
        let output = read(
            "test a ... noise of a child\nFAILED\n\n\
             test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n",
        );
        assert_eq!(output.failed, ["1 without a name"]);
    }

    #[test]
    fn a_program_that_crashed_has_what_it_has_shown() {
        let output = read("running 3 tests\ntest a ... ok\ntest b ... FAILED\n");
        assert_eq!((output.passed, output.failed), (1, vec!["b".to_owned()]));
    }
}
