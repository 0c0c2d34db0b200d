//! Content codings: which answers have one, what they say then, and that every one of them can be read.

use std::io::Read;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use testbed::{Response, ScriptedConnection};

use super::frames::{END_STREAM, WINDOW_UPDATE};
use super::site::{Site, gate};
use crate::spoken::{self, PROTOCOLS};

/// The gateway codes everything below `/`, and nothing below `/plain`; `/file` has files.
fn site(protocol: &'static str, files: &str) -> Site {
    let tables = format!(
        "[[route]]\nhost = \"c.test\"\nproxy = {{ upstream = \"app\" }}\ncompress = true\n\
         [[route]]\nhost = \"c.test\"\npath = \"/plain\"\nproxy = {{ upstream = \"app\" }}\n\
         [[route]]\nhost = \"c.test\"\npath = \"/fixed\"\nrespond = {{ body = \"{}\" }}\ncompress = true\n{files}",
        "fixed ".repeat(200)
    );
    Site::speaking(protocol, "", &tables, move |connection| {
        application(protocol, connection)
    })
}

/// Answers with the fields that the query has, and as many letters as its path says.
fn application(protocol: &str, mut connection: ScriptedConnection) -> anyhow::Result<()> {
    let request = spoken::read(protocol, &mut connection)?;
    let target = spoken::target(protocol, &request);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let size: usize = path.rsplit('/').next().unwrap_or_default().parse().unwrap_or(0);
    let fields = percent_decode_str(query).decode_utf8()?.replace('|', "\r\n");
    let head = format!("{fields}\r\nContent-Length: {size}\r\n\r\n");
    let is_head = request.line.starts_with("HEAD") || request.param("REQUEST_METHOD") == Some("HEAD");
    let body = if is_head { String::new() } else { letters(size) };
    spoken::say(protocol, &request, &mut connection, (head + &body).as_bytes())
}

fn letters(size: usize) -> String {
    (0..size)
        .map(|at| char::from(b'a' + (at * at % 23) as u8))
        .collect()
}

/// The body of an answer as its fields say.
#[track_caller]
fn decoded(answer: &Response) -> String {
    let mut plain = String::new();
    match answer.header("content-encoding") {
        None => return answer.text(),
        Some("gzip") => {
            let mut decoder = flate2::bufread::GzDecoder::new(&*answer.body);
            decoder.read_to_string(&mut plain).unwrap();
            assert!(decoder.into_inner().is_empty());
        }
        #[cfg(feature = "zstd")]
        Some("zstd") => plain = String::from_utf8(zstd::decode_all(&*answer.body).unwrap()).unwrap(),
        Some(other) => panic!("{other} was not asked for"),
    }
    plain
}

/// A request for `path` with a query of fields, separated by `|`.
fn ask(site: &Site, method: &str, path: &str, fields: &str, more: &[(&str, &str)]) -> Response {
    let target = format!("{path}?{}", fields.replace(' ', "%20").replace('"', "%22"));
    let mut all = vec![("Host", "c.test")];
    all.extend(more);
    site.request(method, &target, &all, b"")
}

#[test]
fn the_matrix_of_codings_types_statuses_and_methods_is_that_of_the_table() {
    let best = if cfg!(feature = "zstd") { "zstd" } else { "gzip" };
    let accepts = [
        (None, None),
        (Some("gzip"), Some("gzip")),
        (Some("gzip, deflate, br, zstd"), Some(best)),
        (Some("gzip;q=0"), None),
        (Some("gzip;q=0.5, identity"), None),
        (Some("br"), None),
        (Some("*"), Some(best)),
    ];
    // An answer, and whether it may have a coding.
    let answers = [
        ("/5000", "Content-Type: text/html", true),
        ("/5000", "Content-Type: text/css; charset=utf-8", true),
        ("/5000", "Content-Type: application/problem+json", true),
        ("/100000", "Content-Type: application/javascript", true),
        ("/511", "Content-Type: text/html", false),
        ("/512", "Content-Type: text/html", true),
        ("/5000", "Content-Type: image/png", false),
        ("/5000", "X-None: 1", false),
        ("/5000", "Content-Type: text/html|Content-Encoding: br", false),
        (
            "/5000",
            "Content-Type: text/html|Cache-Control: public, No-Transform",
            false,
        ),
        ("/5000", "Status: 404|Content-Type: text/html", true),
        (
            "/5000",
            "Status: 206|Content-Type: text/html|Content-Range: bytes 0-4999/9000",
            false,
        ),
        ("/plain/5000", "Content-Type: text/html", false),
    ];
    let site = site("fastcgi", "");
    for (accept, chosen) in accepts {
        for (path, fields, may) in answers {
            for method in ["GET", "HEAD", "POST"] {
                let more: Vec<_> = accept
                    .map(|accept| ("Accept-Encoding", accept))
                    .into_iter()
                    .collect();
                let answer = ask(&site, method, path, fields, &more);
                let what = format!("{accept:?} {method} {path} {fields}: {answer:?}");
                let coded = fields.contains("Content-Encoding");
                let wanted = chosen.filter(|_| may);
                if !coded {
                    assert_eq!(answer.header("content-encoding"), wanted, "{what}");
                }
                if method == "HEAD" {
                    assert!(answer.body.is_empty(), "{what}");
                    assert!(
                        wanted.is_none() || answer.header("content-length").is_none(),
                        "{what}"
                    );
                } else if !coded {
                    let size: usize = path.rsplit('/').next().unwrap().parse().unwrap();
                    assert_eq!(decoded(&answer), letters(size), "{what}");
                }
                let varies = answer.header("vary") == Some("Accept-Encoding");
                // All of it may be large enough for another client, or whole for a request without a range.
                let is_small = path == "/511";
                let is_part = fields.starts_with("Status: 206");
                assert_eq!(varies, may || is_small || is_part, "{what}");
            }
        }
    }
}

