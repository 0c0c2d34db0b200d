//! What the application learns of a request (reference, sections 3.2 and 2.9).

use std::collections::BTreeMap;

use super::deviation::Deviation;
use super::site::{Site, variables};

pub(super) fn the_request_is_described(site: &Site) {
    let target = "/env/caf%C3%A9%2Fb%20c;p=1?x=1&y=%41";
    let host = [("Host", "shop.example:8080")];
    let got = variables(&site.ask("GET", target, &host, b""));
    let path = "/env/caf\u{e9}/b c;p=1";
    expect(
        &got,
        &[
            ("REQUEST_METHOD", "GET"),
            ("QUERY_STRING", "x=1&y=%41"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("PATH_INFO", path),
            ("HTTP_HOST", "shop.example:8080"),
        ],
    );
    let uri = format!("{}{target}", site.mount());
    let script = if site.deviates(Deviation::NoScriptName) {
        ""
    } else {
        site.mount()
    };
    assert_eq!(got["SCRIPT_NAME"], script);
    if site.deviates(Deviation::NoRequestUri) {
        assert_eq!(got.get("REQUEST_URI"), None);
        assert_eq!(got["RAW_URI"], target);
    } else {
        assert_eq!(got["REQUEST_URI"], uri);
    }
}

pub(super) fn both_ends_of_the_connection_are_described(site: &Site) {
    let client = site.client();
    let (local, peer) = (
        client.stream().local_addr().unwrap(),
        client.stream().peer_addr().unwrap(),
    );
    let mut client = client;
    let target = format!("{}/env", site.mount());
    let host = [("Host", "shop.example:8080")];
    let got = variables(&client.request("GET", &target, &host, b"").unwrap());
    expect(
        &got,
        &[
            ("HTTP_X_FORWARDED_FOR", "127.0.0.1"),
            ("HTTP_X_REAL_IP", "127.0.0.1"),
            ("HTTP_X_FORWARDED_PROTO", "http"),
            ("HTTP_X_FORWARDED_HOST", "shop.example:8080"),
        ],
    );
    assert_eq!(got.get("HTTPS"), None);
    if site.deviates(Deviation::OwnServerVariables) {
        assert_ne!(got["REMOTE_ADDR"], "127.0.0.1");
        return;
    }
    expect(
        &got,
        &[
            ("REMOTE_ADDR", "127.0.0.1"),
            ("REMOTE_PORT", &local.port().to_string()),
            ("SERVER_NAME", "shop.example"),
            ("SERVER_ADDR", "127.0.0.1"),
            ("SERVER_PORT", &peer.port().to_string()),
            ("REQUEST_SCHEME", "http"),
        ],
    );
}

pub(super) fn fields_become_variables_once(site: &Site) {
    let fields = [
        ("X-Multi", "a"),
        ("X-Multi", "b"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
        ("X-Bytes", "caf\u{e9}"),
        ("Content-Type", "text/x-test"),
    ];
    let got = variables(&site.ask("POST", "/env", &fields, b"five!"));
    let joined = if site.deviates(Deviation::BareComma) {
        "a,b"
    } else {
        "a, b"
    };
    expect(
        &got,
        &[
            ("HTTP_X_MULTI", joined),
            ("HTTP_COOKIE", "a=1; b=2"),
            ("HTTP_X_BYTES", "caf\u{e9}"),
            ("CONTENT_TYPE", "text/x-test"),
            ("CONTENT_LENGTH", "5"),
        ],
    );
    assert_absent(&got, &["HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"]);
    // A server that speaks HTTP is told, by us, that nothing follows on a connection that is not kept.
    let connection = got.get("HTTP_CONNECTION");
    assert!(connection.is_none_or(|option| option == "close"), "{got:?}");
}

/// A client must not be able to set anything but `HTTP_*`, and not those that we or the application rely on.
pub(super) fn forged_fields_are_dropped(site: &Site) {
    let fields = [
        ("Proxy", "http://evil.example"),
        ("X_Under", "1"),
        ("Remote_Addr", "6.6.6.6"),
        ("HTTPS", "on"),
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Ssl", "on"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("TE", "trailers"),
        ("Keep-Alive", "300"),
        ("X-Hop", "1"),
        ("Connection", "keep-alive, X-Hop"),
    ];
    let got = site.variables(&fields);
    let gone = [
        "HTTP_PROXY",
        "HTTP_X_UNDER",
        "HTTP_REMOTE_ADDR",
        "HTTPS",
        "HTTP_X_FORWARDED_SSL",
        "HTTP_X_FORWARDED_PREFIX",
        "HTTP_FORWARDED",
        "HTTP_KEEP_ALIVE",
        "HTTP_X_HOP",
    ];
    assert_absent(&got, &gone);
    // The client takes trailers, and of these the gateway passes on what an HTTP application sends.
    let trailers = (site.kind.protocol() == "http").then_some("trailers");
    assert_eq!(got.get("HTTP_TE").map(String::as_str), trailers);
    expect(
        &got,
        &[
            ("HTTP_X_FORWARDED_FOR", "127.0.0.1"),
            ("HTTP_X_FORWARDED_PROTO", "http"),
            ("HTTP_X_FORWARDED_HOST", "test.example"),
            ("HTTP_X_REAL_IP", "127.0.0.1"),
        ],
    );
    assert!(!got.values().any(|value| value.contains("6.6.6.6")), "{got:?}");
    if let Some(scheme) = got.get("wsgi.url_scheme") {
        assert_eq!(scheme, "http");
    }
    let shadowed = [("X-Real-Ip", "1"), ("X_Real_Ip", "2")];
    let refused = site.ask("GET", "/env", &shadowed, b"");
    assert_eq!(refused.status, 400);
    assert_eq!(refused.header("bridgehead-error"), Some("conflicting_fields"));
}

pub(super) fn a_length_is_sent_only_with_a_body(site: &Site) {
    let got = site.variables(&[]);
    let length = got.get("CONTENT_LENGTH").map_or("", String::as_str);
    let expected = if site.deviates(Deviation::LengthAlways) {
        "0"
    } else {
        ""
    };
    assert_eq!(length, expected);
    let empty = variables(&site.ask("POST", "/env", &[("Content-Length", "0")], b""));
    assert_eq!(empty["CONTENT_LENGTH"], "0");
}

/// The whole path in `PATH_INFO`, or a front controller: where an application has a host for itself.
pub(super) fn an_application_at_the_root_sees_the_whole_path(site: &Site) {
    let mut client = site.client();
    let got = variables(&client.request("GET", "/env/a%20b?q", &[], b"").unwrap());
    if !got.contains_key("PATH_INFO") {
        assert_eq!(got["SCRIPT_NAME"], "/index.php");
    } else {
        expect(&got, &[("SCRIPT_NAME", ""), ("PATH_INFO", "/env/a b")]);
    }
    if !site.deviates(Deviation::NoRequestUri) {
        assert_eq!(got["REQUEST_URI"], "/env/a%20b?q");
    }
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
}

fn expect(got: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let differing = expected
        .iter()
        .filter(|(name, value)| got.get(*name).map(String::as_str) != Some(*value));
    let differing: Vec<_> = differing
        .map(|(name, value)| format!("{name}: {:?} instead of {value:?}", got.get(*name)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn assert_absent(got: &BTreeMap<String, String>, names: &[&str]) {
    let there: Vec<_> = names.iter().filter(|name| got.contains_key(**name)).collect();
    assert!(there.is_empty(), "{there:?} in {got:?}");
}
