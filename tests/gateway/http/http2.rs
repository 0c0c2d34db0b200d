//! HTTP/2 with prior knowledge, on frames made by hand: a polite client library would not send these.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use std::time::Duration;

use testbed::Signal;

use super::bodiless::{Rest, assert_freed, endless};
use super::frames::*;
use super::site::{Site, gate};

/// Each list of fields is a malformed request: nothing of it reaches the application.
#[track_caller]
fn refused(base: &[(&str, &str)], more: &[&[(&str, &str)]], body: &[u8]) {
    let site = Site::new();
    for more in more {
        let outcome = site.http2().ask(&[base, more].concat(), body);
        let expected = matches!(outcome, Outcome::Reset | Outcome::Gone | Outcome::Answer(400, _));
        assert!(expected, "{outcome:?} to {more:?}");
    }
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn the_worker_of_an_endless_script_is_freed_when_a_stream_asked_for_its_head() {
    for rest in [Rest::Silence, Rest::Flood] {
        let written = Arc::new(AtomicUsize::new(0));
        let counted = written.clone();
        let script = move |connection| endless("fastcgi", 200, rest, &counted, connection);
        let site = Site::scripted("", "", script);
        let mut http = site.http2();
        let head = GET.map(|(name, value)| (name, if name == ":method" { "HEAD" } else { value }));
        assert_eq!(http.ask(&head, b""), Outcome::Answer(200, String::new()));
        drop(http);
        assert_freed(&site.backend, &written);
    }
}

#[test]
fn http_2_is_spoken_to_clients_that_know() {
    let site = Site::new();
    let mut http = site.http2();
    assert_eq!(http.ask(&GET, b""), Outcome::Answer(200, "GET /first 0".into()));
    http.headers(3, &POST, 0);
    http.frame(DATA, 0, 3, b"abc");
    http.frame(DATA, END_STREAM, 3, b"def");
    assert_eq!(http.outcome(3), Outcome::Answer(200, "POST /first 6".into()));
    let [get, post] = site.backend.requests().try_into().unwrap();
    assert_eq!(get.param("HTTP_HOST"), Some("a.example"));
    assert_eq!(get.param("SERVER_PROTOCOL"), Some("HTTP/1.1")); // uWSGI mirrors it
    assert_eq!(post.param("CONTENT_LENGTH"), Some("6"));
    assert_eq!(site.log(2)[1]["version"], "HTTP/2.0");
}

#[test]
fn no_application_can_say_the_gateways_word_for_errors() {
    let fastcgi = Site::scripted("", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.fastcgi_response(request.id, b"Status: 502\r\nBridgehead-Error: forged\r\n\r\n")
    });
    let http = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection.write(
            "HTTP/1.1 502 Oh\r\nBridgehead-Error: forged\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        )
    });
    for site in [fastcgi, http] {
        let mut client = site.http2();
        client.headers(1, &GET, END_STREAM);
        let forged = client.head(1);
        assert_eq!((status_of(&forged), says_error(&forged)), (502, false));
        let missing = GET.map(|(name, value)| (name, if value == "/first" { "/.." } else { value }));
        client.headers(3, &missing, END_STREAM);
        assert!(says_error(&client.head(3)), "the gateway's own");
    }
}

#[test]
fn streams_do_not_wait_for_one_another() {
    let (gate, gated) = gate();
    let site = Site::scripted("", "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        gated.pass()?;
        connection.fastcgi_response(request.id, b"Content-Type: a/b\r\n\r\nlate")
    });
    let mut http = site.http2();
    http.headers(1, &GET, END_STREAM);
    site.backend.wait_requests(1).unwrap();
    let fixed = [GET[0], GET[1], (":path", "/fixed"), GET[3]];
    http.headers(3, &fixed, END_STREAM);
    assert_eq!(http.outcome(3), Outcome::Answer(200, "fixed\n".into()));
    gate.open();
    assert_eq!(http.outcome(1), Outcome::Answer(200, "late".into()));
}

