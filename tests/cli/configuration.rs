//! Which configuration file is taken, and what a start says about itself.

use std::path::Path;

use crate::process::{Served, bridgehead, run, stderr, stdout};

/// Two routes to one upstream, which is not there.
const TEXT: &str = "[server]\nworkers = 3\n\n[[listen]]\naddress = \"127.0.0.1:0\"\n\n\
    [[listen]]\naddress = \"127.0.0.1:0\"\n\n\
    [upstream.app]\nprotocol = \"scgi\"\nendpoints = [\"127.0.0.1:1\"]\n\n\
    [[route]]\nproxy = { upstream = \"app\" }\n\n[[route]]\npath = \"/a\"\nproxy = { upstream = \"app\" }\n";

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bridgehead.toml"), TEXT).unwrap();
    directory
}

#[test]
fn a_start_introduces_itself_one_line_each() {
    let directory = directory();
    let (_served, lines) = Served::introduced(&["serve"], directory.path());
    let version = format!(" starting version={:?}", env!("CARGO_PKG_VERSION"));
    let wanted = [
        &*version,
        " configuration file=./bridgehead.toml",
        " routes count=2",
        " upstreams count=1",
        " workers count=3",
        " listening address=127.0.0.1:",
    ];
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line.contains(wanted), "{wanted} in {lines:#?}");
    }
    assert_eq!(lines.len(), wanted.len(), "{lines:#?}");
}

#[test]
fn check_and_explain_take_the_file_of_the_directory_and_say_so() {
    let directory = directory();
    let here = |arguments: &[&str]| bridgehead(arguments).current_dir(&directory).output().unwrap();
    assert_eq!(
        stdout(&here(&["check"])),
        "./bridgehead.toml: the configuration is fine\n"
    );
    let explained = here(&["explain", "--json", "GET", "/a"]);
    assert!(explained.status.success(), "{}", stderr(&explained));
    assert_eq!(stderr(&explained), "configuration file: ./bridgehead.toml\n");
    let json: serde_json::Value = serde_json::from_str(stdout(&explained)).unwrap();
    assert!(json.is_object());
}

#[test]
fn without_any_file_the_usual_places_and_the_option_are_named() {
    if Path::new("/etc/bridgehead/bridgehead.toml").exists() {
        // Another gateway of this machine: its configuration is none of the test's business.
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    for arguments in [&["serve"][..], &["check"], &["explain", "GET", "/"]] {
        let output = bridgehead(arguments).current_dir(&empty).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        let said = stderr(&output);
        for part in [
            "error: ",
            "./bridgehead.toml",
            "/etc/bridgehead/bridgehead.toml",
            "--config",
        ] {
            assert!(said.contains(part), "{arguments:?}: {said}");
        }
    }
    assert_eq!(run(&["check", "--schema"]).status.code(), Some(0));
}
