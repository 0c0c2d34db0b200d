//! Connections that a load balancer announces.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testbed::{Client, ScriptedRequest, Signal};

use super::frames::{Http2, Outcome};
use super::site::Site;
use crate::spoken::{self, PROTOCOLS};

/// Everything from this machine is announced, on TCP and on a unix socket.
const ANNOUNCED: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = { from = [\"127.0.0.0/8\"] }\n\
     [[listen]]\naddress = \"unix:{dir}/front.sock\"\nproxy_protocol = { from = [\"unix\"] }\n";

pub(crate) const LINE: &[u8] = b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n";

/// The same in version 2, with what a balancer that ends TLS says.
pub(crate) const SECURE: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x1e\xc0\0\x02\x09\xc6\x33\x64\x01\xdc\x04\x01\xbb\
     \x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3";

const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// An application that speaks `protocol`, behind a gateway with more in `[server]`.
fn site(protocol: &'static str, server: &str) -> Site {
    Site::speaking(protocol, server, ANNOUNCED, move |mut connection| {
        let request = spoken::read(protocol, &mut connection)?;
        spoken::answer(protocol, &request, &mut connection, b"done")
    })
}

/// What the application was told of the client: its address, the chain, the scheme.
fn told<'a>(protocol: &str, asked: &'a ScriptedRequest) -> [Option<&'a str>; 3] {
    let names = match protocol {
        "http" => ["x-real-ip", "x-forwarded-for", "x-forwarded-proto"],
        _ => ["REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "REQUEST_SCHEME"],
    };
    names.map(|name| asked.param(name))
}

fn last(site: &Site) -> ScriptedRequest {
    site.backend.requests().pop().expect("a request")
}

/// A connection that begins with these bytes.
fn client(site: &Site, start: &[u8]) -> Client {
    let mut client = site.client();
    client.send(start).unwrap();
    client
}

#[test]
fn applications_are_told_of_the_announced_client() {
    for protocol in PROTOCOLS {
        let site = site(protocol, "");
        for (header, scheme) in [(LINE, "http"), (SECURE, "https")] {
            let mut client = client(&site, header);
            for _ in 0..2 {
                assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "done");
                let asked = last(&site);
                let expected = [Some("192.0.2.9"), Some("192.0.2.9"), Some(scheme)];
                assert_eq!(told(protocol, &asked), expected, "{protocol}");
                if protocol != "http" {
                    let https = (scheme == "https").then_some("on");
                    assert_eq!(asked.param("HTTPS"), https, "{protocol}");
                    assert_eq!(asked.param("REMOTE_PORT"), Some("56324"), "{protocol}");
                    assert_eq!(asked.param("SERVER_ADDR"), Some("198.51.100.1"), "{protocol}");
                    assert_eq!(asked.param("SERVER_PORT"), Some("443"), "{protocol}");
                }
            }
        }
        for line in site.log(4) {
            assert_eq!(line["remote"], "192.0.2.9");
        }
    }
}

#[test]
fn an_announced_connection_may_be_of_http2() {
    let site = site("fastcgi", "");
    for header in [LINE, SECURE] {
        let mut http = Http2::begin(client(&site, header));
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "a"),
        ];
        assert!(matches!(http.ask(&fields, b""), Outcome::Answer(200, _)));
        assert_eq!(last(&site).param("REMOTE_ADDR"), Some("192.0.2.9"));
    }
}

#[test]
fn a_header_may_come_in_any_pieces() {
    let site = site("fastcgi", "");
    for header in [LINE, SECURE] {
        let mut whole = client(&site, &[header, GET].concat());
        assert_eq!(whole.read_response().unwrap().status, 200);
        let mut pieces = site.client();
        for byte in [header, GET].concat() {
            pieces.send([byte]).unwrap();
        }
        assert_eq!(pieces.read_response().unwrap().status, 200);
        for request in site.backend.requests() {
            assert_eq!(request.param("REMOTE_ADDR"), Some("192.0.2.9"));
        }
    }
}

#[test]
fn connections_of_the_balancer_itself_have_its_address() {
    let site = site("fastcgi", "");
    for header in [LOCAL, b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0"] {
        let mut client = client(&site, header);
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
        let asked = last(&site);
        assert_eq!(asked.param("REMOTE_ADDR"), Some("127.0.0.1"));
        let port = site.gateway.addr().port().to_string();
        assert_eq!(asked.param("SERVER_PORT"), Some(&*port));
    }
}

#[test]
fn a_peer_that_has_to_announce_and_does_not_is_refused() {
    let site = site("fastcgi", "");
    for start in [
        GET,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0",
    ] {
        let answer = site.only(start);
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("bridgehead-error"), Some("missing_proxy_header"));
    }
    let log = site.log(3);
    assert_eq!(log[0]["reason"], "missing_proxy_header");
    assert_eq!(
        (&log[0]["method"], &log[0]["remote"]),
        (&"GET".into(), &"127.0.0.1".into())
    );
    let errors = site.gateway.wait_errors("missing_proxy_header").unwrap();
    assert!(errors.contains("proxy_protocol.from"), "{errors}");
    assert!(site.backend.requests().is_empty());
}

