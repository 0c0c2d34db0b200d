//! Colours: for terminals, as far as their users want them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::process::{bridgehead, run, stderr};

/// What each of these commands says when it fails.
const FAILING: [&[&str]; 4] = [
    &["check", "-c", "/nonexistent.toml"],
    &["serve", "-c", "/nonexistent.toml"],
    &["explain", "G T", "/"],
    &["call", "unix:/nonexistent/app.sock", "GET", "/"],
];

/// The standard error of a command that has a terminal there.
fn on_terminal(arguments: &[&str], no_color: &str) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let name = OsStr::from_bytes(name.to_bytes());
    let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut command = bridgehead(arguments);
    command.env("NO_COLOR", no_color).stderr(theirs);
    command.status().unwrap();
    // Its last holder but us: reading ends.
    drop(command);
    let mut said = Vec::new();
    // A terminal without another end is an error to read from (EIO), once everything is read.
    let _ = File::from(ours).read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

#[test]
fn errors_are_coloured_alike_on_a_terminal() {
    for arguments in FAILING {
        let said = on_terminal(arguments, "");
        assert!(
            said.starts_with("\x1b[1m\x1b[91merror\x1b[0m"),
            "{arguments:?}: {said:?}"
        );
    }
}

#[test]
fn errors_are_plain_without_a_terminal_or_with_no_color() {
    for arguments in FAILING {
        let said = on_terminal(arguments, "1");
        assert!(said.starts_with("error: "), "{arguments:?}: {said:?}");
        assert!(!said.contains('\x1b'), "{arguments:?}: {said:?}");
        let output = run(arguments);
        assert_eq!(stderr(&output).replace('\n', "\r\n"), said, "{arguments:?}");
    }
}
