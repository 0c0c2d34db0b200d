//! Backends that speak HTTP.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};

use testbed::{Client, Gateway, Scripted};

use crate::start;

fn gateway(backend: &Scripted) -> Gateway {
    start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\nkeep_alive = 2\nmax_connections = 2\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ))
}

#[test]
fn a_connection_is_kept_after_an_answer_of_known_length() {
    let backend = Scripted::start(|mut connection| {
        loop {
            connection.read_http()?;
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
        }
    })
    .unwrap();
    let gateway = gateway(&backend);
    let mut client = Client::connect(gateway.addr()).unwrap();
    for _ in 0..3 {
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "hello");
    }
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_backend_cannot_say_the_gateways_word_for_errors() {
    let backend = Scripted::start(|mut connection| {
        connection.read_http()?;
        connection.write(
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nBridgehead-Error: early\r\nX-Sendfile: /a\r\n\r\n\
             HTTP/1.1 200 OK\r\nBridgehead-Error: forged\r\nX-Own: kept\r\nContent-Length: 5\r\n\
             Connection: close\r\n\r\nhello",
        )
    })
    .unwrap();
    let gateway = gateway(&backend);
    let mut client = Client::connect(gateway.addr()).unwrap();
    client
        .send_request("GET", "/", &[("Connection", "close")], b"")
        .unwrap();
    let text = String::from_utf8(client.rest().unwrap()).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"),
        "{text}"
    );
    assert!(
        text.contains("X-Own: kept\r\n") && text.ends_with("\r\n\r\nhello"),
        "{text}"
    );
    for private in ["bridgehead-error", "x-sendfile"] {
        assert!(!text.to_lowercase().contains(private), "{text}");
    }
}

#[test]
fn an_answer_to_a_body_that_nobody_reads_arrives() {
    let backend = Scripted::start(|mut connection| {
        let mut start = [0; 1000];
        connection.read(&mut start)?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    })
    .unwrap();
    let gateway = gateway(&backend);
    let body = vec![b'x'; 4 * 1024 * 1024];
    for _ in 0..5 {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let answer = client.request("POST", "/", &[], &body).unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    }
}

#[test]
fn a_head_over_its_limit_is_refused_however_it_arrives() {
    let backend = Scripted::start(|mut connection| {
        connection.read_http()?;
        let large = "x".repeat(70_000);
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nX-Large: {large}\r\nContent-Length: 0\r\n\r\n"
        ))?;
        connection.wait_close().map(drop)
    })
    .unwrap();
    let gateway = gateway(&backend);
    let mut client = Client::connect(gateway.addr()).unwrap();
    let answer = client.request("POST", "/", &[], b"").unwrap();
    let reason = answer.header("bridgehead-error");
    assert_eq!((answer.status, reason), (502, Some("bad_response_head")));
}

/// The kept connection looks well when the request is written, and is closed before it is answered. The body came in
/// many pieces; it is sent again from its first byte.
#[test]
fn a_held_body_is_sent_again_when_a_kept_connection_was_closed() {
    let connections = AtomicUsize::new(0);
    let backend = Scripted::start(move |mut connection| {
        let first = connections.fetch_add(1, Ordering::Relaxed) == 0;
        let request = connection.read_http()?;
        let answer = format!("{} bytes", request.body.len());
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        ))?;
        match first {
            true => connection.read(&mut [0; 100]).map(drop),
            false => connection.wait_close().map(drop),
        }
    })
    .unwrap();
    let gateway = gateway(&backend);
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "0 bytes");
    let body = vec![b'x'; 300_000];
    let answer = client.request("PUT", "/", &[], &body).unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "300000 bytes"));
    assert_eq!(backend.connections(), 2);
}

#[test]
fn an_application_sees_fields_as_the_client_spells_them() {
    let backend = Scripted::start(|mut connection| {
        let mut bytes = [0; 4096];
        let count = connection.read(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes[..count]).replace("\r\n", "|");
        connection.write(format!("HTTP/1.1 200 OK\r\nX-oDD: 1\r\n\r\n{text}"))
    })
    .unwrap();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send("GET /a?b HTTP/1.0\r\n\r\n").unwrap();
    let own = gateway.addr();
    let text = client.read_response().unwrap().text();
    let start = format!("GET /a?b HTTP/1.1|Host: {own}|X-Forwarded-For: 127.0.0.1|X-Real-IP: 127.0.0.1|");
    assert!(text.starts_with(&start), "{text}");
    assert!(
        text.ends_with("|X-Forwarded-Proto: http|Connection: close||"),
        "{text}"
    );
}

#[test]
fn a_body_of_unknown_length_ends_with_its_last_chunk() {
    let backend = Scripted::start(|mut connection| {
        let mut seen = Vec::new();
        let mut bytes = [0; 4096];
        while !seen.ends_with(b"\r\n0\r\n\r\n") {
            let count = connection.read(&mut bytes)?;
            anyhow::ensure!(count > 0, "no last chunk");
            seen.extend_from_slice(&bytes[..count]);
        }
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    })
    .unwrap();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\nbuffering = {{ request = false }}\n",
        backend.address()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().unwrap().text(), "ok");
}
