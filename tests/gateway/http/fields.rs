//! Header fields: which are refused, which are dropped, and which ones the application believes.

use super::site::Site;

/// A GET with these lines between `Host` and the end of the head.
fn get(lines: &str) -> String {
    format!("GET /first HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n")
}

/// A second request on the same connection; never answered after a refusal.
const BEHIND: &str = "GET /behind HTTP/1.1\r\nHost: a.example\r\n\r\n";

#[track_caller]
fn refused(requests: &[String], status: u16) {
    let site = Site::new();
    for request in requests {
        let answers = site.closing(format!("{request}{BEHIND}"));
        let got: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(got, [status], "{request:?}");
    }
    assert_eq!(site.targets(), Vec::<String>::new());
    let log = site.log(requests.len());
    assert!(log.iter().all(|line| line["status"] == status), "{log:#?}");
}

// GH-10, GH-11, GH-12, GH-13
#[test]
fn malformed_fields_are_refused() {
    let lines = [
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X : a\r\n",
        "X\t: a\r\n",
        " X: a\r\n",
        "X: a\rY: b\r\n",
        "X: a\r\r\n",
        "X\0Y: a\r\n",
        "X: a\0b\r\n",
        "X: a\x01b\r\n",
        "X: a\x7fb\r\n",
        "X\r\n",
        ": a\r\n",
        "X(: a\r\n",
        "X\u{e9}: a\r\n",
    ];
    refused(&lines.map(get), 400);
}

// GH-10: white space before the first field.
#[test]
fn white_space_before_the_first_field_is_refused() {
    let request = "GET /first HTTP/1.1\r\n X: a\r\nHost: a.example\r\n\r\n";
    refused(&[request.to_owned()], 400);
}

// GH-14
#[test]
fn a_request_needs_one_valid_host() {
    let hosts = [
        "",
        "Host: a.example\r\nHost: a.example\r\n",
        "Host: a.example\r\nHost: b.example\r\n",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: user@a.example\r\n",
        "Host: a.example/x\r\n",
        "Host: a.example:x\r\n",
        "Host: a.example, b.example\r\n",
        "Host: a.example?\r\n",
        "Host: a.example#\r\n",
        "Host: a.example\\b\r\n",
        "Host: ::1\r\n",
        "Host: [::1\r\n",
        "Host: <script>\r\n",
    ];
    refused(
        &hosts.map(|host| format!("GET /first HTTP/1.1\r\n{host}\r\n")),
        400,
    );
}

// GH-16
#[test]
fn connection_cannot_name_away_what_others_rely_on() {
    let site = Site::new();
    let body = "POST /first HTTP/1.1\r\nHost: a.example\r\n\
        Connection: Host, Cookie, Content-Length, Authorization, X-Forwarded-For, X-Mine, keep-alive\r\n\
        Cookie: c=1\r\nContent-Length: 5\r\nAuthorization: Basic eA==\r\nX-Mine: 1\r\nX-Other: 2\r\n\r\nabcde";
    let mut client = site.client();
    client.send(body).unwrap();
    assert_eq!(client.read_response().unwrap().text(), "POST /first 5");
    let asked = site.asked();
    assert_eq!(asked.param("HTTP_HOST"), Some("a.example"));
    assert_eq!(asked.param("HTTP_COOKIE"), Some("c=1"));
    assert_eq!(asked.param("CONTENT_LENGTH"), Some("5"));
    assert_eq!(asked.param("HTTP_AUTHORIZATION"), Some("Basic eA=="));
    assert_eq!(asked.param("HTTP_X_FORWARDED_FOR"), Some("127.0.0.1"));
    assert_eq!(asked.param("HTTP_X_OTHER"), Some("2"));
    assert_eq!(asked.param("HTTP_X_MINE"), None);
}

