//! A directory of CGI programs behind fcgiwrap.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use testbed::{Client, Kind, Options};

use crate::http::frames::{Http2, Outcome, POST};
use crate::start;

/// A program of the shell.
fn program(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const TELLS: &str = "printf 'Content-Type: text/plain\\r\\n\\r\\n%s' \
                     \"$REQUEST_METHOD|$SCRIPT_NAME|$PATH_INFO|$QUERY_STRING|\"; cat";

#[test]
fn real_directory_of_programs_behind_fcgiwrap() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    program(&dir.path().join("tell"), TELLS, 0o755);
    program(&dir.path().join("mailman/listinfo"), TELLS, 0o755);
    program(&dir.path().join("fails"), "echo oops >&2; exit 1", 0o755);
    program(&dir.path().join("closed"), TELLS, 0o644);
    let backend = Kind::Fcgiwrap.start(&Options::default()).unwrap();
    let gateway = start(&format!(
        "[upstream.fcgiwrap]\nprofile = \"libfcgi\"\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/cgi-bin\"\ncgi = {{ upstream = \"fcgiwrap\", alias = \"{}\" }}\n\
         errors = {{ 5xx = \"/sorry\", intercept = true }}\n\
         [[route]]\npath = \"/sorry\"\ninternal = true\nrespond = {{ body = \"sorry\" }}\n",
        backend.address(),
        dir.path().display()
    ));
    let ask = |method: &str, target: &str, body: &[u8]| {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let answer = client.request(method, target, &[("Host", "a")], body).unwrap();
        (answer.status, answer.text())
    };
    for (method, target, body, expected) in [
        ("GET", "/cgi-bin/tell", "", "GET|/cgi-bin/tell|||"),
        (
            "GET",
            "/cgi-bin/tell/a%20b?c=d",
            "",
            "GET|/cgi-bin/tell|/a b|c=d|",
        ),
        (
            "POST",
            "/cgi-bin/mailman/listinfo/users",
            "body",
            "POST|/cgi-bin/mailman/listinfo|/users||body",
        ),
    ] {
        let answer = ask(method, target, body.as_bytes());
        assert_eq!(answer, (200, expected.to_owned()), "{target}");
    }
    let head = POST.map(|(name, value)| {
        if name == ":path" {
            (name, "/cgi-bin/tell/x")
        } else {
            (name, value)
        }
    });
    let outcome = Http2::begin(Client::connect(gateway.addr()).unwrap()).ask(&head, b"by HTTP/2");
    let expected = "POST|/cgi-bin/tell|/x||by HTTP/2".to_owned();
    assert_eq!(outcome, Outcome::Answer(200, expected));
    for target in [
        "/cgi-bin/",
        "/cgi-bin/none",
        "/cgi-bin/mailman",
        "/cgi-bin/../tell",
    ] {
        assert_eq!(ask("GET", target, b"").0, 404, "{target}");
    }
    assert_eq!(ask("GET", "/cgi-bin/closed", b"").0, 403, "not to be run");
    let failed = ask("GET", "/cgi-bin/fails", b"");
    assert_eq!((failed.0 / 100, &*failed.1), (5, "sorry"));
    gateway.wait_errors("oops").unwrap();
}
