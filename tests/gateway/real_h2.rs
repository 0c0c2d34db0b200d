//! Clients of HTTP/2 that others have written: Python's h2, a library that checks each frame of ours, and curl.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::process::Command;

use anyhow::{Context, Result};
use testbed::{Gateway, Scripted, ScriptedConnection};

use crate::http::site::gate;
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

/// A gateway before an HTTP server that follows a script.
fn before(script: impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static) -> (Gateway, Scripted) {
    let backend = Scripted::start(script).expect("the backend starts");
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    (gateway, backend)
}

/// A hint, a body in chunks, and a trailer.
fn hinting(mut connection: ScriptedConnection) -> Result<()> {
    connection.read_http()?;
    connection.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")?;
    connection.write("4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n")
}

#[test]
fn hints_come_before_and_trailers_behind_an_answer() {
    let (gateway, _backend) = before(hinting);
    assert_eq!(
        ask(&gateway, "hints").trim(),
        "[('103', '</a.css>; rel=preload')] 200 body {'x-sum': '42'}"
    );
}

#[test]
fn a_stream_that_is_reset_frees_its_worker_and_leaves_the_others_alone() {
    let (open, gated) = gate();
    let (gateway, backend) = before(move |mut connection| {
        let line = connection.read_http()?.line;
        let path = line.split(' ').nth(1).context("a path")?.to_owned();
        match &*path {
            "/wait" => return connection.wait_close().map(drop),
            "/first" => gated.pass()?,
            _ => {}
        }
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{path}",
            path.len()
        ))
    });
    let answered = std::thread::scope(|scope| {
        scope.spawn(|| {
            backend.wait_requests(2).unwrap();
            open.open();
        });
        ask(&gateway, "reset")
    });
    assert_eq!(answered.trim(), "/first / /last / [3, 5]");
    backend.wait_ended(3).unwrap();
    assert_eq!(backend.failures(), 0);
}

/// What curl prints on its way to `path`.
#[track_caller]
fn curl(gateway: &Gateway, arguments: &[&str], path: &str) -> String {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--http2-prior-knowledge",
            "--max-time",
            "20",
        ])
        .args(arguments)
        .arg(format!("http://{}{path}", gateway.addr()))
        .output()
        .expect("needs curl");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn curl_is_answered_and_its_uploads_arrive() {
    let (gateway, _backend) = site();
    let answer = curl(
        &gateway,
        &["--write-out", " %{http_version} %{http_code}"],
        "/first",
    );
    assert_eq!(answer, "GET /first 0 2 200");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("upload");
    std::fs::write(&file, vec![b'x'; 3_000_000]).unwrap();
    let file = file.display().to_string();
    for more in [&[][..], &["--header", "expect: 100-continue"]] {
        let arguments = [&["--upload-file", &file], more].concat();
        assert_eq!(curl(&gateway, &arguments, "/first"), "PUT /first 3000000");
    }
}

#[test]
fn curl_sees_hints_and_trailers() {
    let (gateway, _backend) = before(hinting);
    let shown = curl(&gateway, &["--include", "--header", "te: trailers"], "/hints");
    let (hint, rest) = shown.split_once("\r\n\r\n").unwrap();
    assert_eq!(hint, "HTTP/2 103 \r\nlink: </a.css>; rel=preload");
    assert!(rest.starts_with("HTTP/2 200 \r\n"), "{rest}");
    assert!(rest.contains("x-sum: 42") && rest.contains("body"), "{rest}");
}
