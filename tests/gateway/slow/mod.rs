//! Clients that take or send slowly, and what they may hold up: their own answers, no worker and nobody else.
//!
//! Answers are larger than what the sockets on their way hold; a script that has ended shows that all of one was
//! taken.

mod limits;
mod reading;
mod streaming;

use anyhow::Result;
use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection};

use crate::start;

/// Bytes of a large answer.
const LARGE: usize = 251 * 48 * 1024;

/// The protocols, each with a way to send an answer.
const PROTOCOLS: [(&str, Answer); 5] = [
    ("fastcgi", fastcgi),
    ("uwsgi", uwsgi),
    ("scgi", scgi),
    ("http", http),
    ("http", http_chunks),
];

/// Reads a request and answers with this body; an empty one stands for a small answer.
type Answer = fn(&mut ScriptedConnection, &[u8]) -> Result<()>;

/// A gateway with one worker behind it.
fn gateway(protocol: &str, backend: &Scripted, route: &str) -> Gateway {
    with(protocol, backend, "", route)
}

fn with(protocol: &str, backend: &Scripted, server: &str, route: &str) -> Gateway {
    start(&format!(
        "[server]\n{server}\n[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\nmax_connections = 1\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n{route}\n",
        backend.address()
    ))
}

fn connect(gateway: &Gateway) -> Client {
    Client::connect(gateway.addr()).unwrap()
}

fn ask(gateway: &Gateway) -> Response {
    connect(gateway).request("GET", "/", &[], b"").unwrap()
}

fn large() -> Vec<u8> {
    let pattern: Vec<u8> = (0..=250).collect();
    pattern.repeat(LARGE / pattern.len())
}

/// The access log's lines.
fn logged(gateway: &Gateway, count: usize) -> Vec<serde_json::Value> {
    let lines = gateway.wait_access(count).unwrap();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const HEAD: &[u8] = b"Content-Type: text/plain\r\n\r\n";

fn fastcgi(connection: &mut ScriptedConnection, body: &[u8]) -> Result<()> {
    let request = connection.read_fastcgi()?;
    connection.fastcgi_response(request.id, &[HEAD, body].concat())
}

fn uwsgi(connection: &mut ScriptedConnection, body: &[u8]) -> Result<()> {
    connection.read_uwsgi()?;
    connection.write([b"HTTP/1.1 200 OK\r\n", HEAD, body].concat())
}

fn scgi(connection: &mut ScriptedConnection, body: &[u8]) -> Result<()> {
    connection.read_scgi()?;
    connection.write([HEAD, body].concat())
}

fn http(connection: &mut ScriptedConnection, body: &[u8]) -> Result<()> {
    connection.read_http()?;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write([head.as_bytes(), body].concat())
}

/// With trailers, which end here.
fn http_chunks(connection: &mut ScriptedConnection, body: &[u8]) -> Result<()> {
    connection.read_http()?;
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for chunk in body.chunks(100_000) {
        let size = format!("{:x}\r\n", chunk.len());
        connection.write([size.as_bytes(), chunk, b"\r\n"].concat())?;
    }
    connection.write("0\r\nX-Checksum: 1\r\n\r\n")
}
