//! Clients that close: half, in good order, or at the wrong time.

use std::time::Duration;

use super::site::{Site, gate};

/// A site whose application answers when the gate opens, and ends when the gateway has closed.
fn waiting(server: &str) -> (Site, super::site::Gate) {
    let (gate, gated) = gate();
    let site = Site::scripted(server, "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        gated.pass()?;
        let mut answer = b"Content-Type: text/plain\r\n\r\n".to_vec();
        answer.resize(LARGE, b'x');
        connection.fastcgi_response(request.id, &answer)
    });
    (site, gate)
}

// GH-28
#[test]
fn a_half_closed_client_is_answered() {
    let (site, gate) = waiting("");
    let mut client = site.client();
    client.send_request("GET", "/first", &[], b"").unwrap();
    client.shutdown_write().unwrap();
    site.backend.wait_requests(1).unwrap();
    gate.open();
    let answers = client.read_all().unwrap();
    assert_eq!(answers.len(), 1);
    assert!(answers[0].complete);
    assert_eq!(site.log(1)[0]["status"], 200);
}

#[test]
fn a_half_closed_client_that_takes_what_comes_gets_all_of_it() {
    let site = Site::scripted("timeouts = { head = \"600ms\" }", "", |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, b"Content-Type: text/event-stream\r\n\r\n")?;
        // Twice what a half-closed client has.
        for _ in 0..12 {
            std::thread::sleep(Duration::from_millis(100));
            connection.write_record(6, request.id, b"data\n\n")?;
        }
        connection.write(testbed::fastcgi_record(3, request.id, &[0; 8])?)
    });
    for target in ["/first", "/streamed"] {
        let mut client = site.client();
        client.send_request("GET", target, &[], b"").unwrap();
        client.shutdown_write().unwrap();
        let answers = client.read_all().unwrap();
        assert!(answers.len() == 1 && answers[0].complete, "{answers:?}");
        assert_eq!(answers[0].body.len(), 12 * 6);
    }
}

// GH-28: pipelined requests before the half close, too.
#[test]
fn everything_that_was_sent_before_a_half_close_is_answered() {
    let site = Site::new();
    let mut client = site.client();
    for target in ["/1", "/2", "/fixed", "/3"] {
        client.send_request("POST", target, &[], b"body").unwrap();
    }
    client.shutdown_write().unwrap();
    let answers = client.read_all().unwrap();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[3].text(), "POST /3 4");
}

#[test]
fn the_application_is_left_when_the_client_is_gone() {
    let site = Site::scripted("timeouts = { head = \"500ms\" }", "", |mut connection| {
        connection.read_fastcgi()?;
        connection.wait_close()?;
        Ok(())
    });
    for target in ["/first", "/streamed"] {
        let before = site.backend.connections();
        let mut client = site.client();
        client.send_request("GET", target, &[], b"").unwrap();
        site.backend.wait_requests(before + 1).unwrap();
        drop(client);
        site.backend.wait_ended(before + 1).unwrap();
    }
    for line in site.log(2) {
        assert_eq!(
            (&line["status"], &line["reason"]),
            (&499.into(), &"client_gone".into())
        );
        assert_eq!(line["upstream"], "app");
    }
}

#[test]
fn patience_with_a_half_closed_client_ends() {
    let site = Site::scripted("timeouts = { head = \"500ms\" }", "", |mut connection| {
        connection.read_fastcgi()?;
        connection.wait_close()?;
        Ok(())
    });
    let mut client = site.client();
    client.send_request("GET", "/first", &[], b"").unwrap();
    client.shutdown_write().unwrap();
    assert_eq!(client.rest().unwrap(), b"");
    site.backend.wait_ended(1).unwrap();
    assert_eq!(site.log(1)[0]["status"], 499);
}

#[test]
fn an_application_may_be_let_finish_without_its_client() {
    let (site, gate) = waiting("timeouts = { head = \"500ms\" }");
    let mut client = site.client();
    client.send_request("GET", "/finish", &[], b"").unwrap();
    site.backend.wait_requests(1).unwrap();
    drop(client);
    assert_eq!(site.log(1)[0]["status"], 499);
    gate.open();
    // The script writes more than any socket buffer holds: somebody takes it.
    site.backend.wait_ended(1).unwrap();
    assert_eq!(site.backend.failures(), 0);
}

#[test]
fn an_application_may_be_let_finish_when_the_client_leaves_within_the_answer() {
    let (site, gate) = waiting("timeouts = { head = \"500ms\" }");
    let mut client = site.client();
    client.send_request("GET", "/finish", &[], b"").unwrap();
    gate.open();
    client.read_head().unwrap();
    drop(client);
    site.backend.wait_ended(1).unwrap();
    assert_eq!(site.backend.failures(), 0);
    assert_eq!(site.log(1)[0]["reason"], "client_gone");
}

#[test]
fn a_client_that_leaves_within_the_answer_frees_the_application() {
    let (site, gate) = waiting("");
    let mut client = site.client();
    client.send_request("GET", "/streamed", &[], b"").unwrap();
    gate.open();
    client.read_head().unwrap();
    drop(client);
    site.backend.wait_ended(1).unwrap();
    assert_eq!(site.backend.failures(), 1, "its writes failed");
    let [line] = site.log(1).try_into().unwrap();
    assert_eq!(
        (&line["status"], &line["reason"]),
        (&200.into(), &"client_gone".into())
    );
}

#[test]
fn a_client_that_reads_nothing_is_given_up() {
    let (site, gate) = waiting("timeouts = { send = \"300ms\" }");
    let mut client = site.client();
    client.send_request("GET", "/streamed", &[], b"").unwrap();
    gate.open();
    site.backend.wait_ended(1).unwrap();
    let [line] = site.log(1).try_into().unwrap();
    assert!(!line["reason"].is_null(), "{line}");
    client
        .stream()
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    // What the kernel holds, then the end or a reset.
    let got = client.rest().map_or(0, |rest| rest.len());
    assert!(got < LARGE);
}

#[test]
fn connections_without_a_request_leave_no_line() {
    let site = Site::new();
    drop(site.client());
    let mut half = site.client();
    half.shutdown_write().unwrap();
    assert_eq!(half.rest().unwrap(), b"");
    site.request("GET", "/fixed", &[], b"");
    site.log(1);
}

const LARGE: usize = 16 * 1024 * 1024; // more than the socket buffers on both ways hold
