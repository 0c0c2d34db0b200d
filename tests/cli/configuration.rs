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

/// One thing at a time that is not there; where it is written, and what is said about it.
const ABSENT: [(&str, &str, &str); 7] = [
    (
        "[server]\ntemp_dir = \"DIR/tmp\"\n",
        "2:12",
        "cannot make files in DIR/tmp, where bodies go that do not fit into memory ([server] temp_dir): No such file or \
         directory (os error 2)",
    ),
    (
        "[server]\nuser = \"nobody-at-all\"\n",
        "2:8",
        "there is no user `nobody-at-all`",
    ),
    (
        "[server]\npid_file = \"DIR/run/pid\"\n",
        "2:12",
        "cannot write the pid file DIR/run/pid: DIR/run: No such file or directory (os error 2)",
    ),
    (
        "[log]\naccess = \"DIR/log/access.log\"\n",
        "2:10",
        "cannot open the access log DIR/log/access.log: DIR/log: No such file or directory (os error 2)",
    ),
    (
        "[log]\nerror = \"DIR/log/error.log\"\n",
        "2:9",
        "cannot open the error log DIR/log/error.log: DIR/log: No such file or directory (os error 2)",
    ),
    (
        "[[route]]\npath = \"/a\"\nfiles = { root = \"DIR/none\" }\n",
        "3:18",
        "route /a: cannot open the root DIR/none: No such file or directory (os error 2)",
    ),
    (
        "[[route]]\npath = \"/a/b\"\n[route.files]\nroot = \"DIR/a/b\"\n",
        "4:8",
        "route /a/b: there is no DIR/a/b/a/b: below `root` the whole path is looked up; `alias = \"DIR/a/b\"` would stand \
         for the path of the route",
    ),
];

#[test]
fn check_warns_with_the_line_of_what_serve_refuses_with_the_same_words() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("a/b")).unwrap();
    let home = directory.path().canonicalize().unwrap();
    let home = home.to_str().unwrap();
    for (tables, place, message) in ABSENT {
        let text = format!("{tables}[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\nrespond = {{}}\n");
        std::fs::write(directory.path().join("site.toml"), text.replace("DIR", home)).unwrap();
        let here = |command: &str| {
            let arguments = [command, "-c", "site.toml"];
            bridgehead(&arguments).current_dir(&directory).output().unwrap()
        };
        let message = message.replace("DIR", home);
        let checked = here("check");
        let warning = format!("warning: {message}\n");
        let said = stderr(&checked);
        assert!(said.starts_with(&warning), "{said}\n{warning}");
        assert!(
            said.contains(&format!("--> site.toml:{place}\n")),
            "{place}: {said}"
        );
        let outcome =
            "site.toml: the configuration is fine, but as things are here, `serve` would not start\n";
        assert_eq!((stdout(&checked), checked.status.code()), (outcome, Some(0)));
        let served = here("serve");
        assert_eq!(served.status.code(), Some(1), "{message}");
        assert!(
            stderr(&served).ends_with(&format!("error: {message}\n")),
            "{}",
            stderr(&served)
        );
    }
}

#[test]
fn check_makes_nothing_and_is_content_where_serve_starts() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[server]\ntemp_dir = \"DIR\"\npid_file = \"DIR/pid\"\n[log]\naccess = \"DIR/access.log\"\n\
                [[listen]]\naddress = \"unix:DIR/x.sock\"\n[[route]]\nfiles = { root = \"DIR\" }\n";
    let text = text.replace("DIR", directory.path().to_str().unwrap());
    std::fs::write(directory.path().join("bridgehead.toml"), text).unwrap();
    let checked = bridgehead(&["check"]).current_dir(&directory).output().unwrap();
    assert_eq!(
        (stdout(&checked), stderr(&checked)),
        ("./bridgehead.toml: the configuration is fine\n", "")
    );
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}