#[test]
fn what_is_said_of_the_plain_form_alone_is_left_out_and_the_tag_is_weak() {
    let site = site("fastcgi", "");
    let fields =
        "Content-Type: text/plain|ETag: \"a\"|Accept-Ranges: bytes|Content-MD5: x|Digest: x|Vary: Cookie";
    let answer = ask(&site, "GET", "/5000", fields, &[("Accept-Encoding", "gzip")]);
    assert_eq!(answer.header("etag"), Some("W/\"a\""));
    for gone in ["accept-ranges", "content-md5", "digest"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    let varies: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("vary"))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(varies, ["Cookie", "Accept-Encoding"]);
    // The length of what is there completely is known.
    assert_eq!(
        answer.header("content-length"),
        Some(&*answer.body.len().to_string())
    );
    let answer = ask(&site, "GET", "/5000", fields, &[]);
    assert_eq!(answer.header("etag"), Some("\"a\""));
}

#[test]
fn a_weakened_tag_finds_the_applications_own_when_it_comes_back() {
    for protocol in PROTOCOLS {
        let site = site(protocol, "");
        let more = [("Accept-Encoding", "gzip"), ("If-None-Match", "W/\"a\", \"b\"")];
        ask(&site, "GET", "/5000", "Content-Type: text/plain", &more);
        let asked = site.asked();
        let name = if protocol == "http" {
            "if-none-match"
        } else {
            "HTTP_IF_NONE_MATCH"
        };
        assert_eq!(asked.param(name), Some("W/\"a\", \"a\", \"b\""), "{protocol}");
    }
}

#[test]
fn a_304_has_the_tag_that_its_client_knows() {
    let site = site("fastcgi", "");
    for (known, tag) in [("W/\"a\"", "W/\"a\""), ("\"a\"", "\"a\""), ("\"b\"", "\"a\"")] {
        let more = [("Accept-Encoding", "gzip"), ("If-None-Match", known)];
        let answer = ask(&site, "GET", "/0", "Status: 304|ETag: \"a\"", &more);
        assert_eq!(
            (answer.status, answer.header("etag")),
            (304, Some(tag)),
            "{known}"
        );
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
    }
}

#[test]
fn answers_of_every_protocol_and_of_the_gateway_itself_are_coded() {
    for protocol in PROTOCOLS {
        let site = site(protocol, "");
        let answer = ask(
            &site,
            "GET",
            "/300000",
            "Content-Type: text/plain",
            &[("Accept-Encoding", "gzip")],
        );
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{protocol}");
        assert_eq!(answer.header("content-length"), None, "{protocol}");
        assert_eq!(decoded(&answer), letters(300_000), "{protocol}");
        let answer = ask(&site, "GET", "/fixed", "", &[("Accept-Encoding", "gzip")]);
        assert_eq!(decoded(&answer), "fixed ".repeat(200));
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
    }
}

#[test]
fn a_file_is_coded_whole_and_its_parts_are_not() {
    let directory = testbed::scratch().unwrap();
    std::fs::write(directory.path().join("a.css"), letters(100_000)).unwrap();
    let files = format!(
        "[[route]]\nhost = \"c.test\"\npath = \"/file\"\nfiles = {{ alias = \"{}\" }}\ncompress = true\n",
        directory.path().display()
    );
    let site = site("fastcgi", &files);
    let gzip = ("Accept-Encoding", "gzip");
    let whole = ask(&site, "GET", "/file/a.css", "", &[gzip]);
    assert_eq!(whole.header("content-encoding"), Some("gzip"));
    assert_eq!(decoded(&whole), letters(100_000));
    let tag = whole.header("etag").unwrap();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = ask(&site, "GET", "/file/a.css", "", &[gzip, ("If-None-Match", tag)]);
    assert_eq!((again.status, again.header("etag")), (304, Some(tag)));
    let part = ask(&site, "GET", "/file/a.css", "", &[gzip, ("Range", "bytes=10-19")]);
    assert_eq!((part.status, part.header("content-encoding")), (206, None));
    assert_eq!(part.text(), letters(100_000)[10..20]);
    let parts = ask(&site, "GET", "/file/a.css", "", &[("Range", "bytes=0-1,5-6")]);
    for part in [&part, &parts] {
        assert_eq!((part.status, part.header("vary")), (206, Some("Accept-Encoding")));
    }
    // A range of the plain form is none of the coded one's.
    let changed = [gzip, ("Range", "bytes=10-19"), ("If-Range", tag)];
    assert_eq!(ask(&site, "GET", "/file/a.css", "", &changed).status, 200);
}

