//! `bridgehead call`.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::process::{Output, Stdio};

use crate::process::{Demo, bridgehead, run, stderr, stdout};

const PROTOCOLS: [&str; 3] = ["fastcgi", "uwsgi", "scgi"];

/// Calls a pool of the demo.
fn call(demo: &Demo, protocol: &str, arguments: &[&str]) -> Output {
    let socket = demo.socket(protocol);
    let mut all = vec!["call", &socket, "--protocol", protocol];
    all.extend(arguments);
    run(&all)
}

#[test]
fn answers_are_printed_and_statuses_become_exit_codes() {
    let demo = Demo::usual();
    for protocol in PROTOCOLS {
        let output = call(&demo, protocol, &["/head-test"]);
        assert_eq!((stdout(&output), output.status.code()), ("0123456789", Some(0)));
        let output = call(&demo, protocol, &["-i", "/redirect?to=/x"]);
        let (head, body) = stdout(&output).split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 302 Found\r\n"), "{head}");
        assert!(head.contains("\r\nLocation: /x\r\n"), "{head}");
        assert_eq!(body, "redirect\n");
        assert_eq!(output.status.code(), Some(0));
        let output = call(&demo, protocol, &["/status?code=404"]);
        assert_eq!(
            (stdout(&output), output.status.code()),
            ("status 404\n", Some(22))
        );
    }
}

