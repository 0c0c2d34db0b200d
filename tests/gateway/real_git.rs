//! Git over HTTP as in `examples/configs/fcgiwrap-git.toml`: a CGI program with large bodies of unknown length.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use testbed::{Backend, Gateway, Kind, Options};

use crate::start;

/// A served bare repository `project.git`, and a place for clones.
struct Host {
    gateway: Gateway,
    dir: TempDir,
    _backend: Backend,
}

impl Host {
    /// `user` may push; without one, everybody may read.
    fn start(user: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let backend = Kind::Fcgiwrap.start(&Options::default()).unwrap();
        let gateway = start(&configuration(&backend, dir.path(), user));
        let host = Self {
            gateway,
            dir,
            _backend: backend,
        };
        let served = host.dir.path().join("srv");
        fs::create_dir(&served).unwrap();
        host.git(
            &served,
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                "project.git",
            ],
        );
        host
    }

    fn url(&self) -> String {
        format!("http://{}/git/project.git", self.gateway.addr())
    }

    /// Clones, and gives the path of the clone.
    fn clone(&self, name: &str) -> PathBuf {
        self.git(self.dir.path(), &["clone", "--quiet", &self.url(), name]);
        self.dir.path().join(name)
    }

    /// Adds a file in `clone` and commits it; gives the commit's id.
    fn commit(&self, clone: &Path, name: &str, content: &[u8]) -> String {
        fs::write(clone.join(name), content).unwrap();
        self.git(clone, &["add", name]);
        self.git(clone, &["commit", "--quiet", "-m", name]);
        self.head(clone)
    }

    fn head(&self, repository: &Path) -> String {
        self.git(repository, &["rev-parse", "main"])
    }

    fn served(&self) -> PathBuf {
        self.dir.path().join("srv/project.git")
    }

    /// What git prints; it has to succeed.
    fn git(&self, place: &Path, arguments: &[&str]) -> String {
        let output = self.try_git(place, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "git {arguments:?}: {errors}\n{}",
            self.gateway.errors()
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Git without anybody's settings.
    fn try_git(&self, place: &Path, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@test.example"])
            .args(arguments)
            .current_dir(place)
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("http_proxy")
            .env_remove("all_proxy")
            .env_remove("ALL_PROXY")
            .env("LC_ALL", "C")
            .env_remove("GIT_DIR")
            .output()
            .expect("git is installed: cargo xtask test installs it")
    }

    /// Waits for such a line of the access log.
    fn wait_logged(&self, wanted: impl Fn(&Value) -> bool) {
        let mut count = 1;
        loop {
            let lines = self.gateway.wait_access(count).unwrap();
            let mut parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
            if parsed.any(|line| wanted(&line)) {
                return;
            }
            count = lines.len() + 1;
        }
    }
}

/// The example with the paths of this test.
fn configuration(backend: &Backend, dir: &Path, user: Option<&str>) -> String {
    let file = testbed::workspace().join("examples/configs/fcgiwrap-git.toml");
    let output = Command::new("git").arg("--exec-path").output().unwrap();
    let programs = String::from_utf8(output.stdout).unwrap();
    let user = user.map_or(String::new(), |user| format!(", REMOTE_USER = \"{user}\""));
    let mut text = fs::read_to_string(file).unwrap();
    for (example, ours) in [
        ("127.0.0.1:8080\"", "127.0.0.1:0\"".to_owned()),
        ("unix:/run/fcgiwrap.sock\"", format!("{}\"", backend.address())),
        ("/usr/lib/git-core/", format!("{}/", programs.trim())),
        ("/srv/git\"", format!("{}\"", dir.join("srv").display())),
        ("EXPORT_ALL = \"1\"", format!("EXPORT_ALL = \"1\"{user}")),
    ] {
        assert!(text.contains(example), "{example} is not in the example any more");
        text = text.replace(example, &ours);
    }
    text
}

#[test]
fn a_repository_is_pushed_and_cloned() {
    let host = Host::start(Some("alice"));
    let first = host.clone("first");
    let small = host.commit(&first, "small", b"small\n");
    host.git(&first, &["push", "--quiet", "origin", "main"]);
    assert_eq!(host.head(&host.served()), small);
    let second = host.clone("second");
    assert_eq!(host.head(&second), small);
    // Other commits go the other way.
    let more = host.commit(&second, "more", b"more\n");
    host.git(&second, &["push", "--quiet", "origin", "main"]);
    host.git(&first, &["pull", "--quiet", "origin", "main"]);
    assert_eq!(host.head(&first), more);
}

/// Beyond `http.postBuffer`, 1 MiB, git sends chunks.
#[test]
fn a_large_push_arrives_whole() {
    let host = Host::start(Some("alice"));
    let first = host.clone("first");
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(5_000_000).collect();
    let large = host.commit(&first, "large", &noise);
    host.git(&first, &["push", "--quiet", "origin", "main"]);
    assert_eq!(host.head(&host.served()), large);
    host.wait_logged(|line| line["request_bytes"].as_u64() > Some(5_000_000));
    let second = host.clone("second");
    assert_eq!(host.head(&second), large);
    assert!(fs::read(second.join("large")).unwrap() == noise);
    host.git(&host.served(), &["fsck", "--strict"]);
}

#[test]
fn a_push_without_a_user_is_refused() {
    let host = Host::start(None);
    let first = host.clone("first");
    host.commit(&first, "small", b"small\n");
    let push = host.try_git(&first, &["push", "--quiet", "origin", "main"]);
    assert!(!push.status.success());
    host.wait_logged(|line| line["status"] == 403);
}
