//! Requests that are refused, and clients that go away or stall.

use std::time::Duration;

use testbed::{Client, Scripted};

use super::{assert_logged, assert_refused, config, gateway, good, hello};
use crate::start;

/// Requests that no application ever sees.
#[test]
fn refused_requests() {
    let backend = good();
    let gateway = start(&format!(
        "{}path = \"/app\"\nlimits = {{ body = \"1KiB\" }}\n",
        config(&[&backend.address()], "")
    ));
    let rows: &[(&str, &str, u16, &str)] = &[
        (
            "bad escape",
            "GET /app/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
            400,
            "bad_path",
        ),
        ("NUL", "GET /app/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad_path"),
        ("no host", "GET /app HTTP/1.1\r\n\r\n", 400, "bad_host"),
        (
            "one variable from two fields",
            "GET /app HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX_A: 2\r\n\r\n",
            400,
            "conflicting_fields",
        ),
        (
            "no route",
            "GET /other HTTP/1.1\r\nHost: a\r\n\r\n",
            404,
            "not_found",
        ),
        (
            "traversal",
            "GET /app/../../x HTTP/1.1\r\nHost: a\r\n\r\n",
            404,
            "not_found",
        ),
        (
            "CONNECT",
            "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
            405,
            "method_not_allowed",
        ),
        (
            "expectation",
            "POST /app HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n",
            417,
            "expectation",
        ),
        (
            "coding",
            "POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            501,
            "transfer_encoding",
        ),
        (
            "announced",
            "POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n",
            413,
            "body_too_large",
        ),
        (
            "bad chunk",
            "POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            400,
            "bad_body",
        ),
    ];
    let mut count = 0;
    for (id, request, status, reason) in rows {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.send(request).unwrap();
        let response = client
            .read_response()
            .unwrap_or_else(|error| panic!("{id}: {error:#}"));
        assert_eq!(response.header("bridgehead-error"), Some(*reason), "{id}");
        assert_refused(&response, *status, reason);
        assert_logged(&gateway, count, *status, reason);
        count += 1;
        gateway.wait_access(count).unwrap();
    }
    assert!(
        !gateway.errors().contains("request failed"),
        "no failure of ours:\n{}",
        gateway.errors()
    );
}

#[test]
fn a_body_of_chunks_over_its_limit() {
    let backend = good();
    let gateway = start(&format!(
        "{}limits = {{ body = \"1KiB\" }}\n",
        config(&[&backend.address()], "")
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let chunk = format!("800\r\n{}\r\n0\r\n\r\n", "x".repeat(2048));
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
        ))
        .unwrap();
    assert_refused(&client.read_response().unwrap(), 413, "body_too_large");
    assert_logged(&gateway, 0, 413, "body_too_large");
    assert_eq!(backend.connections(), 0);
}

/// GU-02, GU-28, GC-04: the gateway knows what the application would silently drop.
#[test]
fn variables_over_their_limit() {
    let rows = [
        (
            "uwsgi",
            "profile = \"uwsgi\"",
            5_000,
            "max_block, which is to be no more than buffer-size of uWSGI",
        ),
        ("uwsgi", "", 66_000, "(max_block"),
        ("scgi", "", 66_000, "(max_block)"),
        ("fastcgi", "max_block = \"64KiB\"", 66_000, "bytes"),
        ("fastcgi", "max_block = \"8KiB\"", 9_000, "(max_block)"),
    ];
    for (protocol, settings, size, named) in rows {
        let backend = good();
        let gateway = start(&format!(
            "[server]\ntemp_dir = \"{{dir}}\"\nhead_size = \"128KiB\"\n[upstream.app]\nprotocol = \"{protocol}\"\n{settings}\n\
             endpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
            backend.address()
        ));
        let mut client = Client::connect(gateway.addr()).unwrap();
        let response = client
            .request("GET", "/", &[("X-Big", &"v".repeat(size))], b"")
            .unwrap();
        assert_refused(&response, 431, "variables_too_large");
        assert!(response.text().contains(named), "{}", response.text());
        assert_logged(&gateway, 0, 431, "variables_too_large");
        assert_eq!(backend.connections(), 0);
    }
}

#[test]
fn a_head_over_its_limit() {
    let backend = good();
    let gateway = gateway(&[&backend.address()], "");
    let mut client = Client::connect(gateway.addr()).unwrap();
    let response = client
        .request("GET", "/", &[("X-Big", &"v".repeat(40_000))], b"")
        .unwrap();
    assert_eq!(response.status, 431);
    assert_logged(&gateway, 0, 431, "head_too_large");
}

#[test]
fn a_client_that_stalls_inside_its_body() {
    let backend = good();
    for streamed in [false, true] {
        let buffering = format!("buffering = {{ request = {} }}\n", !streamed);
        let gateway = start(&format!(
            "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ body = \"200ms\" }}\n{}{buffering}",
            config(&[&backend.address()], "")
        ));
        let mut client = Client::connect(gateway.addr()).unwrap();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            .unwrap();
        assert_refused(&client.read_response().unwrap(), 408, "client_timeout");
        assert_logged(&gateway, 0, 408, "client_timeout");
    }
    assert!(
        backend.requests().is_empty(),
        "the streamed one was never complete"
    );
}

/// GC-09: an unfinished body is never ended, or the application would take it for the whole.
#[test]
fn a_client_that_leaves_inside_its_body() {
    for (protocol, streamed) in [
        ("fastcgi", false),
        ("fastcgi", true),
        ("uwsgi", true),
        ("http", true),
    ] {
        let (seen, sees) = std::sync::mpsc::channel();
        let backend = Scripted::start(move |mut connection| {
            seen.send(connection.wait_close()?)?;
            Ok(())
        })
        .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\n[[route]]\n\
             proxy = {{ upstream = \"app\" }}\nbuffering = {{ request = {} }}\n",
            backend.address(),
            !streamed
        ));
        let mut client = Client::connect(gateway.addr()).unwrap();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
            .unwrap();
        if streamed {
            backend.wait_connections(1).unwrap();
        }
        drop(client);
        assert_logged(&gateway, 0, 499, "client_gone");
        if streamed {
            let wire = sees.recv_timeout(Duration::from_secs(5)).unwrap();
            let end: &[u8] = if protocol == "fastcgi" {
                b"\x01\x05\0\x01\0\x03\0\0abc"
            } else {
                b"abc"
            };
            assert!(
                wire.ends_with(end) || wire.is_empty(),
                "{protocol}: {:?}",
                String::from_utf8_lossy(&wire)
            );
        }
        assert_eq!(backend.connections(), usize::from(streamed), "{protocol}");
        assert!(
            !gateway.errors().contains("request failed"),
            "{protocol}: {}",
            gateway.errors()
        );
    }
}

#[test]
fn a_client_that_asks_again_after_a_failure_of_its_own() {
    let backend = Scripted::start(hello).unwrap();
    let gateway = gateway(&[&backend.address()], "");
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/%00", &[], b"").unwrap().status, 400);
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "hello");
}