// RFC 9110, section 7.6.1
#[test]
fn fields_of_the_connection_end_here() {
    let site = Site::new();
    let hop_by_hop = [
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Trailer", "X"),
        ("Upgrade", "tea"),
        ("Expect", "100-continue"),
    ];
    assert_eq!(site.request("GET", "/first", &hop_by_hop, b"").status, 200);
    for (name, _) in hop_by_hop {
        let name = format!("HTTP_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(site.asked().param(&name), None, "{name}");
    }
}

// Section 5.3; httpoxy.
#[test]
fn no_field_becomes_a_variable_that_means_something_else() {
    let site = Site::new();
    let fields = [
        ("Proxy", "http://192.0.2.1/"),
        ("Content_Length", "99"),
        ("X_Forwarded_For", "192.0.2.1"),
        ("Script_Filename", "/etc/passwd"),
        ("X.Dotted", "1"),
    ];
    let answer = site.request("GET", "/first", &fields, b"");
    assert!(matches!(answer.status, 200 | 400));
    for request in site.backend.requests() {
        assert_eq!(request.param("HTTP_PROXY"), None);
        assert_eq!(request.param("HTTP_CONTENT_LENGTH"), None);
        assert_eq!(request.param("HTTP_SCRIPT_FILENAME"), None);
        assert_eq!(request.param("HTTP_X_FORWARDED_FOR"), Some("127.0.0.1"));
        let is_plain = |name: &str| {
            name.bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        assert!(
            request.params.iter().all(|(name, _)| is_plain(name)),
            "{request:?}"
        );
        let mut names: Vec<_> = request.params.iter().map(|(name, _)| name).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}

#[test]
fn repeated_fields_are_joined() {
    let site = Site::new();
    let fields = [
        ("X-Twice", "1"),
        ("X-Twice", "2"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
    ];
    assert_eq!(site.request("GET", "/first", &fields, b"").status, 200);
    assert_eq!(site.asked().param("HTTP_X_TWICE"), Some("1, 2"));
    assert_eq!(site.asked().param("HTTP_COOKIE"), Some("a=1; b=2"));
}

#[test]
fn bytes_above_ascii_pass_through_values() {
    let site = Site::new();
    let mut client = site.client();
    client.send(get("X-Name: J\u{fc}rgen\r\n")).unwrap();
    assert_eq!(client.read_response().unwrap().status, 200);
    assert_eq!(site.asked().param("HTTP_X_NAME"), Some("J\u{fc}rgen"));
}

const FORWARDED: [(&str, &str); 5] = [
    ("X-Forwarded-For", "203.0.113.7, 10.1.2.3"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "outside.example"),
    ("X-Real-IP", "203.0.113.9"),
    ("Forwarded", "for=203.0.113.8"),
];

#[test]
fn forwarding_fields_of_strangers_are_replaced() {
    let site = Site::new();
    assert_eq!(site.request("GET", "/first", &FORWARDED, b"").status, 200);
    let asked = site.asked();
    assert_eq!(asked.param("REMOTE_ADDR"), Some("127.0.0.1"));
    assert_eq!(asked.param("HTTP_X_FORWARDED_FOR"), Some("127.0.0.1"));
    assert_eq!(asked.param("HTTP_X_REAL_IP"), Some("127.0.0.1"));
    assert_eq!(asked.param("HTTP_X_FORWARDED_PROTO"), Some("http"));
    assert_eq!(asked.param("HTTP_X_FORWARDED_HOST"), Some("test.example"));
    assert_eq!(asked.param("HTTP_FORWARDED"), None);
    assert_eq!(asked.param("HTTPS"), None);
}

#[test]
fn forwarding_fields_of_trusted_proxies_are_believed() {
    let site = Site::with("trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]", "");
    assert_eq!(site.request("GET", "/first", &FORWARDED, b"").status, 200);
    let asked = site.asked();
    assert_eq!(asked.param("REMOTE_ADDR"), Some("203.0.113.7"));
    assert_eq!(
        asked.param("HTTP_X_FORWARDED_FOR"),
        Some("203.0.113.7, 10.1.2.3, 127.0.0.1")
    );
    assert_eq!(asked.param("HTTP_X_FORWARDED_PROTO"), Some("https"));
    assert_eq!(asked.param("HTTP_X_FORWARDED_HOST"), Some("outside.example"));
    assert_eq!(asked.param("HTTPS"), Some("on"));
}

// GH-26
#[test]
fn a_head_without_measure_is_refused_while_it_is_sent() {
    let line = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1 << 20));
    let value = get(&format!("X: {}\r\n", "a".repeat(1 << 20)));
    let many = get(&"X: y\r\n".repeat(1000));
    let site = Site::new();
    for request in [line, value, many] {
        let answer = site.only(format!("{request}{BEHIND}"));
        assert!(matches!(answer.status, 414 | 431), "{answer:?}");
    }
    assert_eq!(site.targets(), Vec::<String>::new());
    let log = site.log(3);
    assert!(
        log.iter()
            .all(|line| matches!(line["status"].as_u64(), Some(414 | 431)))
    );
}

// GH-26: both sides of the configured limits.
#[test]
fn the_limits_of_a_head_are_the_configured_ones() {
    let site = Site::with("head_size = \"64KiB\"\nhead_fields = 10", "");
    let padded = |length: usize| get(&format!("X: {}\r\n", "a".repeat(length)));
    let mut client = site.client();
    client.send(padded(60 * 1024)).unwrap();
    assert_eq!(client.read_response().unwrap().status, 200);
    client.send(get(&"X: y\r\n".repeat(9))).unwrap();
    assert_eq!(client.read_response().unwrap().status, 200);
    assert_eq!(site.only(padded(70 * 1024)).status, 431);
    assert_eq!(site.only(get(&"X: y\r\n".repeat(10))).status, 431);
}

#[test]
fn fields_of_our_own_answers_and_redirects_tell_of_the_client() {
    let tables = "[[route]]\npath = \"/who\"\nrespond = {}\nheaders = { X-Who = \"$remote_addr\" }\n\
                  [[route]]\npath = \"/there\"\nredirect = { to = \"/$remote_addr\", status = 302 }\n";
    let site = Site::with("", tables);
    let answer = site.request("GET", "/who", &[], b"");
    assert_eq!(answer.header("x-who"), Some("127.0.0.1"));
    let answer = site.request("GET", "/there", &[], b"");
    assert_eq!(answer.header("location"), Some("/127.0.0.1"));
}
