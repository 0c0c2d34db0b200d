//! Prometheus' own opinion about metrics.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::packages;

/// Has `promtool check metrics` look at a page in Prometheus' text format.
///
/// # Errors
///
/// When promtool is missing (the error holds the line that installs it), and with everything that it has to say.
pub fn check_metrics(page: &str) -> Result<()> {
    if let Some(complaint) = packages::complaint(&["prometheus"]) {
        bail!("checking metrics {complaint}");
    }
    let mut promtool = Command::new("/usr/bin/promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start promtool")?;
    let mut input = promtool.stdin.take().context("no input of promtool")?;
    // It reads all before it says anything.
    input
        .write_all(page.as_bytes())
        .context("promtool takes no input")?;
    drop(input);
    let output = promtool.wait_with_output().context("promtool does not end")?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(
        output.status.success() && said.is_empty(),
        "promtool: {said}\n{page}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_promtool_finds_mistakes() {
        check_metrics("# HELP a_total Events.\n# TYPE a_total counter\na_total 1\n").expect("no mistake");
        let unnamed = "# HELP a Events.\n# TYPE a counter\na 1\n";
        let error = check_metrics(unnamed).expect_err("a counter without its suffix");
        assert!(error.to_string().contains("_total"), "{error}");
        assert!(check_metrics("a{ 1\n").is_err());
    }
}
