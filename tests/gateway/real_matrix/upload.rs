//! Request bodies.

use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::site::{DIRECT, Site};

pub(super) fn every_method_reaches_the_application(site: &Site) {
    for (method, body) in [
        ("GET", ""),
        ("POST", "five!"),
        ("PUT", "five!"),
        ("DELETE", "five!"),
        ("PATCH", ""),
    ] {
        let answer = site.ask(
            method,
            "/echo",
            &[("Content-Type", "text/x-test")],
            body.as_bytes(),
        );
        let seen = (answer.status, answer.header("x-method"), answer.text());
        assert_eq!(seen, (200, Some(method), body.to_owned()));
        assert_eq!(answer.header("content-type"), Some("text/x-test"));
    }
    let head = site.ask("HEAD", "/echo", &[], b"");
    assert_eq!(
        (head.status, head.header("x-method"), head.body.len()),
        (200, Some("HEAD"), 0)
    );
}

pub(super) fn an_empty_body_stays_empty(site: &Site) {
    for fields in [("Content-Length", "0"), ("X-Nothing", "1")] {
        let answer = site.ask("POST", "/echo", &[fields], b"");
        assert_eq!((answer.status, answer.header("x-body-length")), (200, Some("0")));
    }
    assert_eq!(chunked(site, "/echo", "a.example", b"").0, "0");
}

pub(super) fn bodies_of_any_size_come_back(site: &Site) {
    for size in SIZES {
        let body = pattern(size);
        let answer = site.ask("POST", "/echo", &[], &body);
        assert_eq!(answer.header("x-body-length"), Some(size.to_string().as_str()));
        assert!(
            answer.body == body,
            "{size} bytes came back as other {}",
            answer.body.len()
        );
    }
}

pub(super) fn chunked_bodies_come_back(site: &Site) {
    for size in SIZES {
        let body = pattern(size);
        let (length, echoed) = chunked(site, "/echo", "a.example", &body);
        assert_eq!(length, size.to_string());
        assert!(echoed == body, "{size} bytes came back as other {}", echoed.len());
    }
}

/// Without a request buffer a known length streams, and an unknown one is gathered where the protocol needs it.
pub(super) fn unbuffered_bodies_come_back(site: &Site) {
    let body = pattern(SIZES[2]);
    let fields = [("Host", DIRECT)];
    let answer = site.client().request("PUT", "/echo", &fields, &body).unwrap();
    assert!(answer.complete && answer.body == body, "{}", answer.body.len());
    let (_, echoed) = chunked_at(site, "/echo", DIRECT, &body);
    assert!(echoed == body, "{}", echoed.len());
}

pub(super) fn an_upload_arrives_unchanged(site: &Site) {
    let body = pattern(SIZES[2]);
    let answer = site.ask("PUT", "/upload", &[], &body);
    let got: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(got["length"], body.len());
    assert_eq!(got["sha256"], hex(&Sha256::digest(&body)));
}

pub(super) fn a_client_may_wait_for_the_invitation(site: &Site) {
    let mut client = site.client();
    let target = format!("{}/echo", site.mount());
    let fields = [("Expect", "100-continue"), ("Content-Length", "5")];
    client.send_request("POST", &target, &fields, b"").unwrap();
    assert_eq!(client.read_head().unwrap().status, 100);
    client.send(b"five!").unwrap();
    assert_eq!(client.read_response().unwrap().text(), "five!");
}

/// By a client that is not ours.
pub(super) fn http2_carries_the_same(site: &Site) {
    let body = pattern(SIZES[1]);
    let url = |path: &str| format!("http://{}{}{path}", site.gateway.addr(), site.mount());
    let file = site.backend.dir().join("body");
    std::fs::write(&file, &body).unwrap();
    let data = format!("@{}", file.display());
    let echoed = curl(&["--data-binary", &data, &url("/echo")]);
    assert!(echoed == body, "{} bytes", echoed.len());
    assert_eq!(
        curl(&["-T", file.to_str().unwrap(), &url("/echo")]).len(),
        body.len()
    );
    let crumbs = curl(&["-H", "Cookie: a=1", "-H", "Cookie: b=2", &url("/env?h2")]);
    let got: serde_json::Value = serde_json::from_slice(&crumbs).unwrap();
    assert_eq!(
        (&got["HTTP_COOKIE"], &got["SERVER_PROTOCOL"]),
        (&"a=1; b=2".into(), &"HTTP/1.1".into())
    );
    assert_eq!(got["HTTP_HOST"], site.gateway.addr().to_string());
    assert_eq!(site.logged("/env?h2")["version"], "HTTP/2.0");
    assert_eq!(curl(&[&url("/download?bytes=3000000")]).len(), 3_000_000);
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl")
        .args([
            "--http2-prior-knowledge",
            "--silent",
            "--show-error",
            "--max-time",
            "20",
        ])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("curl is installed: cargo xtask test installs it");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A body in chunks of 10,000 bytes below the mount; gives the length that the application saw, and the echo.
fn chunked(site: &Site, path: &str, host: &str, body: &[u8]) -> (String, Vec<u8>) {
    chunked_at(site, &format!("{}{path}", site.mount()), host, body)
}

fn chunked_at(site: &Site, target: &str, host: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut client = site.client();
    let mut wire = Vec::new();
    for chunk in body.chunks(10_000) {
        wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
        wire.extend(chunk);
        wire.extend(b"\r\n");
    }
    wire.extend(b"0\r\n\r\n");
    let fields = [("Host", host), ("Transfer-Encoding", "chunked")];
    let answer = client.request("POST", target, &fields, &wire).unwrap();
    assert!(
        answer.complete && answer.status == 200,
        "{}: {}",
        answer.status,
        answer.text()
    );
    (answer.header("x-body-length").unwrap().to_owned(), answer.body)
}

/// The bytes that the applications send as a download.
pub(super) fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 + 7) as u8).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In one read; over one FastCGI record and any socket buffer; beyond the memory of the spool.
const SIZES: [usize; 3] = [5, 70_000, 3_000_000];
