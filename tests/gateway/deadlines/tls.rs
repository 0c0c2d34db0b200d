//! The states of a connection with TLS in front of its first request.

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;
use testbed::{Authority, Client, Tls, TlsClient};

use super::cell::{Cell, LIVES, end};
use super::{Row, http1, row};
use crate::http::frames::{Http2, Outcome};
use crate::http::proxy_protocol::LINE;

pub(super) const ROWS: [Row; 6] = [
    row("HTTP/1", IN_HANDSHAKE, in_handshake, &[("handshake", "closed")]),
    row("HTTP/2", IN_HANDSHAKE, in_handshake, &[("handshake", "closed")]),
    row("HTTP/1", IN_HEADER, in_header, &[("handshake", "closed")]),
    row("HTTP/2", IN_HEADER, in_header, &[("handshake", "closed")]),
    row("HTTP/1", BEHIND_HEADER, behind_header, &[("handshake", "closed")]),
    row("HTTP/2", BEHIND_HEADER, behind_header, &[("handshake", "closed")]),
];

const IN_HANDSHAKE: &str = "in a TLS handshake";
const IN_HEADER: &str = "in a PROXY header in front of TLS";
const BEHIND_HEADER: &str = "in a TLS handshake behind a PROXY header";

fn in_handshake(cell: &Cell) -> Result<String> {
    slow(cell, SECURE, b"")
}

fn in_header(cell: &Cell) -> Result<String> {
    let (begin, rest) = LINE.split_at(20);
    paused(cell, ANNOUNCED, |hello| [begin.to_vec(), [rest, hello].concat()])
}

fn behind_header(cell: &Cell) -> Result<String> {
    slow(cell, ANNOUNCED, LINE)
}

/// A handshake that stops in the middle of its first words, behind a header.
fn slow(cell: &Cell, listener: usize, header: &[u8]) -> Result<String> {
    paused(cell, listener, |hello| {
        let (begin, rest) = hello.split_at(hello.len() / 2);
        [[header, begin].concat(), rest.to_vec()]
    })
}

/// Watches a connection between the parts of what comes in front of its first request, and asks.
fn paused(cell: &Cell, listener: usize, parts: impl Fn(&[u8]) -> [Vec<u8>; 2]) -> Result<String> {
    let shaken = cell.client_at(listener)?.shake(&cell.tls()?, |client, hello| {
        let [first, second] = parts(hello);
        client.send(first)?;
        if cell.stirs(client)? {
            bail!(end(client));
        }
        client.send(second)
    });
    match shaken {
        Ok(client) if cell.is_http2 => asks_http2(client),
        Ok(mut client) => http1::asks(&mut client),
        Err(error) => Ok(error.to_string()),
    }
}

fn asks_http2(client: Client) -> Result<String> {
    let fields = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/fixed"),
        (":authority", "a"),
    ];
    let outcome = Http2::begin(client).ask(&fields, b"");
    ensure!(outcome == Outcome::Answer(200, "fixed".to_owned()), "{outcome:?}");
    Ok(LIVES.to_owned())
}

impl Cell {
    fn tls(&self) -> Result<Tls> {
        let alpn: &[&str] = if self.is_http2 { &["h2"] } else { &["http/1.1"] };
        let client = TlsClient {
            alpn,
            ..TlsClient::default()
        };
        Tls::new(&self.place.certificates.authority, &client)
    }
}

/// What the listeners with TLS show.
pub(super) struct Certificates {
    authority: Authority,
    dir: TempDir,
}

impl Certificates {
    pub(super) fn new() -> Self {
        let authority = Authority::new("Test Authority").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let issued = authority.issue(&["127.0.0.1"]).unwrap();
        issued.write(dir.path(), "server").unwrap();
        Self { authority, dir }
    }

    /// Two listeners behind all others: [`SECURE`], and [`ANNOUNCED`].
    pub(super) fn listeners(&self) -> String {
        LISTENERS.replace("{certs}", &self.dir.path().display().to_string())
    }
}

/// The listener with TLS.
const SECURE: usize = 2;

/// The one with TLS whose connections are announced.
const ANNOUNCED: usize = 3;

const LISTENERS: &str = r#"
[tls]
certificates = [{ cert = "{certs}/server.pem", key = "{certs}/server.key" }]

[[listen]]
address = "127.0.0.1:0"
tls = true

[[listen]]
address = "127.0.0.1:0"
tls = true
proxy_protocol = { from = ["127.0.0.0/8"] }
"#;
