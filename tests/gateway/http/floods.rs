//! Clients of HTTP/2 that send what costs them little: their connection ends, and is named. No other one is held up.

use std::collections::BTreeSet;

use testbed::Signal;

use super::frames::*;
use super::site::{Site, gate};

const STATUS: &str = "[[route]]\npath = \"/status\"\nstatus = {}";

impl Site {
    /// How often the counter of that reason has counted.
    fn errors(&self, reason: &str) -> u64 {
        let page = self.request("GET", "/status", &[], b"").text();
        let name = format!("bridgehead_errors_total{{reason=\"{reason}\"}} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&name)).unwrap();
        value.parse().unwrap()
    }
}

/// An upload goes on on stream 1 while `wire` is sent; with it, the connection ends as said, and the log says why.
#[track_caller]
fn ended(site: &Site, wire: &[u8], last: u32, code: u32, reason: &str) {
    let mut http = site.http2();
    http.headers(1, &POST, 0);
    http.sync();
    // The end of the connection may be faster.
    let _ = http.0.send(wire);
    let (to, why, word) = http.goodbye().unwrap();
    assert_eq!((to, why, word.as_str()), (last, code, reason));
    let log = site.log(2);
    let statuses: BTreeSet<_> = log.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert!(statuses.contains(&499), "the upload: {log:#?}");
    assert!(log.iter().all(|line| line["reason"] == reason), "{log:#?}");
    let own = log.iter().find(|line| line["status"] != 499).unwrap();
    assert_eq!((&own["method"], &own["target"]), (&"-".into(), &"*".into()));
    assert_eq!(own["version"], "HTTP/2.0");
    // Others are answered as before.
    assert_eq!(site.request("GET", "/first", &[], b"").text(), "GET /first 0");
    assert_eq!(site.errors(reason), 1);
}

#[test]
fn floods_of_frames_end_their_connection_and_are_named() {
    let floods = [
        (
            frame(SETTINGS, 0, 0, b"\0\x04\0\x01\0\0").repeat(40),
            "settings_flood",
        ),
        (frame(PING, 0, 0, b"01234567").repeat(100), "ping_flood"),
        (frame(PING, ACK, 0, b"01234567").repeat(100), "ping_flood"),
        (
            frame(PRIORITY, 0, 1, b"\0\0\0\0\x10").repeat(400),
            "priority_flood",
        ),
        (
            frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=1").repeat(400),
            "priority_flood",
        ),
        (
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(2000),
            "window_flood",
        ),
        (
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]).repeat(2000),
            "window_flood",
        ),
        (frame(DATA, 0, 1, b"").repeat(90), "small_frame_flood"),
        (frame(0x2a, 0, 0, b"unknown").repeat(100), "unknown_frame_flood"),
    ];
    for (wire, reason) in floods {
        let site = Site::with("", STATUS);
        ended(&site, &wire, 1, ENHANCE_YOUR_CALM, reason);
    }
}

#[test]
fn a_head_in_too_many_frames_ends_its_connection() {
    let site = Site::with("", STATUS);
    let mut wire = frame(HEADERS, 0, 1, b"");
    wire.extend(frame(CONTINUATION, 0, 1, b"").repeat(10));
    let mut http = site.http2();
    let _ = http.0.send(wire);
    let (_, code, word) = http.goodbye().unwrap();
    assert_eq!((code, word.as_str()), (ENHANCE_YOUR_CALM, "continuation_flood"));
    assert_eq!(site.log(1)[0]["reason"], "continuation_flood");
    assert_eq!(site.errors("continuation_flood"), 1);
}

#[test]
fn streams_that_are_opened_and_reset_end_their_connection() {
    let site = Site::with("", STATUS);
    let mut http = site.http2();
    let mut wire = Vec::new();
    for stream in (1..2000).step_by(2) {
        wire.extend(frame(HEADERS, END_HEADERS, stream, &block(&POST)));
        wire.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, CANCEL]));
    }
    let _ = http.0.send(wire);
    let (_, code, word) = http.goodbye().unwrap();
    assert_eq!((code, word.as_str()), (ENHANCE_YOUR_CALM, "rapid_reset"));
    assert_eq!(site.errors("rapid_reset"), 1);
    assert_eq!(site.backend.connections(), 0);
}

