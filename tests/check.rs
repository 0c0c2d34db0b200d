//! `bridgehead check` and the exit codes of the command line.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use assert_cmd::Command;
use tempfile::TempDir;

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
