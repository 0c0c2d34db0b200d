//! Answers that are larger than their clients are fast.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testbed::{Scripted, Signal, fastcgi_record};

use super::{Answer, HEAD, LARGE, PROTOCOLS, ask, connect, gateway, large, logged, with};

/// The first connection gets a large answer, the others a small one.
fn large_first(answer: Answer) -> Scripted {
    let body = large();
    let served = AtomicUsize::new(0);
    Scripted::start(
        move |mut connection| match served.fetch_add(1, Ordering::Relaxed) {
            0 => answer(&mut connection, &body),
            _ => answer(&mut connection, b"small"),
        },
    )
    .unwrap()
}

#[test]
fn a_client_that_reads_nothing_holds_no_worker() {
    for (protocol, answer) in PROTOCOLS {
        let backend = large_first(answer);
        let gateway = gateway(protocol, &backend, "");
        let mut slow = connect(&gateway);
        slow.send_request("GET", "/slow", &[], b"").unwrap();
        backend.wait_ended(1).unwrap();
        for _ in 0..3 {
            assert_eq!(ask(&gateway).text(), "small", "{protocol}");
        }
        let got = slow.read_response().unwrap();
        assert!(got.complete && got.body == large(), "{protocol}");
        assert!(got.header("x-checksum").is_none());
        assert_eq!(backend.failures(), 0, "{protocol}");
        let last = &logged(&gateway, 4)[3];
        assert_eq!(
            (&last["target"], &last["response_bytes"], &last["reason"]),
            (&"/slow".into(), &LARGE.into(), &serde_json::Value::Null),
            "{protocol}"
        );
    }
}

/// The second answer is not even begun on: the client has yet to take the first.
#[test]
fn a_client_that_asks_for_more_and_reads_nothing_holds_no_worker() {
    let body = large();
    let backend = Scripted::start(move |mut connection| super::fastcgi(&mut connection, &body)).unwrap();
    let gateway = gateway("fastcgi", &backend, "");
    let mut slow = connect(&gateway);
    for _ in 0..3 {
        slow.send_request("GET", "/", &[], b"").unwrap();
    }
    // The first one has been given to the library as a whole only when the client has taken most of it.
    backend.wait_ended(1).unwrap();
    for count in 2..=3 {
        assert!(slow.read_response().unwrap().body == large());
        backend.wait_ended(count).unwrap();
    }
    assert!(slow.read_response().unwrap().body == large());
    assert_eq!(backend.failures(), 0);
}

#[test]
fn bytes_before_a_failure_reach_a_slow_client() {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, &[HEAD, b"start:"].concat())?;
        for _ in 0..100 {
            connection.write(fastcgi_record(6, request.id, &[b'x'; 60_000])?)?;
        }
        Ok(())
    })
    .unwrap();
    let gateway = gateway("fastcgi", &backend, "");
    let mut client = connect(&gateway);
    client.send_request("GET", "/", &[], b"").unwrap();
    backend.wait_ended(1).unwrap();
    let got = client.read_response().unwrap();
    assert!(!got.complete);
    assert_eq!(got.body.len(), 6 + 100 * 60_000);
    let line = &logged(&gateway, 1)[0];
    assert_eq!(line["reason"], "response_truncated");
    assert_eq!(line["response_bytes"], 6 + 100 * 60_000);
}

#[test]
fn a_client_that_leaves_frees_the_worker() {
    for (protocol, _) in PROTOCOLS {
        let backend = Scripted::start(move |mut connection| {
            // Of any protocol: the answer has no end.
            connection.read(&mut [0; 4096])?;
            let body = [HEAD, &[b'x'; 50_000]].concat();
            let wire = match protocol {
                "fastcgi" => fastcgi_record(6, 1, &body)?,
                "scgi" => body,
                _ => [b"HTTP/1.1 200 OK\r\n", &body[..]].concat(),
            };
            connection.write(wire)?;
            connection.wait_close().map(drop)
        })
        .unwrap();
        let gateway = gateway(protocol, &backend, "");
        let mut client = connect(&gateway);
        client.send_request("GET", "/", &[], b"").unwrap();
        client.read_head().unwrap();
        drop(client);
        backend.wait_ended(1).unwrap();
        assert_eq!(backend.failures(), 0, "{protocol}");
        assert_eq!(logged(&gateway, 1)[0]["reason"], "client_gone");
    }
}