#[test]
fn streams_that_stand_still_hold_no_worker() {
    let body = "x".repeat(2_000_000);
    let answer = format!("Content-Type: a/b\r\n\r\n{body}");
    let site = Site::scripted("", "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.fastcgi_response(request.id, answer.as_bytes())
    });
    let mut http = site.http2();
    http.frame(SETTINGS, 0, 0, b"\x00\x04\0\0\0\0"); // no window for any stream
    http.sync();
    let streams = [1, 3, 5, 7];
    for stream in streams {
        http.headers(stream, &GET, END_STREAM);
    }
    site.backend.wait_ended(streams.len()).unwrap();
    assert_eq!(site.backend.failures(), 0);
    http.frame(WINDOW_UPDATE, 0, 0, &10_000_000_u32.to_be_bytes());
    for stream in streams {
        http.frame(WINDOW_UPDATE, 0, stream, &10_000_000_u32.to_be_bytes());
        // The heads of all of them came before.
        assert!(matches!(http.outcome(stream), Outcome::Answer(_, got) if got == body));
    }
    assert!(
        site.log(streams.len())
            .iter()
            .all(|line| line["reason"].is_null())
    );
}

#[test]
fn a_stream_that_is_taken_slowly_lives() {
    let site = Site::scripted("timeouts = { send = \"1500ms\" }", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        let answer = format!("Content-Type: a/b\r\n\r\n{}", "x".repeat(SLOWLY * 20));
        connection.fastcgi_response(request.id, answer.as_bytes())
    });
    let mut http = site.http2();
    // SETTINGS_INITIAL_WINDOW_SIZE: none.
    http.frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    http.headers(1, &GET, END_STREAM);
    // The 16 KiB that hyper is given at a time take longer than `send`.
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(300));
        http.frame(WINDOW_UPDATE, 0, 1, &(SLOWLY as u32).to_be_bytes());
    }
    assert!(matches!(http.outcome(1), Outcome::Answer(200, got) if got.len() == SLOWLY * 20));
}

/// Bytes that are taken at a time.
const SLOWLY: usize = 2000;

#[test]
fn a_stream_that_is_taken_too_slowly_ends_its_connection() {
    let tables = "[[route]]\npath = \"/least\"\nproxy = { upstream = \"app\" }\n\
        limits = { download_rate = \"1MiB\", rate_grace = \"300ms\" }";
    let site = Site::scripted("", tables, move |mut connection| {
        let request = connection.read_fastcgi()?;
        let body = "x".repeat(2_000_000);
        connection.fastcgi_response(request.id, format!("Content-Type: a/b\r\n\r\n{body}").as_bytes())
    });
    let mut http = site.http2();
    http.headers(1, &[GET[0], GET[1], (":path", "/least"), GET[3]], END_STREAM);
    assert_eq!(http.outcome(1), Outcome::Gone);
    assert_eq!(site.log(1)[0]["reason"], "client_too_slow");
}

// GH-21
#[test]
fn a_host_that_contradicts_the_authority_is_refused() {
    refused(
        &GET,
        &[&[("host", "b.example")], &[("host", "a.example:81")]],
        b"",
    );
    let site = Site::new();
    let agreeing = [&GET[..], &[("host", "a.example")]].concat();
    let outcome = site.http2().ask(&agreeing, b"");
    assert_eq!(outcome, Outcome::Answer(200, "GET /first 0".into()));
    let invalid = [GET[0], GET[1], GET[2], (":authority", "user@a.example")];
    let outcome = site.http2().ask(&invalid, b"");
    assert!(
        matches!(&outcome, Outcome::Answer(400, page) if page.starts_with("400 Bad Request\nReason: bad_host\n")),
        "{outcome:?}"
    );
}

// GH-22: H2.CL
#[test]
fn a_length_that_is_not_that_of_the_data_is_refused() {
    refused(
        &POST,
        &[
            &[("content-length", "5")],
            &[("content-length", "7")],
            &[("content-length", "0")],
            &[("content-length", "x")],
            &[("content-length", "6, 6")],
            &[("content-length", "6"), ("content-length", "7")],
        ],
        b"abcdef",
    );
    refused(&POST, &[&[("content-length", "5")]], b"");
}

// GH-23
#[test]
fn values_and_names_that_could_split_a_request_are_refused() {
    refused(
        &GET,
        &[
            &[("x", "a\r\nY: b")],
            &[("x", "a\nb")],
            &[("x", "a\0b")],
            &[("x", " a")],
            &[("x", "a\t")],
            &[("x:y", "a")],
            &[("x y", "a")],
            &[("x\r\ny", "a")],
            &[("X-Upper", "a")],
            &[("", "a")],
            &[(":other", "a")],
            &[(":path", "/second")],
            &[(":method", "POST")],
            &[(":authority", "b.example")],
            &[(":status", "200")],
        ],
        b"",
    );
}