// CVE-2025-8671: the client makes the server reset its streams.
#[test]
fn streams_that_we_have_to_reset_end_their_connection() {
    let site = Site::with("", STATUS);
    let mut http = site.http2();
    let mut wire = Vec::new();
    for stream in (1..2000).step_by(2) {
        wire.extend(frame(HEADERS, END_HEADERS, stream, &block(&POST)));
        // Beyond the largest window: an error of the stream.
        wire.extend(frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes()));
    }
    let _ = http.0.send(wire);
    let (_, code, word) = http.goodbye().unwrap();
    assert_eq!((code, word.as_str()), (ENHANCE_YOUR_CALM, "rapid_reset"));
    assert_eq!(site.backend.connections(), 0);
}

/// One field of 4,000 bytes, and references to it.
fn bomb(references: usize) -> Vec<u8> {
    let mut bomb = block(&GET);
    bomb.extend(b"\x40\x01x\x7f\xa1\x1e"); // indexed, 127 + 33 + 30 * 128 bytes
    bomb.extend([b'v'; 4000]);
    bomb.extend(vec![0xbe; references]);
    bomb
}

#[test]
fn a_head_that_becomes_large_by_references_is_refused_and_one_that_explodes_ends_its_connection() {
    let site = Site::with("", STATUS);
    // Above the limit of the library, with and without a body.
    for (place, flags) in [END_STREAM, 0].into_iter().enumerate() {
        let mut http = site.http2();
        http.frame(HEADERS, END_HEADERS | flags, 1, &bomb(20));
        assert_eq!(http.outcome(1), Outcome::Answer(431, String::new()));
        let line = site.log(2 * place + 1).pop().unwrap();
        assert_eq!(
            (&line["status"], &line["reason"]),
            (&431.into(), &"head_too_large".into())
        );
        http.headers(3, &GET, END_STREAM);
        assert_eq!(http.outcome(3), Outcome::Answer(200, "GET /first 0".into()));
        site.log(2 * place + 2);
    }
    let mut http = site.http2();
    http.frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb(100));
    let (_, code, _) = http.goodbye().unwrap();
    assert_eq!(code, ENHANCE_YOUR_CALM);
    let last = site.log(5).pop().unwrap();
    assert_eq!(
        (&last["status"], &last["reason"]),
        (&431.into(), &"head_too_large".into())
    );
    assert_eq!(site.errors("head_too_large"), 3);
    assert_eq!(site.backend.connections(), 2);
}

#[test]
fn each_crumb_of_a_cookie_is_a_field() {
    let site = Site::with("head_fields = 20", "");
    let crumbs = |count| [&GET[..], &vec![("cookie", "a=1"); count]].concat();
    assert_eq!(
        site.http2().ask(&crumbs(20), b""),
        Outcome::Answer(200, "GET /first 0".into())
    );
    let outcome = site.http2().ask(&crumbs(21), b"");
    assert!(
        matches!(&outcome, Outcome::Answer(431, page) if page.contains("head_too_large")),
        "{outcome:?}"
    );
    assert_eq!(site.log(2)[1]["reason"], "head_too_large");
}

#[test]
fn a_malformed_head_has_its_line_and_ends_its_stream_alone_where_the_library_reads_on() {
    let site = Site::with("", STATUS);
    let mut http = site.http2();
    let lists: [&[(&str, &str)]; 5] = [
        &[("connection", "close")],
        &[("te", "gzip")],
        &[(":path", "/late")],
        &[("content-length", "x")],
        &[(":status", "200")],
    ];
    for (place, more) in lists.into_iter().enumerate() {
        let stream = 4 * place as u32 + 1;
        http.headers(stream, &[&GET[..], more].concat(), END_STREAM);
        assert_eq!(http.outcome(stream), Outcome::Reset, "{more:?}");
        http.headers(stream + 2, &GET, END_STREAM);
        assert_eq!(
            http.outcome(stream + 2),
            Outcome::Answer(200, "GET /first 0".into())
        );
        let log = site.log(2 * place + 2);
        let refused: Vec<_> = log.iter().filter(|line| line["status"] == 400).collect();
        assert_eq!(refused.len(), place + 1, "{more:?}");
        assert!(refused.iter().all(|line| line["reason"] == "bad_request"));
    }
    assert_eq!(site.errors("bad_request"), 5);
}

