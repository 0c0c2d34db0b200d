//! Least rates: clients below them are given up, applications never.

use std::thread::sleep;
use std::time::Duration;

use testbed::{Scripted, fastcgi_record};

use crate::start;

use super::{HEAD, LARGE, ask, connect, gateway, large, logged};

/// Longer than any grace here.
const LONG: Duration = Duration::from_millis(900);

#[test]
fn an_upload_that_drips_is_given_up() {
    let backend = Scripted::start(|mut connection| super::fastcgi(&mut connection, b"done")).unwrap();
    let route = "limits = { upload_rate = \"100KiB\", rate_grace = \"300ms\" }";
    let gateway = gateway("fastcgi", &backend, route);
    let mut client = connect(&gateway);
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        .unwrap();
    let answer = std::thread::scope(|scope| {
        let mut stream = client.stream().try_clone().unwrap();
        scope.spawn(move || {
            // Never a pause that would be too long.
            while std::io::Write::write_all(&mut stream, b"x").is_ok() {
                sleep(Duration::from_millis(20));
            }
        });
        let answer = client.read_response().unwrap();
        let _ = client.stream().shutdown(std::net::Shutdown::Both);
        answer
    });
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (408, Some("client_too_slow"))
    );
    let line = &logged(&gateway, 1)[0];
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&408.into(), &"client_too_slow".into())
    );
    assert_eq!(backend.connections(), 0);
    assert_eq!(ask(&gateway).text(), "done");
}

/// The client would send more; it is the application that takes nothing.
#[test]
fn an_application_that_reads_slowly_is_not_a_slow_client() {
    let backend = Scripted::start(|mut connection| {
        sleep(LONG);
        let request = connection.read_fastcgi()?;
        let told = format!("Content-Type: text/plain\r\n\r\n{}", request.body.len());
        connection.fastcgi_response(request.id, told.as_bytes())
    })
    .unwrap();
    let route =
        "buffering = { request = false }\nlimits = { upload_rate = \"1MiB\", rate_grace = \"300ms\" }";
    let gateway = gateway("fastcgi", &backend, route);
    let answer = connect(&gateway).request("POST", "/", &[], &large()).unwrap();
    assert_eq!((answer.status, answer.text()), (200, LARGE.to_string()));
}

#[test]
fn a_download_that_nobody_takes_is_given_up() {
    let backend = Scripted::start(|mut connection| super::fastcgi(&mut connection, &large())).unwrap();
    let route = "limits = { download_rate = \"1MiB\", rate_grace = \"300ms\" }";
    let gateway = gateway("fastcgi", &backend, route);
    for (number, version) in ["1.0", "1.1"].into_iter().enumerate() {
        let mut client = connect(&gateway);
        client
            .send(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"))
            .unwrap();
        let line = logged(&gateway, number + 1).remove(number);
        assert_eq!(
            (&line["status"], &line["reason"]),
            (&200.into(), &"client_too_slow".into()),
            "{line}"
        );
        let whole = client.read_response().is_ok_and(|answer| answer.complete);
        assert!(!whole, "not a clean end");
        backend.wait_ended(number + 1).unwrap();
    }
    assert_eq!(backend.failures(), 0);
}

#[test]
fn a_file_that_is_not_taken_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("large"), large()).unwrap();
    let gateway = start(&format!(
        "[[route]]\nfiles = {{ root = \"{}\" }}\nlimits = {{ download_rate = \"1MiB\", rate_grace = \"300ms\" }}\n",
        dir.path().display()
    ));
    for (number, version) in ["1.0", "1.1"].into_iter().enumerate() {
        let mut client = connect(&gateway);
        client
            .send(format!("GET /large HTTP/{version}\r\nHost: a\r\n\r\n"))
            .unwrap();
        let line = logged(&gateway, number + 1).remove(number);
        assert_eq!(
            (&line["status"], &line["reason"]),
            (&200.into(), &"client_too_slow".into()),
            "{line}"
        );
    }
}

#[test]
fn an_application_that_writes_slowly_is_not_a_slow_client() {
    let backend = Scripted::start(|mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, HEAD)?;
        for piece in [b"one", b"two"] {
            connection.write_record(6, request.id, piece)?;
            sleep(LONG);
        }
        connection.write(fastcgi_record(3, request.id, &[0; 8])?)
    })
    .unwrap();
    for response in [true, false] {
        let route = format!(
            "buffering = {{ response = {response} }}\nlimits = {{ download_rate = \"1MiB\", rate_grace = \"300ms\" }}"
        );
        let gateway = gateway("fastcgi", &backend, &route);
        let answer = ask(&gateway);
        assert_eq!((answer.complete, answer.text().as_str()), (true, "onetwo"));
    }
}

/// While an answer is over its limits, the application waits for the client, and its deadline does not run.
#[test]
fn a_client_that_lags_uses_up_no_deadline_of_the_application() {
    let backend = Scripted::start(|mut connection| super::fastcgi(&mut connection, &large())).unwrap();
    for buffering in ["response = false", "memory = \"16KiB\", disk = 0"] {
        let gateway = super::start(&format!(
            "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\ntimeouts = {{ read = \"300ms\" }}\n\
             [[route]]\nproxy = {{ upstream = \"app\" }}\nlimits = {{ body = 0 }}\nbuffering = {{ {buffering} }}\n",
            backend.address()
        ));
        let mut client = connect(&gateway);
        client.send_request("GET", "/", &[], b"").unwrap();
        sleep(LONG);
        let answer = client.read_response().unwrap();
        assert!(answer.complete && answer.body == large(), "{buffering}");
    }
}