#[test]
fn malformed_pseudo_fields_are_refused() {
    let site = Site::new();
    for (place, value) in [
        (0, "G T"),
        (0, ""),
        (1, ""),
        (1, "ftp"),
        (1, "http:"),
        (2, ""),
        (2, "first"),
        (2, "?a"),
        (2, "http://a.example/first"),
        (2, "*"),
        (2, "/a b"),
        (2, "/a\r\nb"),
        (3, "a b"),
    ] {
        let mut fields = GET;
        fields[place].1 = value;
        let outcome = site.http2().ask(&fields, b"");
        let expected = matches!(outcome, Outcome::Reset | Outcome::Gone | Outcome::Answer(400, _));
        assert!(expected, "{outcome:?} to {:?}", fields[place]);
    }
    for missing in &GET[..3] {
        let fields: Vec<_> = GET.into_iter().filter(|field| field != missing).collect();
        let outcome = site.http2().ask(&fields, b"");
        let expected = matches!(outcome, Outcome::Reset | Outcome::Gone | Outcome::Answer(400, _));
        assert!(expected, "{outcome:?} without {missing:?}");
    }
    let after = [("x", "y"), GET[0], GET[1], GET[2], GET[3]];
    assert_ne!(
        site.http2().ask(&after, b""),
        Outcome::Answer(200, "GET /first 0".into())
    );
    assert_eq!(site.backend.connections(), 0);
}

// h2 drops pseudo-fields of trailers before anything sees them (RFC 9113, section 8.1): what matters is that they change
// nothing.
#[test]
fn pseudo_fields_of_trailers_change_nothing() {
    let site = Site::new();
    let mut http = site.http2();
    http.headers(1, &POST, 0);
    http.frame(DATA, 0, 1, b"abc");
    let trailers = [
        (":path", "/second"),
        (":authority", "b.example"),
        ("x-forwarded-for", "192.0.2.7"),
        ("content-type", "a/b"),
    ];
    http.headers(1, &trailers, END_STREAM);
    let outcome = http.outcome(1);
    let answered = Outcome::Answer(200, "POST /first 3".into());
    assert!(outcome == answered || outcome == Outcome::Reset, "{outcome:?}");
    for request in site.backend.requests() {
        assert_eq!(request.param("HTTP_HOST"), Some("a.example"));
        assert_eq!(request.param("HTTP_X_FORWARDED_FOR"), Some("127.0.0.1"));
        assert_eq!(request.param("CONTENT_TYPE"), None);
    }
    http.headers(3, &GET, END_STREAM);
    assert_eq!(http.outcome(3), Outcome::Answer(200, "GET /first 0".into()));
}

#[test]
fn schemes_have_no_case() {
    let site = Site::new();
    for scheme in ["http", "HTTPS"] {
        let fields = [GET[0], (":scheme", scheme), GET[2], GET[3]];
        let outcome = site.http2().ask(&fields, b"");
        assert_eq!(outcome, Outcome::Answer(200, "GET /first 0".into()), "{scheme}");
    }
}

// GH-24: H2.TE
#[test]
fn fields_of_an_http_1_connection_are_refused() {
    refused(
        &POST,
        &[
            &[("transfer-encoding", "chunked")],
            &[("connection", "close")],
            &[("keep-alive", "5")],
            &[("upgrade", "websocket")],
            &[("proxy-connection", "close")],
            &[("te", "gzip")],
        ],
        b"0\r\n\r\n",
    );
}

// GH-18
#[test]
fn head_has_no_data() {
    let site = Site::new();
    for path in ["/fixed", "/first", "/%00"] {
        let head = [(":method", "HEAD"), GET[1], (":path", path), GET[3]];
        let outcome = site.http2().ask(&head, b"");
        let status = if path == "/%00" { 400 } else { 200 };
        assert_eq!(outcome, Outcome::Answer(status, String::new()), "{path}");
    }
}

// GH-25
#[test]
fn crumbs_of_cookies_are_joined() {
    let site = Site::new();
    let crumbs = [
        &GET[..],
        &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")],
    ]
    .concat();
    assert_eq!(
        site.http2().ask(&crumbs, b""),
        Outcome::Answer(200, "GET /first 0".into())
    );
    assert_eq!(site.asked().param("HTTP_COOKIE"), Some("a=1; b=2; c=3"));
}

