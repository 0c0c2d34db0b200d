//! Applications that are told whose a connection is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use testbed::{Client, ScriptedConnection};

use super::frames::{Http2, Outcome};
use super::site::Site;

/// Reads the header in front of a connection: a line, or what stands behind the signature.
fn header(connection: &mut ScriptedConnection) -> Result<Vec<u8>> {
    let mut header = Vec::new();
    let more = |header: &mut Vec<u8>, connection: &mut ScriptedConnection, length: usize| -> Result<()> {
        while header.len() < length {
            let mut byte = [0];
            anyhow::ensure!(connection.read(&mut byte)? == 1, "no header");
            header.extend(byte);
        }
        Ok(())
    };
    // The shortest line.
    more(&mut header, connection, 15)?;
    if header.starts_with(b"PROXY ") {
        while !header.ends_with(b"\r\n") {
            let length = header.len() + 1;
            more(&mut header, connection, length)?;
        }
        return Ok(header);
    }
    more(&mut header, connection, 16)?;
    let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
    more(&mut header, connection, 16 + rest)?;
    Ok(header.split_off(12))
}

/// Answers every request of a connection with the header in front of it.
fn telling(mut connection: ScriptedConnection) -> Result<()> {
    let header = header(&mut connection)?.escape_ascii().to_string();
    loop {
        connection.read_http()?;
        let length = header.len();
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{header}"
        ))?;
    }
}

/// A gateway in front of such an application, with more in its upstream and more tables.
fn site(version: &str, upstream: &str, tables: &str) -> Site {
    let upstream = format!("protocol = \"http\"\nproxy_protocol = \"{version}\"\nkeep_alive = 4\n{upstream}");
    Site::upstream(&upstream, "", tables, telling)
}

fn ask(client: &mut Client) -> String {
    client.request("GET", "/", &[], b"").unwrap().text()
}

/// The line in front of the connection for a client.
fn line(site: &Site, client: &Client) -> String {
    let (to, from) = (
        site.gateway.addr().port(),
        client.stream().local_addr().unwrap().port(),
    );
    format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\\r\\n")
}

#[test]
fn a_kept_connection_is_for_one_client_alone() {
    let site = site("v1", "", "");
    let (mut one, mut other) = (site.client(), site.client());
    for _ in 0..2 {
        assert_eq!(ask(&mut one), line(&site, &one));
    }
    assert_eq!(site.backend.connections(), 1);
    for _ in 0..2 {
        assert_eq!(ask(&mut other), line(&site, &other));
    }
    assert_eq!(site.backend.connections(), 2);
    assert_eq!(ask(&mut one), line(&site, &one));
    assert_eq!(site.backend.connections(), 3);
}

#[test]
fn version_2_says_the_same_in_binary() {
    let site = site("v2", "", "");
    let mut client = site.client();
    let port = client.stream().local_addr().unwrap().port().to_be_bytes();
    let header = [
        &[0x21, 0x11, 0, 12, 127, 0, 0, 1, 127, 0, 0, 1][..],
        &port,
        &site.gateway.addr().port().to_be_bytes(),
    ];
    assert_eq!(ask(&mut client), header.concat().escape_ascii().to_string());
}

#[test]
fn clients_of_http2_are_announced() {
    let site = site("v1", "", "");
    let mut http = Http2::begin(site.client());
    let expected = line(&site, &http.0);
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
    ];
    assert_eq!(http.ask(&fields, b""), Outcome::Answer(200, expected));
}

#[test]
fn what_a_load_balancer_says_goes_on() {
    let announced = "[[listen]]\naddress = \"127.0.0.1:0\"\nproxy_protocol = { from = [\"127.0.0.1\"] }\n";
    let ends = b"\xc0\0\x02\x09\xc6\x33\x64\x01\xdc\x04\x01\xbb";
    let tls = b"\x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3";
    let unique_id = b"\x05\0\x01n";
    let signature = b"\r\n\r\n\0\r\nQUIT\n";
    let header = [&signature[..], b"\x21\x11\0\x22", ends, tls, unique_id].concat();
    for (version, expected) in [
        ("v1", b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n".to_vec()),
        ("v2", [b"\x21\x11\0\x1e", &ends[..], tls].concat()),
    ] {
        let site = site(version, "", announced);
        let mut client = site.client();
        client.send(&header).unwrap();
        assert_eq!(ask(&mut client), expected.escape_ascii().to_string());
    }
}

#[test]
fn a_client_behind_a_trusted_proxy_is_announced_and_not_the_proxy() {
    let upstream = "protocol = \"http\"\nproxy_protocol = \"v1\"\nkeep_alive = 4";
    let site = Site::upstream(upstream, "trusted_proxies = [\"127.0.0.0/8\"]", "", telling);
    let mut proxy = site.client();
    let port = site.gateway.addr().port();
    for (ip, connections) in [("192.0.2.9", 1), ("192.0.2.9", 1), ("192.0.2.7", 2)] {
        let fields = [("X-Forwarded-For", ip)];
        let answer = proxy.request("GET", "/", &fields, b"").unwrap().text();
        assert_eq!(answer, format!("PROXY TCP4 {ip} 127.0.0.1 0 {port}\\r\\n"));
        assert_eq!(site.backend.connections(), connections);
    }
}

#[test]
fn health_checks_are_the_gateways_own() {
    for (version, expected) in [("v1", "PROXY UNKNOWN\\r\\n"), ("v2", " \\x00\\x00\\x00")] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let upstream = format!(
            "protocol = \"http\"\nproxy_protocol = \"{version}\"\nhealth = {{ path = \"/health\", interval = \"50ms\" }}"
        );
        let site = Site::upstream(&upstream, "", "", {
            let seen = seen.clone();
            move |mut connection| {
                let header = header(&mut connection)?.escape_ascii().to_string();
                let request = connection.read_http()?;
                seen.lock().unwrap().push((header, request.line));
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            }
        });
        site.backend.wait_requests(2).unwrap();
        for (header, line) in &*seen.lock().unwrap() {
            assert_eq!((&**header, &**line), (expected, "GET /health HTTP/1.1"));
        }
    }
}

#[test]
fn a_request_that_is_sent_again_is_announced_again() {
    let upstream = "protocol = \"http\"\nproxy_protocol = \"v1\"\nkeep_alive = 4";
    let count = AtomicUsize::new(0);
    let site = Site::upstream(upstream, "", "", move |mut connection| {
        let header = header(&mut connection)?.escape_ascii().to_string();
        loop {
            connection.read_http()?;
            // The second request of the first connection meets its end.
            if count.fetch_add(1, Ordering::Relaxed) == 1 {
                return Ok(());
            }
            let length = header.len();
            connection.write(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{header}"
            ))?;
        }
    });
    let mut client = site.client();
    for _ in 0..2 {
        assert_eq!(ask(&mut client), line(&site, &client));
    }
    assert_eq!(site.backend.connections(), 2);
}
