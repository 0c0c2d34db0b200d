//! `bridgehead demo`.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::process::{Demo, Served, bridgehead, run, stderr, stdout};

const PROTOCOLS: [&str; 3] = ["fastcgi", "uwsgi", "scgi"];

#[test]
fn every_protocol_answers_through_the_gateway() {
    let demo = Demo::usual();
    for protocol in PROTOCOLS {
        let (head, body) = demo.get(&format!("/{protocol}/env?a=b"));
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let variables: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(variables["SCRIPT_NAME"], format!("/{protocol}"));
        assert_eq!(variables["PATH_INFO"], "/env");
        assert_eq!(variables["QUERY_STRING"], "a=b");
        let (_, body) = demo.get(&format!("/{protocol}/stream?chunks=3&ms=1"));
        assert_eq!(body, "chunk 0\nchunk 1\nchunk 2\n");
        let (_, body) = demo.get(&format!("/{protocol}/download?bytes=200000"));
        assert_eq!(body.chars().count(), 200_000);
    }
}

#[test]
fn uploads_in_chunks_arrive_with_their_length() {
    let demo = Demo::usual();
    for protocol in PROTOCOLS {
        let (head, body) = demo.ask(&format!(
            "POST /{protocol}/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
        ));
        assert!(head.contains("\r\nX-Body-Length: 11"), "{head}");
        assert_eq!(body, "hello world");
    }
}

#[test]
fn a_missing_application_is_named_as_the_reason() {
    let (head, page) = Demo::usual().get("/gone");
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
    assert!(head.contains("Bridgehead-Error: socket_missing"), "{head}");
    assert!(
        page.starts_with("502 Bad Gateway\nReason: socket_missing\nRequest: "),
        "{page}"
    );
}

#[test]
fn its_directory_is_private_and_goes_with_it() {
    for signal in [Signal::TERM, Signal::INT] {
        let demo = Demo::usual();
        let directory = demo.directory.clone();
        let mode = directory.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(demo.end(signal).success(), "{signal:?}");
        assert!(!directory.exists(), "{signal:?}");
    }
}

#[test]
fn the_usual_port_is_given_up_when_it_is_taken_and_a_chosen_one_is_not() {
    // Taken by this line or by somebody else.
    let _usual = TcpListener::bind("127.0.0.1:8080");
    let demo = Demo::start(&[]);
    assert_ne!(demo.address, "127.0.0.1:8080");
    let output = run(&["demo", "--listen", &demo.address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("in use by another process"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn nothing_is_warned_of_that_is_meant_to_be_missing() {
    let (demo, errors) = Demo::with_errors(&["--listen", "127.0.0.1:0"]);
    demo.get("/");
    demo.end(Signal::TERM);
    let errors = std::fs::read_to_string(errors.path()).unwrap();
    assert!(errors.contains(" listening address="), "{errors}");
    assert!(!errors.contains("WARN"), "{errors}");
}

#[test]
fn the_first_page_links_to_everything_and_every_link_is_answered() {
    let demo = Demo::usual();
    let (head, page) = demo.get("/");
    assert!(
        head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"),
        "{head}"
    );
    assert!(
        page.contains("<pre>curl 'http://localhost/fastcgi/env'</pre>"),
        "{page}"
    );
    let targets: Vec<_> = page
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(targets.len() >= 12, "{page}");
    for target in targets {
        // Only whether there is an answer: some of them take their time, and one is large.
        let target = target.replace("&amp;", "&").replace("=100000000", "=1");
        let (head, _) = demo.get(&target.replace("ms=500", "ms=1").replace("ms=2000", "ms=1"));
        let wanted = if target == "/gone" {
            "HTTP/1.1 502 "
        } else {
            "HTTP/1.1 200 "
        };
        assert!(head.starts_with(wanted), "{target}: {head}");
    }
}

#[test]
fn the_lines_on_the_screen_can_be_pasted() {
    let directory = tempfile::tempdir().unwrap();
    let sockets = directory.path().join("sockets");
    let demo = Demo::start(&["--listen", "127.0.0.1:0", "--sockets", sockets.to_str().unwrap()]);
    let output = Command::new("/bin/sh")
        .args(["-c", &demo.last_command])
        .current_dir("/")
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        demo.last_command,
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("\"REQUEST_METHOD\""),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_chosen_directory_is_made_and_removed_only_if_it_was_not_there() {
    let directory = tempfile::tempdir().unwrap();
    for (path, stays) in [
        (directory.path().to_owned(), true),
        (directory.path().join("new"), false),
    ] {
        let demo = Demo::start(&["--listen", "127.0.0.1:0", "--sockets", path.to_str().unwrap()]);
        assert!(path.join("scgi.sock").exists());
        assert!(demo.end(Signal::TERM).success());
        assert_eq!(path.exists(), stays);
    }
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn the_printed_configuration_serves_the_applications_of_the_demo() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (sockets, socket, file) = (path("apps"), path("http"), path("printed.toml"));
    let listen = format!("unix:{socket}");
    let output = run(&[
        "demo",
        "--print-config",
        "--listen",
        &listen,
        "--sockets",
        &sockets,
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!Path::new(&sockets).exists());
    std::fs::write(&file, stdout(&output)).unwrap();
    let checked = run(&["check", "-c", &file]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    assert_eq!(stderr(&checked), "");

    let _demo = Demo::start(&["--listen", "127.0.0.1:0", "--sockets", &sockets]);
    let served = Served::start(&["serve", "-c", &file], directory.path());
    let (head, body) = served.get_by_socket(Path::new(&socket), "/uwsgi/env");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(body.contains("\"SCRIPT_NAME\""), "{body}");
}

#[test]
fn a_configuration_is_printed_for_the_directory_that_one_is_in() {
    let directory = tempfile::tempdir().unwrap();
    let output = bridgehead(&["demo", "--print-config"])
        .current_dir(&directory)
        .output()
        .unwrap();
    let here = directory.path().canonicalize().unwrap();
    let endpoint = format!("\"unix:{}/bridgehead-demo/fastcgi.sock\"", here.display());
    assert!(stdout(&output).contains(&endpoint), "{}", stdout(&output));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    assert_eq!(run(&["demo", "--workers", "0"]).status.code(), Some(64));
}

#[test]
fn a_directory_that_no_endpoint_can_name_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let spaced = directory.path().join("so ck");
    for more in [&[][..], &["--print-config"]] {
        let mut command = bridgehead(&["demo", "--sockets"]);
        let output = command.arg(&spaced).args(more).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("white space"), "{}", stderr(&output));
        assert!(!spaced.exists());
    }
}
