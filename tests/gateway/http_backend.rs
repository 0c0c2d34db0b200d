//! Backends that speak HTTP.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

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

/// The head of 70,000 bytes comes in one piece, which hyper would take.
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
