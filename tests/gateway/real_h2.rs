//! Python's h2 as a client: a library that checks each frame of ours.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::process::Command;

use testbed::{Gateway, Scripted};

use crate::start;

const CLIENT: &str = include_str!("real_h2/client.py");

/// A gateway before an application that says what it was asked.
fn site() -> (Gateway, Scripted) {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        let param = |name| request.param(name).unwrap_or("-");
        let answer = format!(
            "Content-Type: text/plain\r\n\r\n{} {} {}",
            param("REQUEST_METHOD"),
            param("REQUEST_URI"),
            request.body.len()
        );
        connection.fastcgi_response(request.id, answer.as_bytes())
    });
    let backend = backend.expect("the backend starts");
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    (gateway, backend)
}

/// What the client prints.
#[track_caller]
fn ask(gateway: &Gateway, task: &str) -> String {
    let address = gateway.addr();
    let output = Command::new("/usr/bin/python3")
        .args([
            "-c",
            CLIENT,
            &address.ip().to_string(),
            &address.port().to_string(),
            task,
        ])
        .output()
        .expect("python3 starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "needs python3-h2:\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_page_with_priorities_and_pings_is_served() {
    let (gateway, _backend) = site();
    let answers = ask(&gateway, "page");
    let expected: Vec<_> = (0..60).map(|number| format!("GET /first?{number} 0")).collect();
    assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn an_upload_that_keeps_to_its_windows_arrives() {
    let (gateway, _backend) = site();
    assert_eq!(ask(&gateway, "upload").trim(), "200 POST /first 1048576");
}

#[test]
fn crumbs_of_cookies_arrive_as_one() {
    let (gateway, backend) = site();
    assert_eq!(ask(&gateway, "cookies").trim(), "200 200");
    for request in backend.wait_requests(2).unwrap() {
        assert_eq!(request.param("HTTP_COOKIE"), Some("a=1; b=2"));
    }
}

#[test]
fn a_flood_is_told_why_it_ends() {
    let (gateway, _backend) = site();
    assert_eq!(ask(&gateway, "pings").trim(), "11 ping_flood");
}
