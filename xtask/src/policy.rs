//! The dependency policy of `deny.toml`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};

use crate::step;

/// Has cargo-deny check everything where it is installed; checks only the bans otherwise.
///
/// # Errors
///
/// When the policy is violated.
pub(crate) fn check() -> Result<()> {
    if step::has_cargo("deny") {
        let arguments = ["deny", "--all-features", "check", "bans", "licenses", "sources"];
        return step::run(
            &mut step::cargo(&arguments),
            "replace the dependency, or change deny.toml and say why",
        );
    }
    eprintln!("checking the bans only; `cargo install cargo-deny --locked` brings licences and sources too");
    let policy =
        fs::read_to_string(testbed::workspace().join("deny.toml")).context("cannot read deny.toml")?;
    let violations = violations(&bans(&policy), &packages()?);
    ensure!(
        violations.is_empty(),
        "{}; `cargo tree -i NAME` shows who asks for it",
        violations.join("; ")
    );
    Ok(())
}

/// A line of `deny.toml`: a crate that must not be there, or not twice.
#[derive(Debug, PartialEq)]
struct Ban<'a> {
    name: &'a str,
    allowed: usize,
}

fn bans(policy: &str) -> Vec<Ban<'_>> {
    let lines = policy
        .lines()
        .filter_map(|line| line.trim().strip_prefix("{ crate = \""));
    lines
        .filter_map(|line| line.split_once('"'))
        .map(|(name, rest)| Ban {
            name,
            allowed: usize::from(rest.contains("deny-multiple-versions = true")),
        })
        .collect()
}

/// Every package that any feature on any platform pulls in, as `name vX.Y.Z`.
fn packages() -> Result<BTreeSet<String>> {
    let arguments = "tree --workspace --all-features --target all --prefix none --format {p}";
    let output = step::cargo(&arguments.split(' ').collect::<Vec<_>>())
        .output()
        .context("cannot run cargo tree")?;
    ensure!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(lines
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect())
}

fn violations(bans: &[Ban<'_>], packages: &BTreeSet<String>) -> Vec<String> {
    let versions = |name: &str| {
        packages
            .iter()
            .filter(|package| package.split(' ').next() == Some(name))
            .count()
    };
    let broken = bans.iter().filter(|ban| versions(ban.name) > ban.allowed);
    broken
        .map(|ban| format!("{} is there {} times", ban.name, versions(ban.name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
    { crate = "ring", reason = "x" },
    { crate = "http", deny-multiple-versions = true },
    "#;

    #[test]
    fn banned_and_doubled_crates_are_found() {
        let packages = ["ring v0.17.0", "http v0.2.0", "http v1.0.0", "h2 v1.0.0"].map(str::to_owned);
        let found = violations(&bans(POLICY), &BTreeSet::from(packages));
        assert_eq!(found, ["ring is there 1 times", "http is there 2 times"]);
    }

    #[test]
    fn a_single_version_is_fine() {
        let packages = ["http v1.0.0", "ring-like v1.0.0"].map(str::to_owned);
        assert_eq!(
            violations(&bans(POLICY), &BTreeSet::from(packages)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_real_policy_is_understood() {
        let policy = fs::read_to_string(testbed::workspace().join("deny.toml")).unwrap();
        assert!(bans(&policy).contains(&Ban {
            name: "ring",
            allowed: 0
        }));
        assert!(bans(&policy).contains(&Ban {
            name: "h2",
            allowed: 1
        }));
    }
}
