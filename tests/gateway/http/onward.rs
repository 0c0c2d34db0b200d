//! What goes on between clients and applications, in each protocol, from HTTP/1 and HTTP/2.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testbed::ScriptedRequest;

use super::frames::Outcome;
use super::site::Site;
use crate::spoken::{self, PROTOCOLS};

/// A gateway in front of an application that speaks `protocol`, with more in its `[upstream]`, in `[server]`, and more
/// tables.
fn site(protocol: &'static str, upstream: &str, server: &str, tables: &str) -> Site {
    let upstream = format!("protocol = \"{protocol}\"\n{upstream}");
    Site::upstream(&upstream, server, tables, move |mut connection| {
        let request = spoken::read(protocol, &mut connection)?;
        spoken::answer(protocol, &request, &mut connection, b"done")
    })
}

/// A client's version of HTTP.
#[derive(Clone, Copy, Debug)]
enum Client {
    Http1,
    Http2,
}

const CLIENTS: [Client; 2] = [Client::Http1, Client::Http2];

impl Client {
    /// A GET for a target on `test.example` with these fields; its status.
    fn get(self, site: &Site, target: &str, fields: &[(&str, &str)]) -> u16 {
        match self {
            Self::Http1 => site.request("GET", target, fields, b"").status,
            Self::Http2 => {
                let mut all = vec![(":method", "GET"), (":scheme", "http"), (":path", target)];
                if !fields.iter().any(|(name, _)| *name == "host") {
                    all.push((":authority", "test.example"));
                }
                all.extend(fields);
                match site.http2().ask(&all, b"") {
                    Outcome::Answer(status, _) => status,
                    other => panic!("{other:?} to {target} {fields:?}"),
                }
            }
        }
    }
}

/// The last request that the application got.
fn last(site: &Site) -> ScriptedRequest {
    site.backend.requests().pop().expect("a request")
}

/// Targets in other spellings than the normal form, with the decoded path in normal form.
const SPELLINGS: [(&str, &str); 14] = [
    ("/a//b", "/a/b"),
    ("//a/b", "/a/b"),
    ("/a/./b", "/a/b"),
    ("/a/b/.", "/a/b/"),
    ("/a/b/../c", "/a/c"),
    ("/a/..", "/"),
    ("/a/%2e%2E/b?x=//y/../z", "/b"),
    ("/%7Ea/%c3%bc//?", "/~a/\u{fc}/"),
    ("/%41%2Fb//c%2f", "/A/b/c/"),
    ("///", "/"),
    ("/a%20b/.//%2E/c;d=1", "/a b/c;d=1"),
    ("/a%3Fb//%23", "/a?b/#"),
    ("/a/b;/../c", "/a/c"),
    ("/a/...//b", "/a/.../b"),
];

