//! `bridgehead check` and the exit codes of the command line.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use assert_cmd::Command;
use tempfile::TempDir;
use testbed::{Authority, Wanted};

fn bridgehead(arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("bridgehead").expect("a built binary");
    let output = command.args(arguments).output().expect("a binary that starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        output.status.code().expect("no signal"),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A copy of a configuration, all of whose directories and scripts are there, below a temporary one: for every user, since the
/// configuration names one.
fn at_home(configuration: &str) -> io::Result<(TempDir, PathBuf)> {
    let everyone = Permissions::from_mode(0o777);
    let dir = tempfile::tempdir()?;
    fs::set_permissions(dir.path(), everyone.clone())?;
    let mut text = fs::read_to_string(configuration)?;
    for path in [
        "/srv/shop/public",
        "/srv/shop/static",
        "/srv/media",
        "/var/lib/bridgehead",
        "/var/log/bridgehead",
    ] {
        let home = dir.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(home.join("uploads"))?;
        fs::write(home.join("index.php"), "")?;
        fs::set_permissions(&home, everyone.clone())?;
        text = text.replace(path, &home.to_string_lossy());
    }
    let file = dir.path().join("bridgehead.toml");
    fs::write(&file, text)?;
    Ok((dir, file))
}

#[test]
fn a_fine_configuration_is_called_fine() {
    let (_dir, file) = at_home("fixtures/config/valid/everything.toml").unwrap();
    let file = file.to_str().unwrap();
    let (code, stdout, stderr) = bridgehead(&["check", "-c", file]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (0, format!("{file}: the configuration is fine\n").as_str(), "")
    );
}

#[test]
fn complaints_go_to_stderr_with_exit_code_64() {
    let (code, stdout, stderr) = bridgehead(&["check", "-c", "fixtures/config/invalid/unknown-keys.toml"]);
    assert_eq!((code, stdout.as_str()), (64, ""));
    assert_eq!(
        stderr,
        fs::read_to_string("fixtures/config/invalid/unknown-keys.stderr").unwrap()
    );
}

#[test]
fn warnings_do_not_make_it_fail() {
    let (code, stdout, stderr) = bridgehead(&["check", "-c", "fixtures/config/warning/keep-alive.toml"]);
    assert_eq!(code, 0);
    assert!(stdout.ends_with("is fine\n"), "{stdout}");
    assert!(stderr.starts_with("warning: "), "{stderr}");
}

#[test]
fn print_gives_a_configuration_that_can_be_checked_again() {
    let (dir, file) = at_home("examples/configs/php-fpm.toml").unwrap();
    let (code, printed, _) = bridgehead(&["check", "-c", file.to_str().unwrap(), "--print"]);
    assert_eq!(code, 0);
    let file = dir.path().join("printed.toml");
    fs::write(&file, &printed).unwrap();
    let (code, again, stderr) = bridgehead(&["check", "--config", file.to_str().unwrap(), "--print"]);
    assert_eq!((code, again, stderr.as_str()), (0, printed, ""));
}

#[test]
fn the_reference_is_a_page_and_needs_no_file() {
    let (code, stdout, _) = bridgehead(&["check", "--reference"]);
    assert_eq!((code, stdout), (0, bridgehead::config::reference()));
}

#[test]
fn the_schema_is_json_and_needs_no_file() {
    let (code, stdout, _) = bridgehead(&["check", "--schema"]);
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(schema["title"], "Bridgehead configuration");
}

#[test]
fn bad_usage_has_exit_code_64_and_help_has_none() {
    assert_eq!(bridgehead(&["check"]).0, 64);
    assert_eq!(bridgehead(&["chekc"]).0, 64);
    assert_eq!(bridgehead(&["check", "-c", "/nonexistent.toml"]).0, 64);
    assert_eq!(bridgehead(&["--help"]).0, 0);
    assert_eq!(bridgehead(&["check", "--help"]).0, 0);
    assert_eq!(bridgehead(&["--version"]).0, 0);
}

/// A directory with certificates, and a configuration that uses them.
struct Certificates {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Certificates {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            authority: Authority::new("Authority").unwrap(),
        }
    }

    /// Whether `serve` would start with a listener that has these and routes for `shop.example` and `*.shop.example`, and
    /// what `check` warns of.
    fn check(&self, names: &[&str]) -> (bool, Vec<String>) {
        let dir = self.dir.path().display().to_string();
        let files = names
            .iter()
            .map(|name| format!("{{ cert = \"{dir}/{name}.pem\", key = \"{dir}/{name}.key\" }}"));
        let text = format!(
            "[tls]\ncertificates = [{}]\n[[listen]]\naddress = \"127.0.0.1:443\"\ntls = true\n\
             [[route]]\nhost = \"shop.example\"\nrespond = {{ status = 204 }}\n\
             [[route]]\nhost = \"*.shop.example\"\nrespond = {{ status = 204 }}\n",
            files.collect::<Vec<_>>().join(", ")
        );
        let file = self.dir.path().join("bridgehead.toml");
        std::fs::write(&file, text).unwrap();
        let (code, stdout, stderr) = bridgehead(&["check", "-c", file.to_str().unwrap()]);
        assert_eq!(code, 0);
        let stderr = stderr.replace(&format!("{dir}/"), "");
        let warnings = stderr.lines().filter_map(|line| line.strip_prefix("warning: "));
        (
            stdout.ends_with("is fine\n"),
            warnings.map(str::to_owned).collect(),
        )
    }

    fn issue(&self, file: &str, names: &[&str]) {
        self.authority
            .issue(names)
            .unwrap()
            .write(self.dir.path(), file)
            .unwrap();
    }
}

#[test]
fn certificates_that_are_fine_are_no_word_worth() {
    let certificates = Certificates::new();
    certificates.issue("one", &["shop.example"]);
    certificates.issue("wild", &["*.shop.example"]);
    assert_eq!(certificates.check(&["one", "wild"]), (true, Vec::new()));
}

#[test]
fn a_pair_that_does_not_fit_and_files_that_hold_something_else_keep_serve_from_starting() {
    let certificates = Certificates::new();
    certificates.issue("one", &["shop.example"]);
    certificates.issue("two", &["shop.example"]);
    let path = |name: &str| certificates.dir.path().join(name);
    std::fs::copy(path("two.key"), path("one.key")).unwrap();
    let mismatch = "cannot speak TLS: the key one.key does not belong to the first certificate of one.pem";
    assert_eq!(certificates.check(&["one"]), (false, vec![mismatch.to_owned()]));
    std::fs::copy(path("two.pem"), path("two.key")).unwrap();
    let (starts, said) = certificates.check(&["two"]);
    assert!(
        !starts && said[0].contains("two.key: there is no private key in it"),
        "{said:?}"
    );
    let (starts, said) = certificates.check(&["none"]);
    assert!(
        !starts && said[0].contains("cannot read none.pem: No such file"),
        "{said:?}"
    );
}

#[test]
fn what_clients_would_stumble_over_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let certificates = Certificates::new();
    let middle = certificates.authority.below("Middle").unwrap();
    let old = Wanted {
        names: &["shop.example", "*.shop.example"],
        until: 2021,
        ..Wanted::default()
    };
    // The issuer of the issuer in place of the issuer.
    let old = middle.issue_as(&old).unwrap();
    let old = old.with_chain(&[&certificates.authority, &middle]);
    old.write(certificates.dir.path(), "old").unwrap();
    let key = certificates.dir.path().join("old.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = [
        "old.pem: the certificate has expired: it was good until Jan  1 00:00:00 2021 GMT",
        "old.pem: the certificates are not in order: number 2 is not that of the issuer of the one before it",
        "old.key: others may read the key (mode 0644); a key is for its owner alone: chmod 600",
    ];
    assert_eq!(
        certificates.check(&["old"]),
        (true, warnings.map(str::to_owned).into())
    );
    certificates.issue("other", &["other.example", "a.shop.example"]);
    let nameless = ["shop.example", "*.shop.example"].map(|host| {
        format!("no certificate is for `{host}`, which has a route: its clients would refuse the one that they get")
    });
    assert_eq!(certificates.check(&["other"]), (true, nameless.into()));
}