// GH-26
#[test]
fn a_head_without_measure_is_refused() {
    let site = Site::new();
    let value = "v".repeat(15 * 1024);
    let large = [&GET[..], &[("a", &value), ("b", &value), ("c", &value)]].concat();
    let mut http = site.http2();
    let block = block(&large);
    let mut frames = block.chunks(16 * 1024).peekable();
    http.frame(HEADERS, END_STREAM, 1, frames.next().unwrap());
    while let Some(more) = frames.next() {
        let flags = if frames.peek().is_none() { END_HEADERS } else { 0 };
        http.frame(CONTINUATION, flags, 1, more);
    }
    let outcome = http.outcome(1);
    assert!(
        matches!(outcome, Outcome::Reset | Outcome::Gone | Outcome::Answer(431, _)),
        "{outcome:?}"
    );
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn limits_and_errors_of_ours_are_the_same() {
    let site = Site::new();
    let ask = |path: &'static str, method: &'static str, body: &[u8]| {
        let fields = [(":method", method), POST[1], (":path", path), POST[3]];
        match site.http2().ask(&fields, body) {
            Outcome::Answer(status, _) => status,
            other => panic!("{other:?} to {method} {path}"),
        }
    };
    assert_eq!(ask("/small", "POST", b"0123456789"), 200);
    assert_eq!(ask("/small", "POST", b"0123456789a"), 413);
    assert_eq!(ask("/%00", "GET", b""), 400);
    assert_eq!(ask("/../..", "GET", b""), 404);
}

#[test]
fn error_pages_are_the_same() {
    let site = Site::new();
    let ask = |accept| {
        let fields = [GET[0], GET[1], (":path", "/%00"), GET[3], ("accept", accept)];
        match site.http2().ask(&fields, b"") {
            Outcome::Answer(400, page) => page,
            other => panic!("{other:?}"),
        }
    };
    let text = ask("*/*");
    let id = site.log(1)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        text,
        format!("400 Bad Request\nReason: bad_path\nRequest: {id}\n")
    );
    let html = ask("text/html,*/*;q=0.8");
    assert!(html.contains("<code>bad_path</code>"), "{html}");
}

// GH-30
#[test]
fn connect_is_no_tunnel() {
    let site = Site::new();
    let connect = [(":method", "CONNECT"), (":authority", "a.example:443")];
    let mut http = site.http2();
    http.headers(1, &connect, 0);
    let outcome = http.outcome(1);
    assert!(
        matches!(outcome, Outcome::Answer(405, _) | Outcome::Reset),
        "{outcome:?}"
    );
    assert_eq!(site.backend.connections(), 0);
}

// A library may end the whole connection for it.
#[test]
fn connect_with_a_length_is_refused_on_its_stream() {
    let site = Site::new();
    let connect = [
        (":method", "CONNECT"),
        (":authority", "a.example:443"),
        ("content-length", "3"),
    ];
    let mut http = site.http2();
    http.headers(1, &connect, 0);
    http.frame(DATA, END_STREAM, 1, b"abc");
    assert!(matches!(http.outcome(1), Outcome::Answer(405, _)));
    http.headers(3, &GET, END_STREAM);
    assert_eq!(http.outcome(3), Outcome::Answer(200, "GET /first 0".into()));
    assert_eq!(site.log(2)[0]["reason"], "method_not_allowed");
}

#[test]
fn a_client_that_waits_for_an_invitation_is_asked_for_its_body() {
    let site = Site::new();
    let mut http = site.http2();
    let awaiting = [&POST[..], &[("expect", "100-continue")]].concat();
    http.headers(1, &awaiting, 0);
    assert_eq!(status_of(&http.head(1)), 100);
    http.frame(DATA, END_STREAM, 1, b"abc");
    assert_eq!(http.outcome(1), Outcome::Answer(200, "POST /first 3".into()));
    // Not for a body that is not wanted.
    let large = [
        (":method", "POST"),
        POST[1],
        (":path", "/small"),
        POST[3],
        ("content-length", "11"),
        ("expect", "100-continue"),
    ];
    http.headers(3, &large, 0);
    assert_eq!(status_of(&http.head(3)), 413);
    // Nor for one that comes unasked.
    let unasked = [block(&awaiting), Vec::new()].concat();
    let wire = [
        frame(HEADERS, END_HEADERS, 5, &unasked),
        frame(DATA, END_STREAM, 5, b"abc"),
    ];
    http.0.send(wire.concat()).unwrap();
    assert_eq!(status_of(&http.head(5)), 200);
}

