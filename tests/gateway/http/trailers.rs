//! Trailers of HTTP applications: for the clients that take them.

use testbed::ScriptedConnection;

use super::frames::{END_STREAM, Outcome, status_of};
use super::site::Site;

const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag, X-Sum\r\n\r\n";

/// Behind the body of every answer: one field alone belongs there.
const TRAILERS: &str =
    "ETag: 1\r\nContent-Length: 3\r\nSet-Cookie: a\r\nX-Sendfile: /a\r\nBridgehead-Error: forged\r\n\r\n";

const TAKES: [(&str, &str); 2] = [("TE", "trailers"), ("Connection", "TE, close")];

/// Answers with a body of this size in chunks, and with trailers.
fn chunked(mut connection: ScriptedConnection, size: usize) -> anyhow::Result<()> {
    connection.read_http()?;
    connection.write(HEAD)?;
    for piece in vec![b'x'; size].chunks(100_000) {
        connection.write(format!("{:x}\r\n", piece.len()))?;
        connection.write(piece)?;
        connection.write("\r\n")?;
    }
    connection.write(format!("0\r\n{TRAILERS}"))
}

/// All that a client gets for a GET with these fields.
fn answer(site: &Site, fields: &[(&str, &str)]) -> String {
    let mut client = site.client();
    client.send_request("GET", "/first", fields, b"").unwrap();
    String::from_utf8(client.rest().unwrap()).unwrap()
}

/// What is left of the last chunk of a body that consists of one letter.
#[track_caller]
fn ends_with_trailers(text: &str, size: usize) {
    let (head, rest) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nTransfer-Encoding: chunked"), "{head}");
    assert!(head.contains("\r\nTrailer: ETag, X-Sum"), "{head}");
    let end = "\r\n0\r\nETag: 1\r\n\r\n";
    assert!(
        rest.ends_with(end),
        "{:?}",
        &rest[rest.len().saturating_sub(200)..]
    );
    assert_eq!(rest.matches('x').count(), size);
}

#[test]
fn trailers_go_to_a_client_that_takes_them() {
    for size in [5, 300_000] {
        let site = Site::speaking("http", "", "", move |connection| chunked(connection, size));
        ends_with_trailers(&answer(&site, &TAKES), size);
        let asked = site.asked();
        assert_eq!(asked.param("te"), Some("trailers"));
        let connection = asked.param("connection").unwrap();
        assert!(
            connection.split(", ").any(|option| option == "TE"),
            "{connection}"
        );
    }
}

#[test]
fn trailers_come_with_any_timing() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        let all = format!("{HEAD}5\r\nxxxxx\r\n0\r\n{TRAILERS}");
        all.bytes().try_for_each(|byte| connection.write([byte]))
    });
    ends_with_trailers(&answer(&site, &TAKES), 5);
    let streamed = Site::speaking("http", "", "", |connection| chunked(connection, 300_000));
    let mut client = streamed.client();
    client.send_request("GET", "/streamed", &TAKES, b"").unwrap();
    ends_with_trailers(&String::from_utf8(client.rest().unwrap()).unwrap(), 300_000);
}

#[test]
fn trailers_wait_with_the_body_for_a_client_that_is_slow() {
    let size = 8_000_000;
    let site = Site::speaking("http", "", "", move |connection| chunked(connection, size));
    let mut client = site.client();
    client.send_request("GET", "/first", &TAKES, b"").unwrap();
    // All of it is in the gateway, and the worker is free.
    site.backend.wait_ended(1).unwrap();
    ends_with_trailers(&String::from_utf8(client.rest().unwrap()).unwrap(), size);
    assert!(site.log(1)[0]["reason"].is_null());
}

#[test]
fn no_other_client_gets_trailers() {
    let site = Site::speaking("http", "", "", |connection| chunked(connection, 5));
    let close = ("Connection", "close");
    for fields in [&[close][..], &[close, ("TE", "gzip")]] {
        let text = answer(&site, fields);
        assert!(
            text.contains("xxxxx") && text.starts_with("HTTP/1.1 200 OK"),
            "{text}"
        );
        assert!(!text.contains("ETag") && !text.contains("Trailer"), "{text}");
    }
    let old = site.only("GET /first HTTP/1.0\r\nTE: trailers\r\n\r\n");
    assert_eq!((old.text().as_str(), old.header("trailer")), ("xxxxx", None));
    let requests = site.backend.requests();
    assert!(requests.iter().all(|request| request.param("te").is_none()));
}

#[test]
fn trailers_go_to_a_stream_that_takes_them() {
    let site = Site::speaking("http", "", "", |connection| chunked(connection, 5));
    let get = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/first"),
        (":authority", "a.example"),
    ];
    let mut http = site.http2();
    let taking = [&get[..], &[("te", "trailers")]].concat();
    http.headers(1, &taking, END_STREAM);
    assert_eq!(status_of(&http.head(1)), 200);
    // `etag` has its place in the table; the value is plain or Huffman coded (RFC 7541, appendices A and B).
    let block = http.head(1);
    assert!(
        matches!(
            block[..],
            [0x62 | 0x0f, .., 0x81, 0x0f] | [0x62 | 0x0f, .., 1, b'1']
        ),
        "{block:02x?}"
    );
    http.headers(3, &get, END_STREAM);
    assert_eq!(http.outcome(3), Outcome::Answer(200, "xxxxx".into()));
}

#[test]
fn trailers_beyond_their_limit_are_dropped_and_no_endpoint_is_blamed() {
    let large = format!("X-Large: {}\r\n", "x".repeat(3000)).repeat(30);
    let many = "X-Many: 1\r\n".repeat(300);
    for trailers in [large, many, "no field\r\n".to_owned()] {
        let site = Site::speaking(
            "http",
            "",
            "[[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n",
            move |mut connection| {
                connection.read_http()?;
                connection.write(format!("{HEAD}5\r\nhello\r\n0\r\n{trailers}\r\n"))?;
                connection.wait_close().map(drop)
            },
        );
        for fields in [&TAKES[..], &[]] {
            let answer = site.request("GET", "/first", fields, b"");
            let got = (answer.status, answer.text(), answer.complete);
            assert_eq!(got, (200, "hello".to_owned(), true));
        }
        let status = site.request("GET", "/status", &[], b"");
        let status: serde_json::Value = serde_json::from_slice(&status.body).unwrap();
        let endpoint = &status["upstreams"][0]["endpoints"][0];
        assert_eq!(endpoint["failed"], 0, "{endpoint}");
        assert!(site.log(3).iter().all(|line| line["reason"].is_null()));
    }
}
