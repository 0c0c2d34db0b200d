//! One step of a task: a command with a name, a time and advice for when it fails.

use std::ffi::OsStr;
use std::fmt;
use std::iter;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

/// Runs `work` under a heading and says how long it took.
///
/// # Errors
///
/// What `work` returns.
pub(crate) fn named<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("== {name}");
    let start = Instant::now();
    let result = work()?;
    eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(result)
}

/// Runs `command` with our output.
///
/// # Errors
///
/// [`Failure`] when the command fails, with `advice` on what to do about it.
pub(crate) fn run(command: &mut Command, advice: &str) -> Result<()> {
    status(command, advice)
}

/// Runs `command`, whose own closing lines say what failed: we add nothing to them.
///
/// # Errors
///
/// [`Failure`] when the command fails.
pub(crate) fn run_last(command: &mut Command) -> Result<()> {
    status(command, REPORTED)
}

/// Whether `cargo SUBCOMMAND --version` works.
pub(crate) fn has_cargo(subcommand: &str) -> bool {
    let mut command = cargo(&[subcommand, "--version"]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Cargo at the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(testbed::workspace());
    command
}

/// A command that ended with something else than success.
#[derive(Debug)]
pub(crate) struct Failure {
    line: String,
    code: u8,
    advice: String,
}

impl Failure {
    /// Everything about it has been printed.
    pub(crate) fn reported() -> Self {
        Self {
            line: String::new(),
            code: 1,
            advice: REPORTED.to_owned(),
        }
    }

    /// Whether the command's output is all there is to say.
    pub(crate) fn is_reported(&self) -> bool {
        self.advice == REPORTED
    }

    /// The command's own exit status.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` failed with status {}; {}",
            self.line, self.code, self.advice
        )
    }
}

impl std::error::Error for Failure {}

fn status(command: &mut Command, advice: &str) -> Result<()> {
    let words: Vec<_> = iter::once(command.get_program())
        .chain(command.get_args())
        .collect();
    let line = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`; {advice}"))?;
    if status.success() {
        return Ok(());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Err(Failure {
        line,
        code,
        advice: advice.to_owned(),
    }
    .into())
}

const REPORTED: &str = "see above"; // the advice of a command that gives its own
