//! `cargo xtask test`: everything that has to pass before a commit.

use anyhow::Result;

use crate::{chaos, debian, policy, step};

/// Every check, then every test. The test runner's summary comes last.
///
/// # Errors
///
/// The first step that fails, with what to do about it.
pub(crate) fn everything() -> Result<()> {
    step::named("Debian packages", || {
        debian::install(&testbed::missing(), &testbed::DEBIAN_PACKAGES)
    })?;
    step::named("virtual environment", || testbed::ensure_venv().map(drop))?;
    step::named("format", || {
        step::run(
            &mut step::cargo(&["fmt", "--all", "--check"]),
            "run `cargo fmt --all`",
        )
    })?;
    step::named("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        step::run(&mut step::cargo(&arguments), "mend what clippy complains of")
    })?;
    step::named("documentation", || {
        let mut command = step::cargo(&["doc", "--no-deps", "--workspace"]);
        step::run(
            command.env("RUSTDOCFLAGS", "-D warnings"),
            "mend the doc comments",
        )
    })?;
    step::named("dependency policy", policy::check)?;
    if step::has_cargo("nextest") {
        step::named("documentation tests", || {
            step::run(
                &mut step::cargo(&["test", "--workspace", "--doc"]),
                "mend the examples in the doc comments",
            )
        })?;
    }
    step::named("faults, short form", chaos::short)?;
    eprintln!("== tests; `cargo xtask test NAME` runs one of them");
    only(&[])
}

/// The tests whose names contain one of `names`; all when there are none. Arguments that begin with `-` reach the
/// test runner as they are.
///
/// # Errors
///
/// When a test fails.
pub(crate) fn only(names: &[String]) -> Result<()> {
    // What is ignored needs root: see the reasons there.
    let is_root = testbed::is_root();
    let arguments: &[&str] = match (step::has_cargo("nextest"), is_root) {
        (true, true) => &["nextest", "run", "--workspace", "--run-ignored", "all"],
        (true, false) => &["nextest", "run", "--workspace"],
        (false, true) => &["test", "--workspace", "--", "--include-ignored"],
        (false, false) => &["test", "--workspace", "--"],
    };
    if !is_root {
        eprintln!("== not root: the tests that give privileges up are left out");
    }
    step::run_last(step::cargo(arguments).args(names))
}
