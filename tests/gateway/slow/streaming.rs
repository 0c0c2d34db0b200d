//! Answers that are passed on as they come: each piece at once, and never more of them than the client wants.

use std::io::ErrorKind;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::ensure;
use testbed::{Scripted, fastcgi_record};

use super::{ask, connect, gateway};
use crate::http::frames::*;

/// Bytes that no sockets on the way hold.
const ENDLESS: usize = 24 * 1024 * 1024;

/// Fields of an answer, the route, and whether it goes at the pace of the client.
const MODES: [(&str, &str, bool); 8] = [
    ("Content-Type: text/plain", "", false),
    (
        "Content-Type: text/plain",
        "buffering = { response = false }",
        true,
    ),
    ("Content-Type: text/event-stream", "", true),
    ("Content-Type: Text/Event-Stream; charset=utf-8", "", true),
    ("Content-Type: text/plain\r\nX-Accel-Buffering: no", "", true),
    ("Content-Type: text/plain\r\nX-Accel-Buffering: No", "", true),
    (
        "Content-Type: text/plain\r\nX-Accel-Buffering: yes",
        "buffering = { response = false }",
        false,
    ),
    (
        "Content-Type: text/event-stream\r\nX-Accel-Buffering: yes",
        "",
        true,
    ),
];

#[test]
fn every_piece_is_passed_on_at_once() {
    for (fields, route, _) in MODES {
        let (open, opened) = channel();
        let opened = Mutex::new(opened);
        let backend = Scripted::start(move |mut connection| {
            let request = connection.read_fastcgi()?;
            connection.write_record(6, request.id, format!("{fields}\r\n\r\n").as_bytes())?;
            for piece in 0..5 {
                connection.write_record(6, request.id, format!("piece {piece}\n").as_bytes())?;
                opened.lock().unwrap().recv_timeout(Duration::from_secs(10))?;
            }
            connection.write(fastcgi_record(3, request.id, &[0; 8])?)
        })
        .unwrap();
        let gateway = gateway("fastcgi", &backend, route);
        let mut client = connect(&gateway);
        client.send_request("GET", "/", &[], b"").unwrap();
        client.read_head().unwrap();
        for piece in 0..5 {
            let chunk = format!("8\r\npiece {piece}\n\r\n");
            assert_eq!(
                client.take(chunk.len()).unwrap(),
                chunk.as_bytes(),
                "{fields}, {route}"
            );
            open.send(()).unwrap();
        }
        assert_eq!(client.take(5).unwrap(), b"0\r\n\r\n");
        assert_eq!(backend.failures(), 0);
    }
}

#[test]
fn the_client_sets_the_pace_of_what_streams_and_of_nothing_else() {
    for (fields, route, streams) in MODES {
        let backend = Scripted::start(move |mut connection| {
            let request = connection.read_fastcgi()?;
            connection.write_record(6, request.id, format!("{fields}\r\n\r\n").as_bytes())?;
            let piece = fastcgi_record(6, request.id, &[b'x'; 60_000])?;
            connection
                .stream()
                .set_write_timeout(Some(Duration::from_secs(1)))?;
            let mut taken = 0;
            while taken < ENDLESS {
                match connection.write(&piece) {
                    Err(error) => {
                        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
                        anyhow::ensure!(streams && kind == Some(ErrorKind::WouldBlock), "{error:#}");
                        return Ok(());
                    }
                    Ok(()) => taken += piece.len(),
                }
            }
            anyhow::ensure!(!streams, "all of it was taken");
            Ok(())
        })
        .unwrap();
        let gateway = gateway("fastcgi", &backend, route);
        let mut client = connect(&gateway);
        client.send_request("GET", "/", &[], b"").unwrap();
        client.read_head().unwrap();
        backend.wait_ended(1).unwrap();
        assert_eq!(backend.failures(), 0, "{fields}, {route}");
    }
}

