//! Targets that end in the middle of a run: those that the kit has started, and those that it has not.

#![allow(clippy::unwrap_used)] // all of it is tests

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use testbed::Process;

/// Three cases: the second ends the target, and permits what that looks like from outside.
const CASES: &str = r#"
protocol = "scgi"
side = "server"

[[case]]
id = "A"
title = "An ordinary request is answered"
spec = "none"
level = "must"
why = "It comes first."
step = [
    { send = { request = { path = "/a" } } },
    { expect = { answer = { status = 200, body = "alive\n" } } },
]

[[case]]
id = "B"
title = "A request is answered, or the connection ends"
spec = "none"
level = "must"
why = "The target ends."
step = [
    { send = { request = { path = "/raise" } } },
    { expect = { any_of = [{ answer = {} }, { closed = true }] } },
]

[[case]]
id = "C"
title = "Another ordinary request is answered"
spec = "none"
level = "must"
why = "It comes last."
step = [
    { send = { request = { path = "/c" } } },
    { expect = { answer = { status = 200, body = "alive\n" } } },
]
"#;

/// Cargo builds examples with the tests of a package, unless some are asked for by name.
fn mortal() -> PathBuf {
    let program = testbed::built("examples/mortal");
    let how = "cargo build --package bridgehead-conform --example mortal";
    assert!(program.exists(), "it is not built: {how}");
    program
}

/// The kit with the three cases, and what it says of them.
fn kit(dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let cases = dir.join("cases.toml");
    fs::write(&cases, CASES).unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(testbed::built("bridgehead-conform"))
        .args(["server", "scgi"])
        .args(arguments)
        .arg("--cases")
        .arg(cases)
        .args(["--jobs", "1"])
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_target_that_was_started_is_started_again_and_its_crash_is_of_one_case() {
    let dir = tempfile::tempdir().unwrap();
    let command = format!("{} {{socket}}", mortal().display());
    let (code, said, errors) = kit(dir.path(), &["--start", &command]);
    let verdicts: Vec<_> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(code, Some(1), "{said}{errors}");
    assert!(verdicts[0].starts_with("pass  A "), "{said}");
    assert!(verdicts[1].starts_with("crash B "), "{said}");
    assert!(verdicts[2].starts_with("pass  C "), "{said}");
    assert!(
        said.contains("exit status: 70; its last words: asked for /raise"),
        "{said}"
    );
}

#[test]
fn a_crash_can_be_expected() {
    let dir = tempfile::tempdir().unwrap();
    let known = dir.path().join("known.toml");
    let command = format!("{} {{socket}}", mortal().display());
    let write = ["--write-expectations", known.to_str().unwrap()];
    let (code, said, errors) = kit(dir.path(), &[&["--start", &command][..], &write].concat());
    assert_eq!(code, Some(0), "{said}{errors}");
    let written = fs::read_to_string(&known).unwrap();
    assert!(
        written.contains("case = \"B\"\nresult = \"crash\"\n"),
        "{written}"
    );
    let read = ["--start", &command, "--expectations", known.to_str().unwrap()];
    let (code, said, _) = kit(dir.path(), &read);
    assert_eq!((code, said.contains("known B ")), (Some(0), true), "{said}");
    let (code, _, errors) = kit(dir.path(), &[&["--start", &command][..], &write].concat());
    assert_eq!(code, Some(2), "it would have been overwritten");
    assert!(errors.contains("add --expectations"), "{errors}");
}

#[test]
fn a_run_stops_where_a_connection_is_refused_and_names_the_cases_in_flight() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let mut command = Command::new(mortal());
    command.arg(&socket);
    let scratch = testbed::scratch().unwrap();
    let _target = Process::start(command, scratch, || testbed::is_listening(&socket)).unwrap();
    let json = dir.path().join("results.json");
    let address = format!("unix:{}", socket.display());
    let (code, said, errors) = kit(dir.path(), &[&address, "--json", json.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{said}{errors}");
    assert!(
        errors.contains("in flight: C, the last before them: B; 0 cases were not played"),
        "{errors}"
    );
    assert!(errors.contains("--start 'COMMAND {socket}'"), "{errors}");
    let results = fs::read_to_string(json).unwrap();
    assert!(
        results.contains("in flight when the target was gone"),
        "{results}"
    );
}

#[test]
fn a_front_end_is_started_as_well() {
    let kit = testbed::built("bridgehead-conform");
    let program = kit.display();
    let command = format!(
        "{program} reference frontend --protocol scgi --listen {{address}} --upstream unix:{{socket}}"
    );
    let output = Command::new(&kit)
        .args([
            "frontend",
            "--protocol",
            "scgi",
            "--profile",
            "reference-frontend",
        ])
        .args(["--only", "GS-1", "--start", &command])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("pass  GS-10"), "{said}");
}

#[test]
fn a_target_that_does_not_start_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let command = "echo no such file >&2; exit 3 # {socket}";
    let (code, said, errors) = kit(dir.path(), &["--start", command]);
    assert_eq!((code, said.as_str()), (Some(2), ""));
    assert!(
        errors.contains("exit status: 3; its last words: no such file"),
        "{errors}"
    );
}
