//! Deadlines: who is waited for, and for how long.

use std::time::{Duration, Instant};

use testbed::{Client, Scripted};

use super::{ask, assert_logged, assert_refused, gateway, logged};
use crate::start;

#[test]
fn an_application_that_takes_no_bytes() {
    for protocol in ["fastcgi", "http"] {
        let backend = Scripted::start(|mut connection| {
            std::thread::sleep(Duration::from_secs(2));
            connection.wait_close().map(drop)
        })
        .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\n\
             timeouts = {{ send = \"300ms\", head = \"30s\" }}\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
            backend.address()
        ));
        let mut client = Client::connect(gateway.addr()).unwrap();
        let asked = Instant::now();
        let response = client.request("POST", "/", &[], &vec![b'u'; 4 << 20]).unwrap();
        assert_refused(&response, 504, "send_timeout");
        assert!(
            asked.elapsed() < Duration::from_millis(1900),
            "{protocol}: {:?}",
            asked.elapsed()
        );
        assert_logged(&gateway, 0, 504, "send_timeout");
        gateway
            .wait_errors("backend took no bytes for the send timeout")
            .unwrap();
    }
}

/// Every byte of the request starts the send timeout again, and none of them the head timeout before the last one.
#[test]
fn an_application_that_takes_bytes_slowly_is_waited_for() {
    for protocol in ["fastcgi", "http"] {
        let backend = Scripted::start(move |mut connection| {
            let mut bytes = vec![0; 64 * 1024];
            let mut left = 1024 * 1024;
            while left > 0 {
                std::thread::sleep(Duration::from_millis(40));
                left -= connection.read(&mut bytes)?.min(left);
            }
            match protocol {
                "fastcgi" => connection.fastcgi_response(1, b"Status: 200\r\n\r\nhello"),
                _ => connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            }
        })
        .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\n\
             timeouts = {{ send = \"400ms\", head = \"400ms\" }}\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
            backend.address()
        ));
        let mut client = Client::connect(gateway.addr()).unwrap();
        let asked = Instant::now();
        let response = client
            .request("POST", "/", &[], &vec![b'u'; 1024 * 1024])
            .unwrap();
        assert_eq!(response.text(), "hello", "{protocol}");
        assert!(
            asked.elapsed() > Duration::from_millis(500),
            "{protocol}: {:?}",
            asked.elapsed()
        );
    }
}

/// A client that uploads slowly through a streaming route is nobody's failure but its own.
#[test]
fn a_slow_upload_is_not_the_applications_fault() {
    for protocol in ["fastcgi", "http"] {
        let backend = Scripted::start(move |mut connection| match protocol {
            "fastcgi" => {
                let request = connection.read_fastcgi()?;
                connection.fastcgi_response(request.id, b"Status: 200\r\n\r\nhello")
            }
            _ => {
                connection.read_http()?;
                connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            }
        })
        .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\n\
             timeouts = {{ send = \"400ms\", head = \"400ms\", read = \"400ms\" }}\n\
             [[route]]\nproxy = {{ upstream = \"app\" }}\nbuffering = {{ request = false }}\n",
            backend.address()
        ));
        let mut client = Client::connect(gateway.addr()).unwrap();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
            .unwrap();
        for byte in b"body" {
            std::thread::sleep(Duration::from_millis(500));
            client.send([*byte]).unwrap();
        }
        assert_eq!(client.read_response().unwrap().text(), "hello", "{protocol}");
    }
}

/// The read deadline is between two reads, and a client that reads slowly does not use it up.
#[test]
fn a_slow_download_is_not_the_applications_fault() {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        let body = [b"Status: 200\r\n\r\n".as_slice(), &vec![b'x'; 24 << 20]].concat();
        connection.fastcgi_response(request.id, &body)
    })
    .unwrap();
    let gateway = gateway(&[&backend.address()], "timeouts = { read = \"300ms\" }");
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/", &[], b"").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let response = client.read_response().unwrap();
    assert!(response.complete);
    assert_eq!(response.body.len(), 24 << 20);
}

#[test]
fn an_answer_that_stops() {
    let backend = Scripted::start(|mut connection| {
        connection.read_fastcgi()?;
        connection.write_record(6, 1, b"Status: 200\r\n\r\nhello")?;
        connection.wait_close().map(drop)
    })
    .unwrap();
    let gateway = gateway(&[&backend.address()], "timeouts = { read = \"200ms\" }");
    let response = ask(&gateway, "GET");
    assert_eq!(
        (response.status, response.complete, response.text().as_str()),
        (200, false, "hello")
    );
    backend.wait_ended(1).unwrap();
    assert_logged(&gateway, 0, 200, "read_timeout");
    gateway
        .wait_errors("no byte of the response for the read timeout")
        .unwrap();
}

/// Pauses shorter than the deadline, longer than it together.
#[test]
fn an_answer_with_pauses() {
    let backend = Scripted::start(|mut connection| {
        connection.read_fastcgi()?;
        connection.write_record(6, 1, b"Status: 200\r\n\r\n")?;
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(150));
            connection.write_record(6, 1, b"x")?;
        }
        connection.fastcgi_response(1, b"")
    })
    .unwrap();
    let gateway = gateway(&[&backend.address()], "timeouts = { read = \"450ms\" }");
    assert_eq!(ask(&gateway, "GET").text(), "xxxxx");
    assert_eq!(logged(&gateway, 0)["status"], 200);
}