#[test]
fn the_word_of_the_application_is_not_for_the_client() {
    for size in [5, 5_000_000] {
        for protocol in ["fastcgi", "http"] {
            let backend = Scripted::start(move |mut connection| {
                let body = "x".repeat(size);
                if protocol == "fastcgi" {
                    let request = connection.read_fastcgi()?;
                    let answer = format!("X-Accel-Buffering: no\r\nX-Other: 1\r\n\r\n{body}");
                    return connection.fastcgi_response(request.id, answer.as_bytes());
                }
                connection.read_http()?;
                connection.write(format!(
                    "HTTP/1.1 200 OK\r\nX-Accel-Buffering: yes\r\nX-Other: 1\r\nContent-Length: {size}\r\n\r\n{body}"
                ))
            })
            .unwrap();
            let gateway = gateway(protocol, &backend, "");
            let answer = ask(&gateway);
            assert_eq!((answer.complete, answer.body.len()), (true, size));
            assert_eq!(
                (answer.header("x-accel-buffering"), answer.header("x-other")),
                (None, Some("1"))
            );
        }
    }
}

/// What a client sends of an upload, a piece at a time.
type Send<'a> = Box<dyn FnMut(&[u8], bool) + 'a>;

// In chunks, and on a stream of HTTP/2 that does not say its length either.
#[test]
fn an_upload_of_unknown_length_reaches_fastcgi_as_it_comes() {
    let (tell, told) = channel();
    let backend = Scripted::start(move |mut connection| {
        let (mut params, mut body) = (Vec::new(), Vec::new());
        loop {
            let record = connection.read_record()?;
            match record.kind {
                4 => params.extend(record.content),
                5 if record.content.is_empty() => break,
                5 => {
                    body.extend(record.content);
                    tell.send(body.len())?;
                }
                _ => {}
            }
        }
        let said = params.windows(14).any(|name| name == b"CONTENT_LENGTH");
        ensure!(!said, "a length that is not known");
        let answer = [b"Content-Type: a/b\r\n\r\n", &body[..]].concat();
        connection.fastcgi_response(1, &answer)
    })
    .unwrap();
    let gateway = gateway("fastcgi", &backend, "buffering = { request = false }");
    let upload = |mut send: Send<'_>| {
        for came in [3, 6, 9] {
            send(b"abc", came == 9);
            let got = told.recv_timeout(Duration::from_secs(10)).unwrap();
            assert_eq!(got, came, "before the rest is sent");
        }
    };
    let mut http1 = connect(&gateway);
    http1
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .unwrap();
    upload(Box::new(|piece, last| {
        let mut chunk = [b"3\r\n", piece, b"\r\n"].concat();
        chunk.extend_from_slice(if last { b"0\r\n\r\n" } else { b"" });
        http1.send(chunk).unwrap();
    }));
    assert_eq!(http1.read_response().unwrap().text(), "abcabcabc");
    let mut http2 = Http2::begin(connect(&gateway));
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
    ];
    http2.headers(1, &fields, 0);
    upload(Box::new(|piece, last| {
        http2.frame(DATA, if last { END_STREAM } else { 0 }, 1, piece);
    }));
    assert_eq!(http2.outcome(1), Outcome::Answer(200, "abcabcabc".into()));
    assert_eq!(backend.failures(), 0);
}

// PHP takes as much as it is told.
#[test]
fn an_upload_of_unknown_length_is_held_where_the_application_has_to_be_told_its_length() {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        ensure!(request.param("CONTENT_LENGTH") == Some("6"), "the whole length");
        connection.fastcgi_response(request.id, b"Content-Type: a/b\r\n\r\nwhole")
    })
    .unwrap();
    let gateway = crate::start(&format!(
        "[upstream.app]\nprofile = \"php-fpm\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\nbuffering = {{ request = false }}\n",
        backend.address()
    ));
    let mut client = connect(&gateway);
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().unwrap().text(), "whole");
    assert_eq!(backend.failures(), 0);
}