#[test]
fn bodies_go_and_come_at_the_same_time() {
    let demo = Demo::usual();
    let file = tempfile::NamedTempFile::new().unwrap();
    let body: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(&file, &body).unwrap();
    let data = format!("@{}", file.path().display());
    for protocol in PROTOCOLS {
        let output = call(&demo, protocol, &["/echo", "-d", &data]);
        assert!(output.stdout == body, "{protocol}: {}", stderr(&output));
        let mut child = bridgehead(&[
            "call",
            &demo.socket(protocol),
            "--protocol",
            protocol,
            "/upload",
            "-d",
            "@-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        child.stdin.take().unwrap().write_all(&body).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(stdout(&output), "{\"length\":3000000}\n");
    }
}

#[test]
fn fields_and_variables_reach_the_application() {
    let demo = Demo::usual();
    let arguments = [
        "PUT",
        "http://shop.example/env?x=1",
        "-H",
        "X-Team: red",
        "-p",
        "REMOTE_USER=me",
        "--script",
        "/srv/env",
    ];
    for protocol in PROTOCOLS {
        let output = call(&demo, protocol, &arguments);
        // With a script there is no path left for the demo: it answers with its index.
        assert!(
            stdout(&output).starts_with("<!DOCTYPE html>"),
            "{}",
            stdout(&output)
        );
        let output = call(&demo, protocol, &arguments[..6]);
        let variables: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for (name, value) in [
            ("REQUEST_METHOD", "PUT"),
            ("SERVER_NAME", "shop.example"),
            ("HTTP_X_TEAM", "red"),
            ("REMOTE_USER", "me"),
            ("PATH_INFO", "/env"),
        ] {
            assert_eq!(variables[name], value, "{protocol} {name}");
        }
    }
}

#[test]
fn verbose_tells_every_record() {
    let demo = Demo::usual();
    let output = call(&demo, "fastcgi", &["-v", "--keep", "/stderr?lines=2"]);
    let told: Vec<_> = stderr(&output)
        .lines()
        .filter_map(|line| line.split_once("ms  "))
        .collect();
    let told: Vec<_> = told.iter().map(|(_, what)| *what).collect();
    for expected in [
        "BEGIN_REQUEST id 1, 8 bytes",
        "STDIN id 1, 0 bytes",
        "STDERR id 1, 14 bytes",
        "message: 14 bytes",
        "STDOUT id 1, 0 bytes",
        "END_REQUEST id 1, 8 bytes: RequestComplete, application status 0",
        "head: 200 OK",
        "body: 7 bytes",
        "end; the connection is kept",
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:#?}");
    }
    assert!(stderr(&output).contains("\n> PATH_INFO=/stderr\n"));
}

/// The demo's gateway itself is what speaks HTTP.
#[test]
fn an_application_that_speaks_http_is_called_by_its_url() {
    let demo = Demo::usual();
    let url = format!("http://{}/fastcgi/env?x=1", demo.address);
    let output = run(&["call", &url, "-v", "PUT", "-d", "a=b", "-H", "X-Team: red"]);
    let variables: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, value) in [
        ("REQUEST_METHOD", "PUT"),
        ("QUERY_STRING", "x=1"),
        ("CONTENT_LENGTH", "3"),
        ("HTTP_HOST", &*demo.address),
        ("HTTP_X_TEAM", "red"),
    ] {
        assert_eq!(variables[name], value, "{name}");
    }
    let told = stderr(&output);
    for line in [
        "> PUT /fastcgi/env?x=1 HTTP/1.1\n",
        "> X-Team: red\n",
        "head: 200 OK\n",
    ] {
        assert!(told.contains(line), "{line:?} is not in {told}");
    }
    let output = run(&[
        "call",
        &demo.address,
        "--protocol",
        "http",
        "-i",
        "/fastcgi/status?code=404",
    ]);
    assert!(
        stdout(&output).starts_with("HTTP/1.1 404 "),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(22));
}

#[test]
fn the_head_of_an_answer_is_shown_once() {
    let demo = Demo::usual();
    for (options, on_stdout, on_stderr) in [("-vi", 1, 0), ("-v", 0, 1), ("-i", 1, 0)] {
        let output = call(&demo, "fastcgi", &[options, "/redirect?to=/x"]);
        let shown = [stdout(&output), stderr(&output)].map(|text| text.matches("Location: /x").count());
        assert_eq!(shown, [on_stdout, on_stderr], "{options}");
    }
}

#[test]
fn messages_of_the_application_go_to_stderr() {
    let output = call(&Demo::usual(), "fastcgi", &["/stderr?lines=2"]);
    assert_eq!(stdout(&output), "logged\n");
    assert_eq!(stderr(&output), "stderr line 0\nstderr line 1\n");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_call() {
    let demo = Demo::usual();
    let mut child = bridgehead(&["call", &demo.socket("fastcgi"), "/download?bytes=1000000000000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn capabilities_are_asked_for() {
    let demo = Demo::start(&["--listen", "127.0.0.1:0", "--workers", "3"]);
    let output = call(&demo, "fastcgi", &["--get-values"]);
    assert_eq!(
        stdout(&output),
        "FCGI_MAX_CONNS=3\nFCGI_MAX_REQS=3\nFCGI_MPXS_CONNS=0\n"
    );
}

#[test]
fn what_goes_wrong_is_explained_with_exit_code_1() {
    let demo = Demo::usual();
    let failed = |arguments: &[&str], words: &str| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    };
    let (fastcgi, uwsgi) = (demo.socket("fastcgi"), demo.socket("uwsgi"));
    failed(&["call", &demo.socket("none")], "it does not exist");
    failed(&["call", &uwsgi], "does it speak FastCGI?");
    failed(
        &["call", &fastcgi, "/fail-raw"],
        "no answer: connection closed without an answer",
    );
    failed(
        &["call", &fastcgi, "/fail-late"],
        "the answer broke off: response truncated",
    );
    failed(&["call", &demo.address], "this is HTTP");
    let path = demo.directory.join("silent.sock");
    let _silent = UnixListener::bind(&path).unwrap();
    let silent = path.to_str().unwrap();
    failed(&["call", silent, "--timeout", "50ms"], "no answer within 50ms");
    failed(
        &["call", silent, "--timeout", "50ms", "--get-values"],
        "uWSGI and some others",
    );
}

#[test]
fn mistakes_on_the_command_line_end_with_64() {
    for arguments in [
        &["call"][..],
        &["call", "nowhere"],
        &["call", "/run/x.sock", "--timeout", "5"],
        &["call", "/run/x.sock", "--protocol", "gopher"],
        &["call", "https://127.0.0.1/"],
        &["call", "::1:9000"],
        &["call", "http://127.0.0.1/", "--get-values"],
        &["call", "http://127.0.0.1/", "-p", "A=b"],
        &["call", "http://127.0.0.1/", "--script", "/srv/x.php"],
        &["call", "/run/x.sock", "-H", "nonsense"],
        &["call", "/run/x.sock", "-p", "=x"],
        &["call", "/run/x.sock", "-d", "@/does/not/exist"],
        &["call", "/run/x.sock", "--get-values", "-d", "x"],
        &["call", "/run/x.sock", "--get-values", "--protocol", "scgi"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(64), "{arguments:?}");
    }
}
