//! `bridgehead demo`.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::process::{Demo, run, stderr, stdout};

const PROTOCOLS: [&str; 3] = ["fastcgi", "uwsgi", "scgi"];

#[test]
fn every_protocol_answers_through_the_gateway() {
    let demo = Demo::usual();
    for protocol in PROTOCOLS {
        let (head, body) = demo.get(&format!("/{protocol}/env?a=b"));
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
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
        assert!(head.contains("\r\nx-body-length: 11"), "{head}");
        assert_eq!(body, "hello world");
    }
}

#[test]
fn a_missing_application_is_named_as_the_reason() {
    let (head, _) = Demo::usual().get("/gone");
    assert!(head.starts_with("HTTP/1.0 502"), "{head}");
    assert!(head.contains("bridgehead-error: socket_missing"), "{head}");
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
fn the_printed_configuration_is_accepted_by_check() {
    let output = run(&["demo", "--print-config", "--workers", "2"]);
    assert!(output.status.success());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, stdout(&output)).unwrap();
    let checked = run(&["check", "-c", file.path().to_str().unwrap()]);
    assert!(checked.status.success(), "{}", stderr(&checked));
    assert_eq!(run(&["demo", "--workers", "0"]).status.code(), Some(64));
}
