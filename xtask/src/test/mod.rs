//! `cargo xtask test`: everything that has to pass before a commit. What fails ends nothing but itself.

mod binary;
mod junit;
mod libtest;
mod place;
mod runner;
mod summary;

use anyhow::Result;

use crate::debian::{self, Consent};
use crate::{bench, chaos, guard, policy, step};
use binary::Group;
use place::Place;
use runner::Runner;
use summary::{Failure, Summary};

/// Every check and every test: first what is fast, then what starts real servers, then the faults. The last line says
/// how much has passed; those before it name what has failed, each with the command that plays it alone.
///
/// # Errors
///
/// When packages or the virtual environment are missing and cannot be had, and when anything has failed.
pub(crate) fn everything(consent: Consent) -> Result<()> {
    eprintln!(
        "== checks, fast tests, tests with real servers, faults, guard; `cargo xtask test NAME` plays some"
    );
    debian::ensure(&bench::packages::all(), consent)?;
    step::named("virtual environment", || testbed::ensure_venv().map(drop))?;
    let mut summary = Summary::default();
    let format = ["fmt", "--all", "--check"];
    summary.check("format", "cargo fmt --all", || cargo(&format));
    let again = "cargo deny check, or `cargo xtask test` without cargo-deny";
    summary.check("dependency policy", again, policy::check);
    let place = Place::new()?;
    let runner = Runner::find(&place);
    summary.step("fast tests", |summary| runner.play(Group::Fast, summary));
    checks(&mut summary);
    summary.step("tests with real servers", |summary| {
        runner.play(Group::Servers, summary)
    });
    summary.step("faults, short form", faults);
    summary.check(
        "guard of instructions and system calls",
        "cargo xtask guard",
        || guard::run(&[], consent),
    );
    place.report(&mut summary);
    summary.conclude()
}

/// What compiles everything once more.
fn checks(summary: &mut Summary) {
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    summary.check("clippy", &format!("cargo {}", clippy.join(" ")), || {
        cargo(&clippy)
    });
    let again = "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --workspace";
    summary.check("documentation", again, || {
        let mut command = step::cargo(&["doc", "--no-deps", "--workspace"]);
        step::run(
            command.env("RUSTDOCFLAGS", "-D warnings"),
            "mend the doc comments",
        )
    });
    summary.step("documentation tests", |summary| {
        let tests = ["test", "--workspace", "--doc", "--no-fail-fast"];
        let output = libtest::play(&mut step::cargo(&tests))?;
        // A name begins with the file.
        let file = |name: &str| name.split(' ').next().unwrap_or(name).to_owned();
        summary.add(output, |name| {
            let again = format!("cargo test --workspace --doc -- {}", file(name));
            Failure::new(name, again)
        });
        Ok(())
    });
}

fn faults(summary: &mut Summary) -> Result<()> {
    let (passed, failed) = chaos::short()?;
    summary.pass(passed);
    for name in failed {
        summary.fail(Failure::new(&name, chaos::again(&name)));
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    step::run(&mut step::cargo(arguments), "see above")
}

/// The tests whose names contain one of `names`. Arguments that begin with `-` reach the test runner as they are.
///
/// # Errors
///
/// When packages are missing, and when a test fails.
pub(crate) fn only(names: &[String], consent: Consent) -> Result<()> {
    debian::ensure(&testbed::PACKAGES, consent)?;
    let place = Place::new()?;
    Runner::find(&place).play_only(names)
}
