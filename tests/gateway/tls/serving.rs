//! Requests over TLS.

use std::fs;

use testbed::{Client, TlsClient};

use super::Site;
use crate::http::frames::{Http2, Outcome};

#[test]
fn a_request_is_answered_and_the_application_is_told_of_tls() {
    let site = Site::new();
    let mut client = site.connect(&site.tls());
    let answer = client
        .request("GET", "/a", &[("Host", "shop.example")], b"")
        .unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "GET /a 0"));
    let requests = site.backend.wait_requests(1).unwrap();
    let param = |name| requests[0].param(name).unwrap_or("-").to_owned();
    let told = [
        "HTTPS",
        "REQUEST_SCHEME",
        "HTTP_X_FORWARDED_PROTO",
        "SSL_PROTOCOL",
    ]
    .map(param);
    assert_eq!(told, ["on", "https", "https", "TLSv1.3"]);
    assert_eq!(param("SERVER_PORT"), site.gateway.addr().port().to_string());
    assert_eq!(param("SSL_SERVER_NAME"), "shop.example");
    assert!(param("SSL_CIPHER").starts_with("TLS_"), "{}", param("SSL_CIPHER"));
    assert_eq!(param("SSL_CLIENT_VERIFY"), "-");
}

#[test]
fn a_line_of_the_log_tells_of_tls_whatever_answers() {
    let format = "[log]\naccess = \"{dir}/access.log\"\nerror = \"{dir}/error.log\"\n\
                  access_format = \"$scheme $ssl_protocol $ssl_server_name $status\"";
    let site = Site::with("", "tls = true", format);
    let mut client = site.connect(&site.tls());
    for target in ["/fixed", "/application"] {
        assert_eq!(client.request("GET", target, &[], b"").unwrap().status, 200);
    }
    let line = "https TLSv1.3 shop.example 200";
    assert_eq!(site.gateway.wait_access(2).unwrap(), [line, line]);
}

#[test]
fn tls_1_2_is_spoken_unless_the_file_says_otherwise() {
    let old = |site: &Site| {
        site.tls_as(&TlsClient {
            name: "shop.example",
            tls12: true,
            ..TlsClient::default()
        })
    };
    let site = Site::new();
    let mut client = site.connect(&old(&site));
    assert_eq!(client.agreed().version, "TLSv1_2");
    assert_eq!(client.request("GET", "/a", &[], b"").unwrap().status, 200);
    let requests = site.backend.wait_requests(1).unwrap();
    assert!(
        requests[0]
            .param("SSL_CIPHER")
            .unwrap()
            .starts_with("ECDHE-ECDSA-")
    );
    let site = Site::with("min_version = \"1.3\"", "tls = true", "");
    assert!(Client::connect_tls(site.gateway.addr(), &old(&site)).is_err());
    assert_eq!(site.connect(&site.tls()).agreed().version, "TLSv1_3");
}

#[test]
fn the_protocol_inside_is_the_one_that_both_sides_know() {
    let site = Site::new();
    let offering = |alpn: &[&str]| {
        let tls = site.tls_as(&TlsClient {
            name: "shop.example",
            alpn,
            ..TlsClient::default()
        });
        Client::connect_tls(site.gateway.addr(), &tls)
    };
    let mut client = offering(&["http/1.1"]).unwrap();
    assert_eq!(client.agreed().alpn, "http/1.1");
    assert_eq!(
        client.request("GET", "/fixed", &[], b"").unwrap().text(),
        "fixed\n"
    );
    let client = offering(&["http/1.1", "h2"]).unwrap();
    assert_eq!(client.agreed().alpn, "h2");
    let mut http2 = Http2::begin(client);
    let ask = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/fixed"),
        (":authority", "shop.example"),
    ];
    assert!(
        matches!(http2.ask(&ask, b""), Outcome::Answer(200, ..)),
        "HTTP/2 is answered"
    );
    // RFC 7301, section 3.2: nothing in common is the end.
    assert!(offering(&["spdy/3"]).is_err());
}