/// Over its limits the answer goes at the pace of the client, and is whole. So it is when the disk takes nothing.
#[test]
fn limits_cost_speed_and_no_byte() {
    let rows = [
        ("", "buffering = { memory = \"16KiB\", disk = 0 }", false),
        ("", "buffering = { memory = \"16KiB\", disk = \"100KiB\" }", false),
        ("spool = { memory = 0, disk = 0 }", "", true),
        ("spool = { memory = \"64KiB\", disk = \"1GiB\" }", "", false),
        ("temp_dir = \"GONE\"", "", true),
    ];
    for (server, route, told) in rows {
        for (protocol, answer) in [PROTOCOLS[0], PROTOCOLS[4]] {
            let backend = large_first(answer);
            let gone = tempfile::tempdir().unwrap();
            let server = server.replace("GONE", gone.path().to_str().unwrap());
            let gateway = with(protocol, &backend, &server, route);
            gone.close().unwrap();
            let mut slow = connect(&gateway);
            slow.send_request("GET", "/slow", &[], b"").unwrap();
            if told {
                gateway.wait_errors("cannot be buffered on disk").unwrap();
            }
            let got = slow.read_response().unwrap();
            assert!(
                got.complete && got.body == large(),
                "{protocol}, {server}, {route}"
            );
            let complaints = gateway.errors().matches("cannot be buffered on disk").count();
            assert_eq!(complaints, usize::from(told), "{protocol}, {server}, {route}");
        }
    }
}

#[test]
fn a_stop_waits_for_an_application_that_may_finish_without_its_client() {
    let (open, opened) = std::sync::mpsc::channel();
    let opened = std::sync::Mutex::new(opened);
    let backend = Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, &[HEAD, &[b'x'; 50_000]].concat())?;
        opened.lock().unwrap().recv_timeout(Duration::from_secs(10))?;
        connection.fastcgi_response(request.id, &vec![b'y'; LARGE])
    })
    .unwrap();
    let mut gateway = gateway("fastcgi", &backend, "ignore_client_abort = true");
    let mut client = connect(&gateway);
    client.send_request("GET", "/", &[], b"").unwrap();
    client.read_head().unwrap();
    drop(client);
    assert_eq!(logged(&gateway, 1)[0]["reason"], "client_gone");
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait_errors("stopping").unwrap();
    open.send(()).unwrap();
    backend.wait_ended(1).unwrap();
    assert_eq!(backend.failures(), 0);
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    assert!(!gateway.errors().contains("stopped with open connections"));
}

#[test]
fn a_stop_waits_for_an_application_that_has_not_begun_to_answer() {
    let (open, opened) = std::sync::mpsc::channel();
    let opened = std::sync::Mutex::new(opened);
    let backend = Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        opened.lock().unwrap().recv_timeout(Duration::from_secs(10))?;
        connection.fastcgi_response(request.id, &[HEAD, &vec![b'y'; LARGE]].concat())
    })
    .unwrap();
    // A client that has closed may still read, and is believed to have left after that time.
    let server = "timeouts = { head = \"500ms\" }";
    let mut gateway = with("fastcgi", &backend, server, "ignore_client_abort = true");
    let mut client = connect(&gateway);
    client.send_request("GET", "/", &[], b"").unwrap();
    backend.wait_requests(1).unwrap();
    drop(client);
    assert_eq!(logged(&gateway, 1)[0]["reason"], "client_gone");
    gateway.signal(Signal::TERM).unwrap();
    gateway.wait_errors("stopping").unwrap();
    open.send(()).unwrap();
    backend.wait_ended(1).unwrap();
    assert_eq!(backend.failures(), 0);
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    assert!(!gateway.errors().contains("stopped with open connections"));
}