#[test]
fn a_header_that_breaks_a_rule_is_refused() {
    let site = site("fastcgi", "");
    for header in [
        &b"PROXY TCP4 192.0.2.9 198.51.100.1 56324\r\n"[..],
        b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\n",
        &[&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(),
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
    ] {
        let answer = site.only([header, GET].concat());
        assert_eq!(answer.status, 400, "{}", header.escape_ascii());
        assert_eq!(answer.header("bridgehead-error"), Some("bad_proxy_header"));
    }
    assert!(site.backend.requests().is_empty());
}

#[test]
fn only_the_named_peers_may_announce() {
    let listen =
        "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = { from = [\"10.0.0.0/8\", \"unix\"] }\n";
    let site = Site::with("", listen);
    for header in [LINE, SECURE] {
        let answer = site.only([header, GET].concat());
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("bridgehead-error"), Some("unexpected_proxy_line"));
    }
    assert_eq!(site.request("GET", "/", &[], b"").status, 200);
}

#[test]
fn one_header_announces_one_connection_and_no_second_one_another() {
    let site = site("fastcgi", "");
    let answer = site.only([LINE, LINE, GET].concat());
    assert_eq!(answer.header("bridgehead-error"), Some("unexpected_proxy_line"));
}

#[test]
fn a_balancer_that_only_looks_whether_we_listen_leaves_no_line() {
    let site = site("fastcgi", "");
    for start in [&b""[..], b"PROX", LOCAL, LINE] {
        let mut client = client(&site, start);
        client.shutdown_write().unwrap();
        assert_eq!(client.rest().unwrap(), b"");
    }
    assert_eq!(
        client(&site, &[LINE, GET].concat())
            .read_response()
            .unwrap()
            .status,
        200
    );
    site.log(1);
    assert_eq!(site.gateway.access().len(), 1);
    assert!(!site.gateway.errors().contains("proxy_header"));
}

#[test]
fn connections_over_a_unix_socket_are_announced() {
    let site = site("fastcgi", "");
    let mut stream = UnixStream::connect(site.gateway.dir().join("front.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let close = b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n";
    stream.write_all(&[SECURE, close].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let expected = [Some("192.0.2.9"), Some("192.0.2.9"), Some("https")];
    assert_eq!(told("fastcgi", &site.asked()), expected);
}

#[test]
fn forwarding_fields_are_believed_of_the_announced_client_and_not_of_the_balancer() {
    let site = site(
        "fastcgi",
        "trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\", \"unix\"]",
    );
    let fields = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https")];
    let unix = [b"\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xd8", &[0; 216][..]].concat();
    for (header, expected) in [
        (LINE, ["192.0.2.9", "192.0.2.9", "http"]),
        (
            b"PROXY TCP4 10.0.0.5 198.51.100.1 56324 443\r\n",
            ["203.0.113.7", "203.0.113.7, 10.0.0.5", "https"],
        ),
        (
            b"PROXY UNKNOWN\r\n",
            ["203.0.113.7", "203.0.113.7, 127.0.0.1", "https"],
        ),
        (&unix, ["", "?", "http"]),
    ] {
        let mut client = client(&site, header);
        client.request("GET", "/", &fields, b"").unwrap();
        let asked = last(&site);
        let told = told("fastcgi", &asked).map(|value| value.unwrap_or("?"));
        assert_eq!(told, expected);
    }
}

#[test]
fn the_access_log_has_what_is_said_of_a_connection() {
    let log = "[log]\naccess = \"{dir}/access.log\"\nerror = \"{dir}/error.log\"\naccess_format = \
         '$remote_addr:$remote_port $scheme $proxy_protocol_server_addr $proxy_protocol_tlv_ssl_version $uri'\n";
    let site = Site::with("", &format!("{ANNOUNCED}{log}"));
    let mut announced = client(&site, SECURE);
    for path in ["/", "/fixed"] {
        announced.request("GET", path, &[], b"").unwrap();
    }
    let mut own = client(&site, LOCAL);
    own.request("GET", "/fixed", &[], b"").unwrap();
    let port = own.stream().local_addr().unwrap().port();
    let lines = site.gateway.wait_access(3).unwrap();
    for line in [
        "192.0.2.9:56324 https 198.51.100.1 TLSv1.3 /".to_owned(),
        "192.0.2.9:56324 https 198.51.100.1 TLSv1.3 /fixed".to_owned(),
        format!("127.0.0.1:{port} http - - /fixed"),
    ] {
        assert!(lines.contains(&line), "{line}\n{lines:#?}");
    }
}

#[test]
fn a_stop_does_not_wait_for_headers() {
    let timeouts = "timeouts = { handshake = \"1m\", drain = \"1m\", grace = \"100ms\" }";
    let mut site = site("fastcgi", timeouts);
    let mut waiting = client(&site, b"PROXY TCP4 ");
    let mut served = client(&site, &[LINE, GET].concat());
    assert_eq!(served.read_response().unwrap().status, 200);
    site.gateway.signal(Signal::TERM).unwrap();
    assert!(site.gateway.wait(Duration::from_secs(20)).unwrap().success());
    assert_eq!(waiting.rest().unwrap(), b"");
}