#[test]
fn bodies_of_many_records_go_both_ways_and_files_do() {
    let site = Site::prepared(
        "",
        "tls = true",
        "[[route]]\npath = \"/files\"\nfiles = { alias = \"{certs}/files\" }",
        |_, dir| {
            fs::create_dir(dir.join("files")).unwrap();
            fs::write(dir.join("files/large"), pattern(3_000_000)).unwrap();
        },
    );
    let mut client = site.connect(&site.tls());
    let answer = client.request("POST", "/up", &[], &pattern(2_000_000)).unwrap();
    assert_eq!(answer.text(), "POST /up 2000000");
    let answer = client.request("GET", "/files/large", &[], b"").unwrap();
    assert!(answer.complete && answer.body == pattern(3_000_000));
    // The same connection goes on.
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
}

#[test]
fn a_client_that_says_nothing_has_the_time_of_a_handshake() {
    let site = Site::with(
        "",
        "tls = true",
        "[server]\ntemp_dir = \"{dir}\"\ntimeouts = { handshake = \"200ms\" }",
    );
    let mut silent = Client::connect(site.gateway.addr()).unwrap();
    assert_eq!(silent.rest().unwrap(), b"");
    // The first bytes of a record of a handshake.
    let mut slow = Client::connect(site.gateway.addr()).unwrap();
    slow.send([0x16, 3, 1, 2]).unwrap();
    assert_eq!(slow.rest().unwrap(), b"");
    // With the handshake, this time is over.
    let mut client = site.connect(&site.tls());
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
}

#[test]
fn above_the_limit_the_oldest_handshake_is_given_up_for_a_new_one() {
    let site = Site::with("max_handshakes = 2", "tls = true", "");
    let tls = site.tls();
    let stalled = || {
        let mut client = Client::connect(site.gateway.addr()).unwrap();
        client.send(tls.hello().unwrap()).unwrap();
        // What the gateway says, all of which is for a client that goes on.
        client.take(500).unwrap();
        client
    };
    let (mut first, mut second) = (stalled(), stalled());
    let mut client = site.connect(&tls);
    assert!(first.rest().is_ok(), "closed");
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
    let _third = stalled();
    let _fourth = stalled();
    assert!(second.rest().is_ok(), "closed");
    site.gateway.wait_errors("max_handshakes reached").unwrap();
}

#[test]
fn what_is_neither_tls_nor_text_is_refused_with_an_alert() {
    let site = Site::new();
    for bytes in [
        &[0x16, 3, 1, 0, 4, 1, 0, 0, 0][..],
        &[0x80, 0x2e, 1, 0, 2],
        &[0x15, 3, 1, 0, 2, 2, 40],
        &[0xff; 64],
    ] {
        let mut client = Client::connect(site.gateway.addr()).unwrap();
        client.send(bytes).unwrap();
        client.shutdown_write().unwrap();
        let said = client.rest().unwrap_or_default();
        assert!(said.is_empty() || said[0] == 0x15, "{said:?}");
    }
    assert_eq!(
        site.connect(&site.tls())
            .request("GET", "/fixed", &[], b"")
            .unwrap()
            .status,
        200
    );
}

#[test]
fn a_listener_with_tls_may_be_a_unix_socket() {
    let site = Site::with(
        "",
        "tls = true\n[[listen]]\naddress = \"unix:{dir}/tls.sock\"\ntls = true",
        "",
    );
    let socket = site.gateway.dir().join("tls.sock");
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stream, &mut said).unwrap();
    assert!(said.contains("clear_on_tls_port"), "{said}");
}

/// Bytes that are not all the same.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

#[test]
fn a_client_that_leaves_without_a_word_in_the_middle_of_a_body_has_sent_none() {
    let site = Site::new();
    let mut client = site.connect(&site.tls());
    client
        .send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        .unwrap();
    client.shutdown_write().unwrap();
    let line = site.gateway.wait_access(1).unwrap().remove(0);
    assert!(line.contains("\"status\":499"), "{line}");
    assert_eq!(site.backend.requests().len(), 0);
}
