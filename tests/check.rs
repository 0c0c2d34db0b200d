//! `bridgehead check` and the exit codes of the command line.

use assert_cmd::Command;

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

#[test]
fn a_fine_configuration_is_called_fine() {
    let (code, stdout, stderr) = bridgehead(&["check", "-c", "fixtures/config/valid/everything.toml"]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            0,
            "fixtures/config/valid/everything.toml: the configuration is fine\n",
            ""
        )
    );
}

#[test]
fn complaints_go_to_stderr_with_exit_code_64() {
    let (code, stdout, stderr) = bridgehead(&["check", "-c", "fixtures/config/invalid/unknown-keys.toml"]);
    assert_eq!((code, stdout.as_str()), (64, ""));
    assert_eq!(
        stderr,
        std::fs::read_to_string("fixtures/config/invalid/unknown-keys.stderr").unwrap()
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
    let (code, printed, _) = bridgehead(&["check", "-c", "examples/configs/php-fpm.toml", "--print"]);
    assert_eq!(code, 0);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("printed.toml");
    std::fs::write(&file, &printed).unwrap();
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