#[test]
fn a_target_goes_on_byte_for_byte() {
    for protocol in PROTOCOLS {
        let site = site(protocol, "", "", "");
        for client in CLIENTS {
            for (target, path) in SPELLINGS {
                assert_eq!(
                    client.get(&site, target, &[]),
                    200,
                    "{protocol} {client:?} {target}"
                );
                let asked = last(&site);
                assert_eq!(spoken::target(protocol, &asked), target, "{protocol} {client:?}");
                if protocol != "http" {
                    assert_eq!(
                        asked.param("PATH_INFO"),
                        Some(path),
                        "{protocol} {client:?} {target}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_target_goes_on_in_normal_form_where_that_is_wanted() {
    let site = site("http", "normalize = true", "", "");
    for client in CLIENTS {
        for (target, wanted) in [
            ("/a//b/./c/../d?x=//y", "/a/b/d?x=//y"),
            ("//%7Ea/%c3%bc", "/~a/%C3%BC"),
            ("/small/../a", "/a"),
            // In normal form already: its encoding is the client's.
            ("/%7Ea/%c3%bc", "/%7Ea/%c3%bc"),
        ] {
            assert_eq!(client.get(&site, target, &[]), 200, "{client:?} {target}");
            assert_eq!(
                spoken::target("http", &last(&site)),
                wanted,
                "{client:?} {target}"
            );
        }
    }
}

/// Gunicorn's WSGI workers decode it themselves.
#[test]
fn an_encoded_path_info_is_what_the_client_sent_below_the_mount() {
    let tables = "[[route]]\npath = \"/app\"\nproxy = { upstream = \"app\", mount = \"/app\" }\n";
    let cases = [
        ("/app//a%2Fb/./c/../%7e?q=//", "//a%2Fb/./c/../%7e", "/a/b/~"),
        ("/%61pp/x", "/x", "/x"),
        ("//./app/x/", "/x/", "/x/"),
        ("/app/.", "/.", "/"),
        ("/a/b//c", "/a/b//c", "/a/b/c"),
    ];
    for protocol in ["fastcgi", "uwsgi", "scgi"] {
        let raw = site(protocol, "path_info = \"encoded\"", "", tables);
        let normal = site(protocol, "path_info = \"encoded\"\nnormalize = true", "", tables);
        for client in CLIENTS {
            for (target, as_sent, normal_form) in cases {
                assert_eq!(client.get(&raw, target, &[]), 200, "{protocol} {target}");
                assert_eq!(
                    last(&raw).param("PATH_INFO"),
                    Some(as_sent),
                    "{protocol} {target}"
                );
                assert_eq!(client.get(&normal, target, &[]), 200, "{protocol} {target}");
                let sent = last(&normal);
                if target.contains("//") || target.contains("/.") {
                    assert_eq!(sent.param("PATH_INFO"), Some(normal_form), "{protocol} {target}");
                }
                assert_eq!(sent.param("REQUEST_URI"), Some(target), "{protocol}");
            }
        }
    }
}

/// What the router takes for `/x` must not be what an application takes for `/private/…`.
#[test]
fn no_climb_crosses_the_border_of_a_route() {
    let tables = "[[route]]\npath = \"/private\"\nrespond = { status = 403 }\n\
         [[route]]\npath = \"/app/in\"\nproxy = { upstream = \"app\" }\n";
    let crossing = [
        "/private/../x",
        "/private/%2e%2e/x",
        "/private%2F..%2Fx",
        "/private/a/../../x",
        "//private/./../x",
        "/x/../private/../x",
        "/app/in/..",
        "/app/in/../x",
        "/app/in/../in/x",
        "/x/../app/in/y",
        "/..",
        "/app/../../x",
    ];
    let staying = ["/app/in/a/../b", "/app/in/a/..", "/x/../y", "/privately/../x"];
    for (protocol, upstream) in [("http", ""), ("uwsgi", "path_info = \"encoded\"")] {
        let site = site(protocol, upstream, "", tables);
        for client in CLIENTS {
            for target in crossing {
                let status = client.get(&site, target, &[]);
                assert!(
                    matches!(status, 400 | 404),
                    "{protocol} {client:?} {target}: {status}"
                );
            }
            assert_eq!(site.backend.requests().len(), 0, "{protocol} {client:?}");
        }
        for target in staying {
            assert_eq!(Client::Http1.get(&site, target, &[]), 200, "{protocol} {target}");
        }
        let refused = site.request("GET", "/private/../x", &[], b"");
        assert_eq!(refused.header("bridgehead-error"), Some("bad_path"), "{protocol}");
        // It is the private route that answers for what leads into it.
        assert_eq!(
            Client::Http1.get(&site, "/x/../private/y", &[]),
            403,
            "{protocol}"
        );
    }
    // Applications that get the decoded path get it resolved.
    let site = site("fastcgi", "", "", tables);
    assert_eq!(Client::Http1.get(&site, "/private/../x", &[]), 200);
    assert_eq!(last(&site).param("PATH_INFO"), Some("/x"));
}

/// Fields that an answer may have once (RFC 9110, section 5.3).
const SINGLE: [&str; 7] = [
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Location",
    "Retry-After",
];

#[test]
fn a_field_that_an_answer_may_have_once_never_has_two_values() {
    for protocol in PROTOCOLS {
        // The target says what the answer is: `/NAME/VALUE/VALUE`.
        let site = Site::speaking(protocol, "", "", move |mut connection| {
            let request = spoken::read(protocol, &mut connection)?;
            let target = spoken::target(protocol, &request);
            let words: Vec<_> = target.split('/').collect();
            let [_, name, first, second] = words[..] else {
                anyhow::bail!("{target}");
            };
            let fields =
                format!("{name}: {first}\r\nX: 1\r\n{name}: {second}\r\nContent-Length: 2\r\n\r\nok");
            spoken::say(protocol, &request, &mut connection, fields.as_bytes())
        });
        for name in SINGLE {
            let differing = site.request("GET", &format!("/{name}/one/two"), &[], b"");
            let reason = differing.header("bridgehead-error");
            assert_eq!(
                (differing.status, reason),
                (502, Some("bad_response_head")),
                "{protocol} {name}"
            );
            let equal = site.request("GET", &format!("/{name}/one/one"), &[], b"");
            let values = equal
                .headers
                .iter()
                .filter(|(own, _)| *own == name.to_lowercase());
            let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
            assert_eq!(
                (equal.text().as_str(), &values[..]),
                ("ok", &["one"][..]),
                "{protocol} {name}"
            );
        }
    }
}

/// All values of a field that an HTTP application got; `name` in lower case.
fn values<'r>(request: &'r ScriptedRequest, name: &str) -> Vec<&'r str> {
    let fields = request.params.iter().filter(|(own, _)| own == name);
    fields.map(|(_, value)| value.as_str()).collect()
}

const HOSTS: &str = "[[route]]\npath = \"/own\"\nproxy = { upstream = \"app\", host = \"own.example:81\" }\n\
     [[route]]\npath = \"/computed\"\nproxy = { upstream = \"app\", host = \"$http_x_tenant\" }\n\
     [[route]]\npath = \"/same\"\nproxy = { upstream = \"app\", host = \"$host\" }\n";

#[test]
fn an_http_application_gets_the_host_that_its_route_or_its_upstream_says() {
    let with = site("http", "host = \"localhost:8384\"", "", HOSTS);
    let without = site("http", "", "", HOSTS);
    for client in CLIENTS {
        for (target, tenant, host, otherwise) in [
            ("/", "x", "localhost:8384", "test.example"),
            ("/own", "x", "own.example:81", "own.example:81"),
            ("/computed", "a.internal", "a.internal", "a.internal"),
            // Nothing is no host.
            ("/computed", "", "test.example", "test.example"),
            ("/same", "x", "test.example", "test.example"),
        ] {
            for (site, expected) in [(&with, host), (&without, otherwise)] {
                let fields = [("x-tenant", tenant), ("x-forwarded-host", "forged.example")];
                assert_eq!(client.get(site, target, &fields), 200, "{client:?} {target}");
                let asked = last(site);
                assert_eq!(values(&asked, "host"), [expected], "{client:?} {target}");
                assert_eq!(
                    values(&asked, "x-forwarded-host"),
                    ["test.example"],
                    "{client:?} {target}"
                );
            }
        }
        for forged in ["a b", "a/b", "user@a", "a:b"] {
            assert_eq!(
                client.get(&with, "/computed", &[("x-tenant", forged)]),
                400,
                "{forged}"
            );
        }
    }
    let refused = with.request("GET", "/computed", &[("X-Tenant", "a/b")], b"");
    assert_eq!(refused.header("bridgehead-error"), Some("bad_host"));
}

// RFC 9112, section 3.2: a server refuses a request of HTTP/1.1 without one.
#[test]
fn a_request_without_a_host_goes_on_with_one() {
    let old = |site: &Site, target: &str| {
        let answer = site.only(format!("GET {target} HTTP/1.0\r\n\r\n"));
        assert_eq!(answer.status, 200, "{target}");
        last(site)
    };
    let with = site("http", "host = \"localhost:8384\"", "", HOSTS);
    let without = site("http", "", "", HOSTS);
    let ours = without.gateway.addr().to_string();
    assert_eq!(values(&old(&without, "/"), "host"), [ours.as_str()]);
    assert_eq!(values(&old(&with, "/"), "host"), ["localhost:8384"]);
    assert_eq!(values(&old(&with, "/own"), "host"), ["own.example:81"]);
    assert_eq!(values(&old(&without, "/same"), "host"), ["127.0.0.1"]);
    assert!(values(&old(&with, "/own"), "x-forwarded-host").is_empty());
    // The name that an application gets is that of the address, too.
    let cgi = site("uwsgi", "", "", "");
    assert_eq!(old(&cgi, "/").param("SERVER_NAME"), Some("127.0.0.1"));
    assert_eq!(old(&cgi, "/").param("HTTP_HOST"), None);
}

/// Listeners on TCP and on a unix socket.
const LISTEN: &str =
    "[[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"unix:{dir}/front.sock\"\n";

/// Sends requests over the unix socket until the gateway closes; what came back.
fn over_unix(site: &Site, requests: &str) -> String {
    let mut stream = UnixStream::connect(site.gateway.dir().join("front.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(requests.as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    answers
}

#[test]
fn a_proxy_on_a_unix_socket_is_believed_where_unix_is_trusted() {
    let request = "GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.9\r\n\
         X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n";
    for protocol in PROTOCOLS {
        let site = site(protocol, "", "trusted_proxies = [\"unix\"]", LISTEN);
        assert!(
            over_unix(&site, request).starts_with("HTTP/1.1 200 "),
            "{protocol}"
        );
        let asked = last(&site);
        let told = match protocol {
            "http" => ["x-real-ip", "x-forwarded-for", "x-forwarded-proto"],
            _ => ["REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "REQUEST_SCHEME"],
        };
        let told = told.map(|name| asked.param(name));
        let expected = [Some("192.0.2.9"), Some("6.6.6.6, 192.0.2.9"), Some("https")];
        assert_eq!(told, expected, "{protocol}");
        if protocol != "http" {
            assert_eq!(asked.param("HTTPS"), Some("on"), "{protocol}");
            assert_eq!(asked.param("SERVER_PORT"), Some("443"), "{protocol}");
        }
        assert_eq!(site.log(1)[0]["remote"], "192.0.2.9");
        // Peers on TCP are not.
        let forged = [("X-Forwarded-For", "192.0.2.9"), ("X-Forwarded-Proto", "https")];
        assert_eq!(Client::Http1.get(&site, "/", &forged), 200);
        assert_eq!(
            last(&site).param(if protocol == "http" {
                "x-real-ip"
            } else {
                "REMOTE_ADDR"
            }),
            Some("127.0.0.1")
        );
    }
}

#[test]
fn a_peer_on_a_unix_socket_is_not_believed_because_of_networks() {
    let request = "GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 192.0.2.9\r\n\
         X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n";
    let site = site(
        "fastcgi",
        "",
        "trusted_proxies = [\"0.0.0.0/0\", \"::/0\"]",
        LISTEN,
    );
    assert!(over_unix(&site, request).starts_with("HTTP/1.1 200 "));
    let asked = last(&site);
    assert_eq!(asked.param("REMOTE_ADDR"), Some(""));
    assert_eq!(asked.param("HTTP_X_FORWARDED_FOR"), None);
    assert_eq!(
        (asked.param("REQUEST_SCHEME"), asked.param("HTTPS")),
        (Some("http"), None)
    );
}

#[test]
fn a_trusted_proxy_on_a_unix_socket_that_names_no_client_has_none() {
    let site = site("http", "", "trusted_proxies = [\"unix\"]", LISTEN);
    over_unix(&site, "GET / HTTP/1.0\r\n\r\n");
    let asked = last(&site);
    assert_eq!(values(&asked, "host"), ["localhost"]);
    assert!(values(&asked, "x-forwarded-for").is_empty() && values(&asked, "x-real-ip").is_empty());
}

/// Names with values.
type Pairs = &'static [(&'static str, &'static str)];

/// What a proxy says, and what applications get of it: variables, and fields.
const SAID: [(Pairs, Pairs); 6] = [
    (
        &[
            ("x-forwarded-proto", "https, https"),
            ("x-forwarded-for", "192.0.2.9,, 10.0.0.5"),
        ],
        &[
            ("REMOTE_ADDR", "192.0.2.9"),
            ("HTTPS", "on"),
            ("SERVER_PORT", "443"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "192.0.2.9, 10.0.0.5, 127.0.0.1"),
            ("x-real-ip", "192.0.2.9"),
        ],
    ),
    (
        &[
            ("x-forwarded-proto", "wss"),
            ("x-forwarded-host", "a.example:8443, b.example"),
        ],
        &[
            ("HTTPS", "on"),
            ("SERVER_PORT", "8443"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "a.example:8443"),
        ],
    ),
    (
        &[
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "[::1]evil.example"),
        ],
        &[
            ("HTTPS", ""),
            ("SERVER_PORT", "80"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "test.example"),
        ],
    ),
    (
        &[("x-forwarded-proto", "https"), ("x-forwarded-port", "444, 80")],
        &[("SERVER_PORT", "444"), ("x-forwarded-port", "444, 80")],
    ),
    (
        &[
            ("forwarded", "for=192.0.2.9;proto=https"),
            ("x-forwarded-prefix", "/shop"),
            ("x-forwarded-user", "joe"),
            ("front-end-https", "on"),
        ],
        &[
            ("HTTPS", ""),
            ("forwarded", "for=192.0.2.9;proto=https"),
            ("x-forwarded-prefix", "/shop"),
            ("x-forwarded-user", "joe"),
            ("front-end-https", "on"),
        ],
    ),
    (
        &[
            ("x-forwarded-for", "x, 192.0.2.9, 10.0.0.5"),
            ("x-real-ip", "192.0.2.8"),
        ],
        &[
            ("REMOTE_ADDR", "192.0.2.9"),
            ("x-forwarded-for", "192.0.2.9, 10.0.0.5, 127.0.0.1"),
            ("x-real-ip", "192.0.2.9"),
        ],
    ),
];

/// What an application of any protocol got under the name of a field, or of a variable.
fn got<'r>(protocol: &str, request: &'r ScriptedRequest, name: &str) -> Option<&'r str> {
    match protocol {
        _ if name.starts_with(|first: char| first.is_ascii_uppercase()) => request.param(name),
        "http" => request.param(name),
        _ => request.param(&format!("HTTP_{}", name.to_uppercase().replace('-', "_"))),
    }
}

#[test]
fn what_a_trusted_proxy_says_is_told_to_applications() {
    for protocol in PROTOCOLS {
        let site = site(
            protocol,
            "",
            "trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]",
            "",
        );
        for client in CLIENTS {
            for (said, expected) in SAID {
                assert_eq!(
                    client.get(&site, "/", said),
                    200,
                    "{protocol} {client:?} {said:?}"
                );
                let asked = last(&site);
                for (name, value) in expected {
                    // HTTP applications get no variables.
                    if protocol == "http" && name.starts_with(|first: char| first.is_ascii_uppercase()) {
                        continue;
                    }
                    let got = got(protocol, &asked, name).unwrap_or_default();
                    assert_eq!(got, *value, "{protocol} {client:?} {said:?}: {name}");
                }
            }
        }
    }
}

#[test]
fn nothing_that_a_stranger_says_about_itself_is_told_to_applications() {
    for protocol in PROTOCOLS {
        let site = site(protocol, "", "trusted_proxies = [\"10.0.0.0/8\"]", "");
        let ours = site.gateway.addr().port().to_string();
        for client in CLIENTS {
            for (said, _) in SAID {
                assert_eq!(
                    client.get(&site, "/", said),
                    200,
                    "{protocol} {client:?} {said:?}"
                );
                let asked = last(&site);
                for (name, value) in [
                    ("x-forwarded-for", Some("127.0.0.1")),
                    ("x-real-ip", Some("127.0.0.1")),
                    ("x-forwarded-host", Some("test.example")),
                    ("x-forwarded-proto", Some("http")),
                    ("x-forwarded-port", None),
                    ("x-forwarded-prefix", None),
                    ("x-forwarded-user", None),
                    ("forwarded", None),
                    ("front-end-https", None),
                ] {
                    assert_eq!(
                        got(protocol, &asked, name),
                        value,
                        "{protocol} {client:?} {said:?}: {name}"
                    );
                }
                if protocol != "http" {
                    assert_eq!(asked.param("SERVER_PORT"), Some(ours.as_str()));
                    assert_eq!(asked.param("HTTPS"), None);
                }
            }
        }
    }
}

#[test]
fn another_field_names_the_client_where_that_is_said() {
    let said = [
        ("cf-connecting-ip", "203.0.113.9"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-real-ip", "6.6.6.7"),
    ];
    for protocol in PROTOCOLS {
        let server = |networks| {
            format!("trusted_proxies = [\"{networks}\"]\nclient_ip = {{ from = \"CF-Connecting-IP\" }}")
        };
        for (networks, ip, passed) in [
            ("127.0.0.0/8", "203.0.113.9", Some("203.0.113.9")),
            // A forgery.
            ("10.0.0.0/8", "127.0.0.1", None),
        ] {
            let site = site(protocol, "", &server(networks), "");
            for client in CLIENTS {
                assert_eq!(client.get(&site, "/", &said), 200, "{protocol} {client:?}");
                let asked = last(&site);
                assert_eq!(
                    got(protocol, &asked, "x-real-ip"),
                    Some(ip),
                    "{protocol} {client:?}"
                );
                assert_eq!(
                    got(protocol, &asked, "cf-connecting-ip"),
                    passed,
                    "{protocol} {client:?}"
                );
                if protocol != "http" {
                    assert_eq!(asked.param("REMOTE_ADDR"), Some(ip), "{protocol} {client:?}");
                }
            }
            let lines = site.log(CLIENTS.len());
            assert!(
                lines.iter().all(|line| line["remote"] == ip),
                "{protocol}: {lines:?}"
            );
        }
    }
}

#[test]
fn no_client_hides_its_address_behind_connection() {
    let server = "trusted_proxies = [\"127.0.0.0/8\"]\nclient_ip = { from = \"CF-Connecting-IP\" }";
    let site = site("fastcgi", "", server, "");
    let fields = [
        ("Connection", "cf-connecting-ip, x-mine, forwarded"),
        ("CF-Connecting-IP", "203.0.113.9"),
        ("Forwarded", "for=203.0.113.9"),
        ("X-Mine", "1"),
    ];
    assert_eq!(Client::Http1.get(&site, "/", &fields), 200);
    let asked = last(&site);
    assert_eq!(asked.param("REMOTE_ADDR"), Some("203.0.113.9"));
    assert_eq!(asked.param("HTTP_FORWARDED"), Some("for=203.0.113.9"));
    assert_eq!(asked.param("HTTP_X_MINE"), None);
}