// GH-08
#[test]
fn half_an_upload_runs_nothing() {
    let site = Site::new();
    let mut http = site.http2();
    // A reset without an error is no end of a body either.
    for (stream, code) in [(1, CANCEL), (3, NO_ERROR)] {
        http.headers(stream, &POST, 0);
        http.frame(DATA, 0, stream, b"abc");
        http.sync();
        http.frame(RST_STREAM, 0, stream, &[0, 0, 0, code]);
        let count = stream.div_ceil(2) as usize;
        assert_eq!(site.log(count)[count - 1]["status"], 499, "code {code}");
    }
    http.headers(5, &POST, 0);
    http.frame(DATA, 0, 5, b"abc");
    http.sync();
    drop(http);
    assert_eq!(site.log(3)[2]["status"], 499);
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn a_stop_finishes_open_streams() {
    let (gate, gated) = gate();
    let mut site = Site::scripted("", "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        gated.pass()?;
        connection.fastcgi_response(request.id, b"Content-Type: a/b\r\n\r\nfinished")
    });
    let mut http = site.http2();
    http.headers(1, &GET, END_STREAM);
    site.backend.wait_requests(1).unwrap();
    site.gateway.signal(Signal::TERM).unwrap();
    site.gateway.wait_errors("stopping").unwrap();
    gate.open();
    assert_eq!(http.outcome(1), Outcome::Answer(200, "finished".into()));
    assert_eq!(http.outcome(3), Outcome::Gone);
    drop(http);
    let status = site.gateway.wait(std::time::Duration::from_secs(10)).unwrap();
    assert!(status.success());
}

