//! Methods and request targets.

use super::frames::Outcome;
use super::site::Site;

#[track_caller]
fn refused(lines: &[&str], status: u16) {
    let site = Site::new();
    for line in lines {
        let answer = site.only(format!("{line}\r\nHost: a.example\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.status, status, "{line:?}");
    }
    assert_eq!(site.targets(), Vec::<String>::new());
}

#[test]
fn other_versions_are_refused() {
    refused(&["GET / HTTP/1.2", "GET / HTTP/2.0", "GET / HTTP/0.9"], 505);
}

// GH-13
#[test]
fn malformed_request_lines_are_refused() {
    refused(
        &[
            "GET /a\0b HTTP/1.1",
            "GET /a b HTTP/1.1",
            "GET /%00 HTTP/1.1",
            "GET /%zz HTTP/1.1",
            "GET /% HTTP/1.1",
            "GET /\x01 HTTP/1.1",
            "GET  HTTP/1.1",
            "GET /",
            "G\0T / HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.1 x",
            "(GET) / HTTP/1.1",
        ],
        400,
    );
}

// RFC 9112, section 3.2.3 and 3.2.4: those forms are for CONNECT and OPTIONS.
#[test]
fn other_forms_of_targets_are_refused() {
    refused(
        &[
            "GET * HTTP/1.1",
            "POST * HTTP/1.1",
            "GET other.example HTTP/1.1",
            "GET other.example:80 HTTP/1.1",
            "GET http:// HTTP/1.1",
            "GET http://user@a.example/ HTTP/1.1",
        ],
        400,
    );
}

#[test]
fn paths_are_read_once_and_never_lead_above_the_root() {
    let site = Site::new();
    for path in ["/../x", "/a/../../x", "/%2e%2e/x", "/a/%2E%2e/..%2f../x"] {
        let answer = site.request("GET", path, &[], b"");
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
    assert_eq!(site.targets(), Vec::<String>::new());
    for path in [
        "/a/../fixed",
        "/./fixed",
        "/a/%2e%2e/fixed",
        "//fixed",
        "/%66ixed",
    ] {
        assert_eq!(site.request("GET", path, &[], b"").text(), "fixed\n", "{path}");
    }
}

// GH-15
#[test]
fn an_absolute_target_wins_over_host() {
    let site = Site::new();
    let answer = site.request(
        "GET",
        "http://target.example:81/x?y",
        &[("Host", "other.example")],
        b"",
    );
    assert_eq!(answer.status, 200);
    let asked = site.asked();
    assert_eq!(asked.param("HTTP_HOST"), Some("target.example:81"));
    assert_eq!(asked.param("SERVER_NAME"), Some("target.example"));
    assert_eq!(asked.param("REQUEST_URI"), Some("/x?y"));
}

#[test]
fn an_absolute_target_without_a_path_is_one_for_the_root() {
    for (target, uri) in [
        ("http://localhost?x", "/?x"),
        ("http://localhost", "/"),
        ("HTTPS://localhost:81?", "/?"),
    ] {
        let site = Site::new();
        assert_eq!(site.request("GET", target, &[], b"").status, 200, "{target}");
        let asked = site.asked();
        assert_eq!(asked.param("REQUEST_URI"), Some(uri), "{target}");
        assert_eq!(asked.param("PATH_INFO"), Some("/"), "{target}");
    }
}

// GH-14, GH-15: RFC 9112, section 3.2.
#[test]
fn an_absolute_target_does_not_replace_a_valid_host() {
    let site = Site::new();
    for host in ["", "Host: a b\r\n", "Host: user@a\r\n"] {
        let request = format!("GET http://target.example/ HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        assert_eq!(site.only(request).status, 400, "{host:?}");
    }
}

#[test]
fn the_query_and_the_encoding_of_the_path_are_kept() {
    let site = Site::new();
    let target = "/a%20b/%C3%BC;p=1?q=%2F&&x=%00+y";
    assert_eq!(site.request("GET", target, &[], b"").status, 200);
    let asked = site.asked();
    assert_eq!(asked.param("REQUEST_URI"), Some(target));
    assert_eq!(asked.param("QUERY_STRING"), Some("q=%2F&&x=%00+y"));
    assert_eq!(asked.param("PATH_INFO"), Some("/a b/\u{fc};p=1"));
}

// GH-30
#[test]
fn options_for_everything_are_answered_by_us() {
    let site = Site::new();
    let answer = site.request("OPTIONS", "*", &[], b"");
    assert_eq!(answer.status, 204);
    assert!(answer.header("allow").unwrap().contains("GET"));
    let options = site.request("OPTIONS", "/x", &[], b"");
    assert_eq!(options.text(), "OPTIONS /x 0");
}

// GH-30
#[test]
fn we_are_no_tunnel() {
    let site = Site::new();
    for target in ["a.example:443", "127.0.0.1:22", "/path"] {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
        let mut client = site.client();
        client.send(request).unwrap();
        let answer = client.read_response().unwrap();
        assert!(matches!(answer.status, 400 | 405 | 501), "{answer:?}");
        let allow = answer.header("allow");
        assert!(answer.status != 405 || allow.is_some_and(|methods| !methods.contains("CONNECT")));
        // A client that thinks that it has a tunnel does not get another request through it.
        let _ = client.send("GET /inside HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(client.rest().unwrap(), b"", "{target}");
    }
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn unknown_methods_are_the_applications_business() {
    let site = Site::new();
    assert_eq!(
        site.request("MKCALENDAR", "/x", &[], b"").text(),
        "MKCALENDAR /x 0"
    );
}

/// Two sites by name and one for all other names.
const NAMES: &str = "[[route]]\nhost = \"shop.example\"\nrespond = { body = \"shop\" }\n\
     [[route]]\nhost = \"*.below.example\"\nrespond = { body = \"below\" }\n\
     [[route]]\nhost = \"[::1]\"\nrespond = { body = \"six\" }\n\
     [[route]]\nhost = \"shop.example\"\npath = \"/app\"\nproxy = { upstream = \"app\" }";

#[test]
fn an_empty_port_and_the_dot_of_the_root_make_no_other_host() {
    let site = Site::with("", NAMES);
    for (host, body) in [
        ("shop.example", "shop"),
        ("SHOP.example:", "shop"),
        ("shop.example.", "shop"),
        ("shop.example.:", "shop"),
        ("shop.example.:8080", "shop"),
        ("a.below.example.", "below"),
        ("[::1]:", "six"),
        ("[::1]:80", "six"),
    ] {
        let answer = site.request("GET", "/", &[("Host", host)], b"");
        assert_eq!(answer.text(), body, "{host}");
        let absolute = site.request(
            "GET",
            &format!("http://{host}/"),
            &[("Host", "other.example")],
            b"",
        );
        assert_eq!(absolute.text(), body, "{host}");
    }
    let app = site.request("GET", "/app", &[("Host", "shop.example.:81")], b"");
    assert_eq!(app.status, 200);
    let asked = site.asked();
    assert_eq!(asked.param("SERVER_NAME"), Some("shop.example"));
    assert_eq!(asked.param("HTTP_HOST"), Some("shop.example.:81"));
}

#[test]
fn a_host_is_the_same_however_it_is_configured() {
    let table = |host: &str| format!("[[route]]\nhost = \"{host}\"\nrespond = {{ body = \"found\" }}\n");
    for (configured, asked) in [
        ("b.example.", "b.example"),
        ("b.example:", "b.example."),
        ("B.Example.:", "b.example:81"),
        ("*.b.example.", "a.b.example"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("[2001:db8::1]:", "[2001:db8:0:0::1]:81"),
    ] {
        let site = Site::with("", &table(configured));
        let answer = site.request("GET", "/", &[("Host", asked)], b"");
        assert_eq!(answer.text(), "found", "{configured} {asked}");
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", asked),
        ];
        let outcome = site.http2().ask(&fields, b"");
        assert_eq!(
            outcome,
            Outcome::Answer(200, "found".into()),
            "{configured} {asked}"
        );
    }
}

#[test]
fn an_application_gets_the_name_of_its_route_and_not_the_clients_spelling_of_it() {
    for (host, asked, name) in [
        ("host = \"shop.example\"\n", "SHOP.Example:81", "shop.example"),
        ("host = \"*.example\"\n", "a.shop.example:81", "a.shop.example"),
        ("", "other.test:81", "other.test"),
    ] {
        let table = format!("[[route]]\npath = \"/named\"\n{host}proxy = {{ upstream = \"app\" }}\n");
        let site = Site::with("", &table);
        assert_eq!(site.request("GET", "/named", &[("Host", asked)], b"").status, 200);
        let told = site.asked();
        assert_eq!(told.param("SERVER_NAME"), Some(name));
        assert_eq!(told.param("HTTP_HOST"), Some(asked));
    }
}

/// The type of FastCGI records with variables.
const PARAMS: u8 = 4;

/// Octets that no URI has and that every peer passes; the path is in its normal form already.
const ODD: &[u8] = b"/a\"b<c>d`e{f}g|h^i\xc3\xbc\xff?x={\"y\":[1]}|`<>\xe9\\";

#[test]
fn odd_octets_of_targets_reach_an_application_unchanged() {
    let site = Site::new();
    let mut client = site.client();
    client.send(odd()).unwrap();
    assert_eq!(client.read_response().unwrap().status, 200);
    let asked = site.asked();
    let variables: Vec<u8> = (asked.records.iter())
        .filter(|record| record.kind == PARAMS)
        .flat_map(|record| record.content.clone())
        .collect();
    let uri = [b"REQUEST_URI", ODD].concat();
    assert!(
        variables.windows(uri.len()).any(|window| window == uri),
        "{asked:?}"
    );
}

#[test]
fn odd_octets_of_targets_reach_an_http_backend_unchanged() {
    let site = Site::speaking("http", "", "", |mut connection| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            anyhow::ensure!(connection.read(&mut byte)? == 1, "no whole head");
            head.extend(byte);
        }
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        connection.write([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", line].concat())
    });
    let mut client = site.client();
    client.send(odd()).unwrap();
    let answer = client.read_response().unwrap();
    assert_eq!(
        (answer.status, answer.body),
        (200, [b"GET ", ODD, b" HTTP/1.1"].concat())
    );
}

fn odd() -> Vec<u8> {
    [b"GET ", ODD, b" HTTP/1.1\r\nHost: a.example\r\n\r\n"].concat()
}
