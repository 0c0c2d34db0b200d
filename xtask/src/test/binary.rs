//! The test programs of the workspace, as cargo has built them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::place::Place;
use crate::step;

/// What is played together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Units, codecs, simulations, the command line.
    Fast,
    /// Gateways and servers, each in processes of their own.
    Servers,
}

impl Group {
    /// The programs that start servers, in the order in which they are played: the name of the package and of the test.
    pub(super) const SERVERS: [(&str, &str); 6] = [
        ("bridgehead", "gateway"),
        ("testbed", "start"),
        ("bridgehead-conform", "relay"),
        ("bridgehead-conform", "real_servers"),
        ("bridgehead-conform", "front_ends"),
        ("bridgehead-conform", "mutants"),
    ];
}

/// A test program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binary {
    package: String,
    /// What chooses it on cargo's command line: `--lib`, `--bin name`, `--test name`.
    target: String,
    name: String,
    program: PathBuf,
    directory: PathBuf,
}

impl Binary {
    /// Builds all of them.
    ///
    /// # Errors
    ///
    /// When something does not compile.
    pub(super) fn build() -> Result<Vec<Self>> {
        let arguments = [
            "test",
            "--workspace",
            "--no-run",
            "--message-format=json-render-diagnostics",
        ];
        let output = step::cargo(&arguments)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("the tests do not compile");
        }
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(lines.lines().filter_map(Self::read).collect())
    }

    /// A message of cargo's, when it is about a test program.
    fn read(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        let program = PathBuf::from(message["executable"].as_str()?);
        if message["profile"]["test"] != Value::Bool(true) {
            return None;
        }
        let name = message["target"]["name"].as_str()?.to_owned();
        let target = match message["target"]["kind"][0].as_str()? {
            kind @ ("bin" | "test" | "example" | "bench") => format!("--{kind} {name}"),
            _ => "--lib".to_owned(),
        };
        let directory = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
        Some(Self {
            package: package(message["package_id"].as_str()?)?,
            target,
            name,
            program,
            directory,
        })
    }

    /// Where it stands in its group.
    pub(super) fn rank(&self) -> (Group, usize) {
        let is_it = |(package, name): &(&str, &str)| {
            self.target.starts_with("--test") && *package == self.package && *name == self.name
        };
        match Group::SERVERS.iter().position(is_it) {
            Some(rank) => (Group::Servers, rank),
            None => (Group::Fast, 0),
        }
    }

    /// The command that plays its tests, as cargo would run it.
    pub(super) fn command(&self, place: &Place) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.directory)
            .env("CARGO_MANIFEST_DIR", &self.directory)
            .env("TMPDIR", place.path());
        command
    }

    /// What chooses it on cargo's command line.
    pub(super) fn words(&self) -> String {
        format!("-p {} {}", self.package, self.target)
    }
}

/// The name in `path+file:///…/testbed#0.1.0` and `path+file:///…/protocol-tests#bridgehead-conform@0.1.0`.
fn package(id: &str) -> Option<String> {
    let (path, rest) = id.split_once('#')?;
    let name = match rest.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next()?,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///src/bh#bridgehead@0.1.0",
        "manifest_path":"/src/bh/Cargo.toml","target":{"kind":["test"],"name":"gateway"},
        "profile":{"test":true},"executable":"/src/bh/target/debug/deps/gateway-1"}"#;

    #[test]
    fn a_test_program_is_read_from_cargos_message() {
        let binary = Binary::read(MESSAGE).unwrap();
        assert_eq!(binary.words(), "-p bridgehead --test gateway");
        assert_eq!(binary.rank(), (Group::Servers, 0));
        assert_eq!(binary.directory, Path::new("/src/bh"));
    }

    #[test]
    fn what_is_no_test_program_is_passed_over() {
        assert_eq!(
            Binary::read(&MESSAGE.replace("\"test\":true", "\"test\":false")),
            None
        );
        assert_eq!(Binary::read("   Compiling bridgehead"), None);
    }

    #[test]
    fn a_package_is_named_after_its_directory_when_the_id_says_no_more() {
        assert_eq!(
            package("path+file:///src/bh/testbed#0.1.0").as_deref(),
            Some("testbed")
        );
    }
}