#[test]
fn a_client_that_only_answers_pings_is_not_kept() {
    let site = Site::with("timeouts = { idle = \"300ms\" }", "");
    let mut http = site.http2();
    assert_eq!(http.ask(&GET, b""), Outcome::Answer(200, "GET /first 0".into()));
    let start = std::time::Instant::now();
    assert_eq!(http.outcome(3), Outcome::Gone);
    // The test's own patience ends after ten seconds.
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn other_words_that_begin_like_a_preface_are_http_1() {
    let site = Site::new();
    let mut client = site.client();
    client.send("P").unwrap();
    client
        .send("RIME /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert_eq!(client.read_response().unwrap().text(), "PRIME /first 0");
    let answer = site.only("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_eq!(answer.status, 505);
}

// A window of one byte is enough for the library to hold all that is left of an answer.
#[test]
fn a_client_that_never_takes_the_end_of_an_answer_is_let_go() {
    let site = Site::with("timeouts = { idle = \"300ms\", send = \"300ms\" }", "");
    let mut http = site.http2();
    http.frame(SETTINGS, 0, 0, b"\x00\x04\0\0\0\x01");
    http.sync();
    http.headers(1, &[GET[0], GET[1], (":path", "/first"), GET[3]], END_STREAM);
    let (mut goodbye, mut taken) = (false, 0);
    loop {
        let header = http.0.take(9).unwrap();
        if header.is_empty() {
            break;
        }
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let payload = http.0.take(length as usize).unwrap();
        match header[3] {
            PING if header[4] & ACK == 0 => http.frame(PING, ACK, 0, &payload),
            DATA => taken += payload.len(),
            GOAWAY => goodbye = true,
            _ => {}
        }
    }
    assert_eq!((goodbye, taken), (true, 1));
}

// A PING, a drip for another stream: none of it says that this stream is taken.
#[test]
fn a_stream_that_takes_nothing_is_reset_and_its_worker_freed() {
    let site = Site::upstream(
        "protocol = \"fastcgi\"\nmax_connections = 2",
        "timeouts = { send = \"400ms\" }",
        "",
        |mut connection| {
            let request = connection.read_fastcgi()?;
            let body = "x".repeat(4_000_000);
            // Fails for the two that are given up.
            let _ = connection
                .fastcgi_response(request.id, format!("Content-Type: a/b\r\n\r\n{body}").as_bytes());
            Ok(())
        },
    );
    let mut http = site.http2();
    http.frame(SETTINGS, 0, 0, b"\x00\x04\0\0\0\0"); // no window for any stream
    http.frame(WINDOW_UPDATE, 0, 0, &1_000_000_000_u32.to_be_bytes());
    http.sync();
    let streamed = [GET[0], GET[1], (":path", "/streamed"), GET[3]];
    for stream in [1, 3] {
        http.headers(stream, &streamed, END_STREAM);
    }
    site.backend.wait_requests(2).unwrap();
    // Waits for a worker, and then takes all of its answer, a little at a time.
    http.headers(5, &streamed, END_STREAM);
    http.frame(WINDOW_UPDATE, 0, 5, &100_000_u32.to_be_bytes());
    let (mut ended, mut taken) = (Vec::new(), 0);
    while ended.len() < 3 {
        let header = http.0.take(9).unwrap();
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        let payload = http.0.take(length as usize).unwrap();
        match header[3] {
            RST_STREAM => ended.push(stream),
            DATA if header[4] & END_STREAM != 0 => ended.push(stream),
            GOAWAY => panic!("{payload:?}"),
            _ => {}
        }
        if header[3] != PING {
            http.frame(PING, 0, 0, b"goes on!");
        }
        if header[3] == DATA && stream == 5 && length > 0 {
            taken += payload.len();
            http.frame(WINDOW_UPDATE, 0, 5, &length.to_be_bytes());
        }
    }
    ended.sort_unstable();
    assert_eq!((ended, taken), (vec![1, 3, 5], 4_000_000));
    site.backend.wait_ended(3).unwrap();
    let log = site.log(3);
    let reasons: Vec<_> = log.iter().map(|line| line["reason"].as_str()).collect();
    assert_eq!(reasons, [Some("client_gone"), Some("client_gone"), None]);
}

#[test]
fn limits_of_heads_have_their_reason_and_their_line() {
    let site = Site::with("head_size = \"8KiB\"\nhead_fields = 20", "");
    let value = "v".repeat(9000);
    let many: Vec<_> = GET.into_iter().chain([("x-many", "1"); 21]).collect();
    let large: Vec<_> = GET.into_iter().chain([("x-large", &*value)]).collect();
    for (place, fields) in [many, large].into_iter().enumerate() {
        let outcome = site.http2().ask(&fields, b"");
        assert!(
            matches!(&outcome, Outcome::Answer(431, page) if page.contains("Reason: head_too_large")),
            "{outcome:?}"
        );
        let line = &site.log(place + 1)[place];
        let logged = (
            &line["status"],
            &line["reason"],
            &line["target"],
            &line["version"],
        );
        let expected = (
            &431.into(),
            &"head_too_large".into(),
            &"/first".into(),
            &"HTTP/2.0".into(),
        );
        assert_eq!(logged, expected);
    }
    let fitting: Vec<_> = GET.into_iter().chain([("x-some", "1"); 15]).collect();
    let outcome = site.http2().ask(&fitting, b"");
    assert_eq!(outcome, Outcome::Answer(200, "GET /first 0".into()));
}

#[test]
fn fields_that_may_be_there_once_are_refused_twice() {
    let names = [
        "host",
        "content-type",
        "authorization",
        "referer",
        "user-agent",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "if-range",
        "content-location",
        "content-range",
        "date",
        "etag",
        "from",
        "last-modified",
        "max-forwards",
        "origin",
        "proxy-authorization",
        "range",
        "sec-websocket-key",
        "sec-websocket-version",
    ];
    let site = Site::new();
    for (place, name) in names.into_iter().enumerate() {
        let twice = [&GET[..], &[(name, "a.example"); 2]].concat();
        let outcome = site.http2().ask(&twice, b"");
        assert!(
            matches!(&outcome, Outcome::Answer(400, page) if page.contains("Reason: bad_field")),
            "{name}: {outcome:?}"
        );
        assert_eq!(site.log(place + 1)[place]["reason"], "bad_field");
    }
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn a_refusal_ends_its_stream_and_not_the_connection() {
    let site = Site::new();
    let mut http = site.http2();
    let twice = [&POST[..], &[("referer", "a"), ("referer", "b")]].concat();
    http.headers(1, &twice, 0);
    assert!(matches!(http.outcome(1), Outcome::Answer(400, _)));
    // The rest of its body is read by no application.
    http.frame(DATA, END_STREAM, 1, b"late");
    http.headers(3, &GET, END_STREAM);
    assert_eq!(http.outcome(3), Outcome::Answer(200, "GET /first 0".into()));
}

#[test]
fn an_empty_port_and_the_dot_of_the_root_make_no_other_authority() {
    let site = Site::with(
        "",
        "[[route]]\nhost = \"shop.example\"\nrespond = { body = \"shop\" }",
    );
    for authority in [
        "shop.example",
        "shop.example.",
        "shop.example:",
        "SHOP.example.:80",
    ] {
        let fields = [GET[0], GET[1], GET[2], (":authority", authority)];
        let outcome = site.http2().ask(&fields, b"");
        assert_eq!(outcome, Outcome::Answer(200, "shop".into()), "{authority}");
    }
    let named = [
        &GET[..3],
        &[(":authority", "shop.example"), ("host", "shop.example.")],
    ]
    .concat();
    let outcome = site.http2().ask(&named, b"");
    assert_eq!(outcome, Outcome::Answer(200, "shop".into()));
    for authority in [
        "shop..example",
        ".",
        "..a.example",
        "[::1]x:80",
        "[::1]evil.com:98",
    ] {
        let fields = [GET[0], GET[1], GET[2], (":authority", authority)];
        let outcome = site.http2().ask(&fields, b"");
        let expected = matches!(outcome, Outcome::Reset | Outcome::Gone | Outcome::Answer(400, _));
        assert!(expected, "{outcome:?} to {authority}");
        let named = [&GET[..3], &[("host", authority)]].concat();
        let outcome = site.http2().ask(&named, b"");
        assert!(
            matches!(outcome, Outcome::Answer(400, _)),
            "{outcome:?} to {authority}"
        );
    }
}

// `http` takes fewer of the octets that no URI has than we do in HTTP/1, and drops a fragment before we see it.
#[test]
fn odd_octets_of_targets_are_passed_on_or_refused_and_never_changed() {
    let site = Site::new();
    let ask = |path| site.http2().ask(&[GET[0], GET[1], (":path", path), GET[3]], b"");
    for path in ["/a\"b{c}d?x={y}", "/\u{fc}?\u{fc}"] {
        assert_eq!(ask(path), Outcome::Answer(200, format!("GET {path} 0")));
    }
    for path in [
        "/a<b", "/a`b", "/a^b", "/a|b", "/a\\b", "/a b", "/a\tb", "/a?<", "/a?`",
    ] {
        let outcome = ask(path);
        let passed = Outcome::Answer(200, format!("GET {path} 0"));
        let expected = matches!(outcome, Outcome::Reset | Outcome::Gone | Outcome::Answer(400, _));
        assert!(expected || outcome == passed, "{path}: {outcome:?}");
    }
    ask("/a#b");
    assert!(site.targets().iter().all(|target| !target.contains('#')));
}

#[test]
fn a_flood_of_settings_stalls_no_other_client() {
    let site = Site::new();
    let mut flood = site.http2();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let mut stream = flood.0.stream().try_clone().unwrap();
    // Windows that go up and down, for streams that are open.
    for stream in [1, 3, 5, 7] {
        flood.headers(stream, &POST, 0);
    }
    let flooding = std::thread::spawn(move || {
        use std::io::Write;
        let up = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\x01\0\0";
        let down = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
        let wire = [&up[..], down].concat().repeat(2000);
        let mut rounds = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) && stream.write_all(&wire).is_ok() {
            rounds += 1;
        }
        rounds
    });
    let mut reading = flood.0.stream().try_clone().unwrap();
    let taking = std::thread::spawn(move || {
        use std::io::Read;
        let mut bytes = [0; 65536];
        while reading.read(&mut bytes).is_ok_and(|count| count > 0) {}
    });
    for _ in 0..200 {
        assert_eq!(site.request("GET", "/first", &[], b"").status, 200);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let _ = flood.0.stream().shutdown(std::net::Shutdown::Both);
    flooding.join().unwrap();
    taking.join().unwrap();
}

#[test]
fn a_line_of_http_2_names_the_client_behind_a_trusted_proxy() {
    let site = Site::with("trusted_proxies = [\"127.0.0.0/8\"]", "");
    let behind = [("x-forwarded-for", "192.0.2.9")];
    let fixed = [GET[0], GET[1], (":path", "/fixed"), GET[3]];
    Http2::begin(site.client()).ask(&[&GET[..], &behind].concat(), b"");
    Http2::begin(site.client()).ask(&[&fixed[..], &behind].concat(), b"");
    for line in site.log(2) {
        assert_eq!(
            (&line["remote"], &line["version"]),
            (&"192.0.2.9".into(), &"HTTP/2.0".into())
        );
    }
}
