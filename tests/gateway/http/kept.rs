//! A reload reaches the connections that clients keep: what their next requests may ask, and how fast they have to take
//! the answers.

use super::frames::{END_STREAM, GET, Outcome};
use super::site::Site;

/// Four fields besides `Host`.
const FIELDS: [(&str, &str); 4] = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];

#[test]
fn the_limits_of_heads_are_those_of_now() {
    let site = Site::new();
    let mut http1 = site.client();
    let mut http2 = site.http2();
    let fields = [&GET[..], &FIELDS].concat();
    assert_eq!(http1.request("GET", "/", &FIELDS, b"").unwrap().status, 200);
    assert!(matches!(http2.ask(&fields, b""), Outcome::Answer(200, _)));
    site.reload("head_fields = 3", "");
    assert!(matches!(http2.ask_on(3, &fields, b""), Outcome::Answer(431, _)));
    assert_eq!(http1.request("GET", "/", &FIELDS, b"").unwrap().status, 431);
    // Wider ones, too.
    let mut http1 = site.client();
    assert_eq!(http1.request("GET", "/", &[], b"").unwrap().status, 200);
    site.reload("", "");
    assert_eq!(http1.request("GET", "/", &FIELDS, b"").unwrap().status, 200);
    assert!(matches!(http2.ask_on(5, &fields, b""), Outcome::Answer(200, _)));
}

#[test]
fn a_least_rate_holds_for_the_next_answer() {
    let site = Site::scripted("", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        let length = match request.param("REQUEST_URI") {
            // More than the buffers of a connection hold.
            Some("/large") => 32_000_000,
            _ => 1,
        };
        let answer = format!("Content-Type: a/b\r\n\r\n{}", "x".repeat(length));
        connection.fastcgi_response(request.id, answer.as_bytes())
    });
    let mut http1 = site.client();
    let mut http2 = site.http2();
    assert_eq!(http1.request("GET", "/", &[], b"").unwrap().status, 200);
    assert!(matches!(http2.ask(&GET, b""), Outcome::Answer(200, _)));
    site.reload(
        "",
        "[[route]]\npath = \"/large\"\nproxy = { upstream = \"app\" }\n\
         limits = { download_rate = \"1MiB\", rate_grace = \"300ms\" }",
    );
    http1.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(site.log(3)[2]["reason"], "client_too_slow");
    let large = [GET[0], GET[1], (":path", "/large"), GET[3]];
    http2.headers(3, &large, END_STREAM);
    assert_eq!(http2.outcome(3), Outcome::Gone);
    assert_eq!(site.log(4)[3]["reason"], "client_too_slow");
}