// h2 cannot go on behind such a field: see docs/reasons.md.
#[test]
fn a_field_that_the_library_cannot_read_past_ends_the_connection_by_name() {
    for field in [
        ("X-Upper", "a"),
        ("x", "a\0b"),
        ("x y", "a"),
        ("", "a"),
        (":other", "a"),
    ] {
        let site = Site::with("", STATUS);
        let wire = frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            3,
            &block(&[&GET[..], &[field]].concat()),
        );
        let mut http = site.http2();
        http.headers(1, &POST, 0);
        http.sync();
        http.0.send(wire).unwrap();
        let (_, code, _) = http.goodbye().unwrap();
        assert_eq!(code, PROTOCOL_ERROR, "{field:?}");
        let log = site.log(2);
        let own = log.iter().find(|line| line["status"] == 400).unwrap();
        assert_eq!(
            (&own["reason"], &own["method"]),
            (&"http2_error".into(), &"-".into())
        );
        assert_eq!(site.errors("http2_error"), 1);
    }
}

#[test]
fn a_head_that_does_not_come_to_its_end_is_given_up() {
    let site = Site::with("timeouts = { head = \"300ms\" }", STATUS);
    for part in [
        frame(HEADERS, END_STREAM, 1, &block(&GET[..2])),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&GET))[..20].to_vec(),
    ] {
        let mut http = site.http2();
        http.0.send(part).unwrap();
        let (_, code, word) = http.goodbye().unwrap();
        assert_eq!((code, word.as_str()), (0, "client_timeout"));
    }
    for line in site.log(2) {
        assert_eq!(
            (&line["status"], &line["reason"]),
            (&408.into(), &"client_timeout".into())
        );
    }
    assert_eq!(site.errors("client_timeout"), 2);
}

#[test]
fn what_clients_do_is_no_flood() {
    let site = Site::new();
    let mut http = site.http2();
    for stream in (1..1000).step_by(2) {
        http.headers(stream, &GET, END_STREAM);
        http.frame(
            PRIORITY_UPDATE,
            0,
            0,
            &[&stream.to_be_bytes()[..], b"u=3,i"].concat(),
        );
        http.frame(PRIORITY, 0, stream, b"\0\0\0\0\x10");
        assert_eq!(http.outcome(stream), Outcome::Answer(200, "GET /first 0".into()));
        http.frame(WINDOW_UPDATE, 0, 0, &12_u32.to_be_bytes());
    }
}

#[test]
fn a_connection_that_is_told_to_go_loses_no_request() {
    let (gate, gated) = gate();
    let mut site = Site::scripted("", "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        if request.param("REQUEST_URI") == Some("/first") {
            gated.pass()?;
        }
        connection.fastcgi_response(request.id, b"Content-Type: a/b\r\n\r\nwhole")
    });
    let mut http = site.http2();
    http.headers(1, &GET, END_STREAM);
    site.backend.wait_requests(1).unwrap();
    site.gateway.signal(Signal::TERM).unwrap();
    site.gateway.wait_errors("stopping").unwrap();
    // Under way when the client was told: it has not looked yet.
    let other = [GET[0], GET[1], (":path", "/other"), GET[3]];
    let late: BTreeSet<u32> = (3..61).step_by(2).collect();
    for stream in &late {
        http.headers(*stream, &other, END_STREAM);
    }
    gate.open();
    let mut whole = BTreeSet::new();
    let mut last = None;
    while let Some((kind, flags, stream, payload)) = http.next() {
        match kind {
            PING if flags & ACK == 0 => http.frame(PING, ACK, 0, &payload),
            GOAWAY => last = Some(u32::from_be_bytes(payload[..4].try_into().unwrap())),
            DATA if flags & END_STREAM != 0 => assert!(whole.insert(stream)),
            _ => {}
        }
    }
    assert_eq!(last, Some(59));
    assert_eq!(whole, late.into_iter().chain([1]).collect());
    drop(http);
    let status = site.gateway.wait(std::time::Duration::from_secs(10)).unwrap();
    assert!(status.success());
}
