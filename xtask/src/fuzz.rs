//! `cargo xtask fuzz`: the targets below `fuzz/`, with their speed.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::step;

/// Runs one target, or each, and prints executions per second.
///
/// # Errors
///
/// When cargo-fuzz or a nightly toolchain is missing, or a target finds something.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    ensure!(
        step::has_cargo("fuzz"),
        "cargo-fuzz is missing; run `cargo install cargo-fuzz --locked`"
    );
    let (targets, seconds) = match arguments {
        [] => (targets()?, SECONDS),
        [only] => match only.parse() {
            Ok(seconds) => (targets()?, seconds),
            Err(_) => (vec![only.clone()], SECONDS),
        },
        [target, seconds] => (
            vec![target.clone()],
            seconds.parse().context("SECONDS is not a number")?,
        ),
        _ => bail!("usage: cargo xtask fuzz [TARGET] [SECONDS]"),
    };
    for target in targets {
        eprintln!("== {target} for {seconds} s");
        println!("{target}: {} executions per second", speed(&target, seconds)?);
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let output = cargo_fuzz(&["list"])
        .output()
        .context("cannot run cargo fuzz list")?;
    ensure!(
        output.status.success(),
        "no fuzz targets: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Executions per second over the whole run. What libFuzzer prints is shown only when it found something.
fn speed(target: &str, seconds: u64) -> Result<u64> {
    let limit = format!("-max_total_time={seconds}");
    let mut command = cargo_fuzz(&["run", target, "--", &limit, "-print_final_stats=1"]);
    let output = command
        .stdout(Stdio::null())
        .output()
        .context("cannot run cargo fuzz")?;
    let report = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{report}\n{target} failed; the input is below fuzz/artifacts/{target}"
    );
    average(&report).with_context(|| format!("{target} printed no final statistics"))
}

fn average(report: &str) -> Option<u64> {
    let line = report
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("stat::average_exec_per_sec:"))?;
    line.trim().parse().ok()
}

/// libFuzzer needs the sanitizers of a nightly compiler.
fn cargo_fuzz(arguments: &[&str]) -> Command {
    let mut command = step::cargo(&["+nightly", "fuzz"]);
    command.args(arguments).env_remove("RUSTUP_TOOLCHAIN");
    command
}

const SECONDS: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_read_from_the_final_statistics() {
        let report = "#2\tINITED\nstat::number_of_executed_units: 99\nstat::average_exec_per_sec:     4711\nstat::x: 1\n";
        assert_eq!(average(report), Some(4711));
        assert_eq!(average("Done"), None);
    }
}
