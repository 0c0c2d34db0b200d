//! `bridgehead trust`, on a machine that is a directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use bridgehead::acme::local::{LocalAuthority, directory};
use tempfile::TempDir;

use crate::process::{run, stderr, stdout};

/// A machine like Debian, and a gateway's configuration on it.
struct Machine(TempDir);

const PROGRAM: &str = "usr/sbin/update-ca-certificates";

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for part in ["usr/local/share/ca-certificates", "usr/sbin"] {
            fs::create_dir_all(machine.path(part)).unwrap();
        }
        let calls = machine.path("calls").display().to_string();
        let script = format!("#!/bin/sh\necho updating\necho updated >> {calls}\n");
        testbed::install_script(&script, &machine.path(PROGRAM)).unwrap();
        let config = format!(
            "[acme]\nstore = \"{}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\nrespond = {{}}\n",
            machine.path("store").display()
        );
        fs::write(machine.path("site.toml"), config).unwrap();
        machine
    }

    fn path(&self, part: &str) -> PathBuf {
        self.0.path().join(part)
    }

    fn authority(&self) -> String {
        let authority = LocalAuthority::open_or_make(&directory(&self.path("store")));
        authority.unwrap().certificate().to_owned()
    }

    fn trust(&self, arguments: &[&str]) -> Output {
        let (config, root) = (self.path("site.toml"), self.0.path().display().to_string());
        let usual = ["trust", "-c", config.to_str().unwrap(), "--root", &root];
        run(&[&usual, arguments].concat())
    }

    fn believed(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.path("usr/local/share/ca-certificates")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    fn updates(&self) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().count()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn it_says_what_to_do_and_does_nothing() {
    let machine = Machine::new();
    machine.authority();
    let output = machine.trust(&[]);
    let text = stdout(&output);
    let root = machine.path("store/local/root.pem").display().to_string();
    for wanted in [
        format!("The local authority: {root}\nSHA-256: "),
        format!(
            "  cp {root} {}/bridgehead-local-",
            machine.path("usr/local/share/ca-certificates").display()
        ),
        format!("  {}\n", machine.path(PROGRAM).display()),
        format!("certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n 'Bridgehead Local Authority' -i {root}"),
        "~/.mozilla/firefox/*.*/".to_owned(),
    ] {
        assert!(text.contains(&wanted), "{wanted} in\n{text}");
    }
    assert!(output.status.success());
    assert_eq!((machine.believed(), machine.updates()), (vec![], 0));
}

#[test]
fn it_has_the_machine_believe_the_authority_and_no_longer_do_so() {
    let machine = Machine::new();
    let authority = machine.authority();
    for times in 1..=2 {
        let output = machine.trust(&["--install"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let believed = machine.believed();
        let [file] = believed.as_slice() else {
            panic!("{believed:?}")
        };
        let text = format!("{}: this machine believes it now\n", file.display());
        assert_eq!(stdout(&output), text);
        assert_eq!(stderr(&output), "updating\n");
        assert_eq!(fs::read_to_string(file).unwrap(), authority);
        assert_eq!((mode(file), machine.updates()), (0o644, times));
    }
    let other = machine.path("usr/local/share/ca-certificates/other.crt");
    fs::write(&other, "").unwrap();
    let output = machine.trust(&["--uninstall"]);
    assert!(
        stdout(&output).ends_with(".crt: removed\n"),
        "{}",
        stdout(&output)
    );
    assert_eq!((machine.believed(), machine.updates()), (vec![other], 3));
    let output = machine.trust(&["--uninstall"]);
    assert_eq!(
        stdout(&output),
        "this machine believes no local authority of Bridgehead\n"
    );
    assert_eq!(machine.updates(), 3);
}

#[test]
fn without_an_authority_it_says_where_one_comes_from() {
    let machine = Machine::new();
    for arguments in [&[][..], &["--install"]] {
        let output = machine.trust(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr(&output).contains("there is no local authority in"),
            "{}",
            stderr(&output)
        );
    }
    assert!(machine.believed().is_empty());
}

#[test]
fn what_the_system_says_of_a_failure_is_passed_on() {
    let machine = Machine::new();
    machine.authority();
    testbed::install_script("#!/bin/sh\nexit 3\n", &machine.path(PROGRAM)).unwrap();
    let output = machine.trust(&["--install"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("update-ca-certificates: exit status: 3"),
        "{}",
        stderr(&output)
    );
    fs::remove_file(machine.path(PROGRAM)).unwrap();
    let output = machine.trust(&["--install"]);
    assert!(
        stderr(&output).contains("its manual says so"),
        "{}",
        stderr(&output)
    );
}