#[test]
fn an_event_is_there_before_the_next_one_is_written() {
    for accept in ["gzip", "zstd"]
        .iter()
        .filter(|name| cfg!(feature = "zstd") || **name == "gzip")
    {
        for protocol in PROTOCOLS {
            let (next, gated) = gate();
            let tables = "[[route]]\nhost = \"c.test\"\nproxy = { upstream = \"app\" }\ncompress = true\n";
            let site = Site::speaking(protocol, "", tables, move |mut connection| {
                let request = spoken::read(protocol, &mut connection)?;
                let head = "Content-Type: text/event-stream\r\n\r\n";
                let say = |connection: &mut ScriptedConnection, text: &str| match protocol {
                    "fastcgi" => connection.write_record(6, request.id, text.as_bytes()),
                    _ => connection.write(text),
                };
                match protocol {
                    "fastcgi" | "scgi" => say(&mut connection, head)?,
                    _ => connection.write(format!("HTTP/1.1 200 OK\r\n{head}"))?,
                }
                for event in 0..3 {
                    say(&mut connection, &format!("data: {event}\n\n"))?;
                    gated.pass()?;
                }
                match protocol {
                    "fastcgi" => connection.fastcgi_response(request.id, b""),
                    _ => Ok(()),
                }
            });
            let mut client = site.client();
            client
                .stream()
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            let fields = [("Host", "c.test"), ("Accept-Encoding", *accept)];
            client.send_request("GET", "/", &fields, b"").unwrap();
            let head = client.read_head().unwrap();
            assert_eq!(head.header("content-encoding"), Some(*accept), "{protocol}");
            let mut coded = Vec::new();
            for event in 0..3 {
                let wanted = format!("data: {event}\n\n");
                while !readable(accept, &coded).ends_with(&wanted) {
                    coded.extend(chunk(&mut client));
                }
                next.open();
            }
        }
    }
}

/// The next chunk of a body.
fn chunk(client: &mut testbed::Client) -> Vec<u8> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.extend(client.take(1).unwrap());
    }
    let size = std::str::from_utf8(&line).unwrap().trim();
    let size = usize::from_str_radix(size, 16).unwrap();
    let piece = client.take(size).unwrap();
    client.take(2).unwrap();
    piece
}

/// What can be read of the beginning of a coded body.
fn readable(coding: &str, coded: &[u8]) -> String {
    let mut plain = Vec::new();
    let mut byte = [0];
    let mut decoder: Box<dyn Read> = match coding {
        "gzip" => Box::new(flate2::bufread::GzDecoder::new(coded)),
        #[cfg(feature = "zstd")]
        "zstd" => Box::new(zstd::Decoder::new(coded).unwrap()),
        other => panic!("{other}"),
    };
    while let Ok(1) = decoder.read(&mut byte) {
        plain.push(byte[0]);
    }
    String::from_utf8(plain).unwrap()
}

#[test]
fn a_client_of_http2_gets_a_coded_answer_whole() {
    for protocol in PROTOCOLS {
        let site = site(protocol, "");
        for size in [5_000, 300_000] {
            let mut client = site.http2();
            let path = format!("/{size}?Content-Type:%20text/plain");
            let fields = [
                (":method", "GET"),
                (":scheme", "http"),
                (":path", &*path),
                (":authority", "c.test"),
                ("accept-encoding", "gzip"),
            ];
            client.headers(1, &fields, END_STREAM);
            // What this client takes before it has to open a window.
            client.frame(WINDOW_UPDATE, 0, 0, &1_000_000_u32.to_be_bytes());
            client.frame(WINDOW_UPDATE, 0, 1, &1_000_000_u32.to_be_bytes());
            let (status, coded) = client.answer(1).unwrap();
            let mut plain = String::new();
            flate2::bufread::GzDecoder::new(&*coded)
                .read_to_string(&mut plain)
                .unwrap();
            assert!(status == 200 && plain == letters(size), "{protocol} {size}");
        }
    }
}

#[test]
fn trailers_come_behind_a_coded_body() {
    let tables = "[[route]]\nhost = \"c.test\"\nproxy = { upstream = \"app\" }\ncompress = true\n";
    let site = Site::speaking("http", "", tables, |mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        connection.write(format!("{:x}\r\n{}\r\n", 9000, letters(9000)))?;
        connection.write("0\r\nX-Sum: 1\r\n\r\n")
    });
    let mut client = site.client();
    let fields = [
        ("Host", "c.test"),
        ("Accept-Encoding", "gzip"),
        ("TE", "trailers"),
        ("Connection", "TE, close"),
    ];
    client.send_request("GET", "/", &fields, b"").unwrap();
    let all = client.rest().unwrap();
    assert!(all.ends_with(b"\r\n0\r\nX-Sum: 1\r\n\r\n"));
}
