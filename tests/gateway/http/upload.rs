//! Request bodies: asked for, limited, timed, and never half of one.

use std::io::Write;

use super::site::Site;

const CONTINUE: [(&str, &str); 2] = [("Expect", "100-continue"), ("Content-Length", "5")];

#[test]
fn a_client_that_waits_is_told_to_continue() {
    let site = Site::new();
    let mut client = site.client();
    client.send_request("POST", "/first", &CONTINUE, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 100);
    client.send("abcde").unwrap();
    assert_eq!(client.read_response().unwrap().text(), "POST /first 5");
    assert_eq!(site.asked().param("HTTP_EXPECT"), None);
}

#[test]
fn a_client_that_waits_for_a_streamed_upload_is_told_to_continue() {
    let site = Site::new();
    let mut client = site.client();
    client.send_request("POST", "/streamed", &CONTINUE, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 100);
    client.send("abcde").unwrap();
    assert_eq!(client.read_response().unwrap().text(), "POST /streamed 5");
}

#[test]
fn nobody_is_told_to_continue_with_a_body_that_is_refused() {
    let site = Site::new();
    for target in ["/small", "/fixed"] {
        let fields = [("Expect", "100-continue"), ("Content-Length", "11")];
        let mut client = site.client();
        client.send_request("POST", target, &fields, b"").unwrap();
        let answer = client.read_response().unwrap();
        assert_eq!(answer.status, if target == "/small" { 413 } else { 200 });
        assert_eq!(answer.header("connection"), Some("close"));
        // What comes now is the body, or a new request: nobody can tell.
        let _ = client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.rest().unwrap(), b"");
    }
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn http_1_0_clients_are_never_told_to_continue() {
    let site = Site::new();
    let answers =
        site.closing("POST /first HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nabcde");
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].text(), "POST /first 5");
}

// GH-17
#[test]
fn other_expectations_fail() {
    let site = Site::new();
    let answer = site.request("POST", "/first", &[("Expect", "tea")], b"body");
    assert_eq!(answer.status, 417);
    assert_eq!(answer.header("bridgehead-error"), Some("expectation"));
    assert_eq!(site.backend.connections(), 0);
}

#[test]
fn limits_are_exact_with_and_without_a_length() {
    let site = Site::new();
    let chunked = [("Transfer-Encoding", "chunked")];
    let ask = |fields: &[_], body: &[u8]| site.request("POST", "/small", fields, body).status;
    assert_eq!(ask(&[], b"0123456789"), 200);
    assert_eq!(ask(&[], b"0123456789a"), 413);
    assert_eq!(ask(&chunked, b"a\r\n0123456789\r\n0\r\n\r\n"), 200);
    assert_eq!(ask(&chunked, b"5\r\n01234\r\n6\r\n567890\r\n0\r\n\r\n"), 413);
    assert_eq!(ask(&chunked, b"ffffffffffff\r\n01234567890"), 413);
    assert_eq!(site.backend.requests().len(), 2);
}

// RFC 9112, section 9.6: a close with unread bytes would destroy the answer.
#[test]
fn a_refusal_reaches_a_client_that_keeps_sending() {
    let site = Site::new();
    let mut client = site.client();
    client
        .send_request("POST", "/small", &[("Content-Length", "8388608")], b"")
        .unwrap();
    let mut stream = client.stream().try_clone().unwrap();
    let sending = std::thread::spawn(move || (0..128).all(|_| stream.write_all(&[b'x'; 65536]).is_ok()));
    assert!(sending.join().unwrap(), "the gateway reads while it lingers");
    let answer = client.read_response().unwrap();
    assert_eq!((answer.status, answer.complete), (413, true));
    assert_eq!(answer.header("bridgehead-error"), Some("body_too_large"));
    assert_eq!(client.rest().unwrap(), b"");
}

// GH-08
#[test]
fn half_an_upload_runs_nothing() {
    let site = Site::with("timeouts = { head = \"500ms\" }", "");
    for request in [
        "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n",
        "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde",
        "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    ] {
        let mut client = site.client();
        client.send(request).unwrap();
        client.shutdown_write().unwrap();
        let answers = client.read_all().unwrap();
        assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
    }
    let log = site.log(5);
    assert!(log.iter().all(|line| line["status"] == 499), "{log:#?}");
    assert_eq!(site.backend.connections(), 0);
}

// GH-08: where the application has begun already, it never sees an end.
#[test]
fn half_a_streamed_upload_has_no_end() {
    let site = Site::scripted("", "", |mut connection| {
        while connection
            .read_record()
            .is_ok_and(|record| record.kind != 5 || !record.content.is_empty())
        {}
        // An end of the input would have been a request.
        assert!(connection.read_record().is_err());
        Ok(())
    });
    let mut client = site.client();
    client
        .send("POST /streamed HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde")
        .unwrap();
    site.backend.wait_connections(1).unwrap();
    drop(client);
    site.backend.wait_ended(1).unwrap();
    assert_eq!(site.log(1)[0]["status"], 499);
}

// GH-27
#[test]
fn a_slow_head_is_not_waited_for() {
    let site = Site::with("timeouts = { idle = \"300ms\", head = \"300ms\" }", "");
    for start in ["", "G", "GET / HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut client = site.client();
        client.send(start).unwrap();
        let answers = client.read_all().unwrap();
        assert!(answers.iter().all(|answer| answer.status == 408), "{answers:?}");
    }
}

// GH-27: one byte at a time does not help.
#[test]
fn a_dripping_head_is_not_waited_for() {
    let site = Site::with("timeouts = { head = \"300ms\" }", "");
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ").unwrap();
    let pace = std::time::Duration::from_millis(20);
    client.stream().set_read_timeout(Some(pace)).unwrap();
    let closed = (0..400).any(|_| client.send("y").is_err() || client.rest().is_ok());
    assert!(closed, "eight seconds of dripping");
}

// GH-27
#[test]
fn an_idle_connection_ends() {
    let site = Site::with("timeouts = { idle = \"300ms\" }", "");
    let mut client = site.client();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
    assert_eq!(client.rest().unwrap(), b"");
}

// GH-27
#[test]
fn a_slow_body_is_answered_with_408() {
    let site = Site::with("timeouts = { body = \"300ms\" }", "");
    for fields in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let answer = site.only(format!(
            "POST /first HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n5\r\nab"
        ));
        assert_eq!((answer.status, answer.closed), (408, false));
        assert_eq!(answer.header("bridgehead-error"), Some("client_timeout"));
    }
    assert_eq!(site.backend.connections(), 0);
    assert!(site.log(2).iter().all(|line| line["reason"] == "client_timeout"));
}

#[test]
fn a_large_upload_arrives_whole() {
    let site = Site::new();
    let body: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
    let answer = site.request("PUT", "/first", &[], &body);
    assert_eq!(answer.text(), "PUT /first 3000000");
    let asked = site.asked();
    assert_eq!(asked.param("CONTENT_LENGTH"), Some("3000000"));
    assert!(asked.body == body);
    assert_eq!(site.log(1)[0]["request_bytes"], 3_000_000);
}
