//! What an operator sends with kill(1).

use std::fs;
use std::time::Duration;

use testbed::{Client, Signal};

use super::site::{Gate, Site, gate};

const LIMIT: Duration = Duration::from_secs(10);

/// A site whose application answers when the gate opens.
fn waiting(server: &str) -> (Site, Gate) {
    let (gate, gated) = gate();
    let site = Site::scripted(server, "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        gated.pass()?;
        connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nfinished")
    });
    (site, gate)
}

/// A connection with a request that the application has.
fn under_way(site: &Site) -> Client {
    let mut client = site.client();
    client.send_request("GET", "/first", &[], b"").unwrap();
    site.backend.wait_requests(1).unwrap();
    client
}

#[test]
fn a_stop_finishes_what_is_open() {
    for signal in [Signal::TERM, Signal::QUIT] {
        let (mut site, gate) = waiting("");
        let mut idle = site.client();
        assert_eq!(idle.request("GET", "/fixed", &[], b"").unwrap().status, 200);
        let mut silent = site.client();
        let mut client = under_way(&site);
        site.gateway.signal(signal).unwrap();
        // Idle connections end, new ones are not accepted, and the exchange goes on.
        assert_eq!(idle.rest().unwrap(), b"");
        assert_eq!(silent.rest().unwrap(), b"");
        site.gateway.wait_errors("stopping").unwrap();
        assert!(Client::connect(site.gateway.addr()).is_err());
        gate.open();
        let answer = client.read_response().unwrap();
        assert_eq!((answer.text().as_str(), answer.complete), ("finished", true));
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(client.rest().unwrap(), b"");
        // It would linger with clients that do not close.
        drop((idle, silent, client));
        let status = site.gateway.wait(LIMIT).unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(site.log(2)[1]["status"], 200);
    }
}

#[test]
fn a_stop_has_a_deadline() {
    let (mut site, _gate) = waiting("timeouts = { drain = \"200ms\" }");
    let mut client = under_way(&site);
    site.gateway.signal(Signal::TERM).unwrap();
    let status = site.gateway.wait(LIMIT).unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(client.read_response().is_err());
    let errors = site.gateway.errors();
    assert!(
        errors.contains("stopped with open connections connections=1"),
        "{errors}"
    );
    assert_eq!(site.log(1)[0]["status"], 499);
}

// Nothing but the end of the connection delimits it, and a clean one would say that it is whole.
#[test]
fn an_http_1_0_answer_that_a_stop_ends_is_reset() {
    let (gate, gated) = gate();
    let mut site = Site::scripted("timeouts = { drain = \"200ms\" }", "", move |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.write_record(6, request.id, b"Content-Type: a/b\r\n\r\npart")?;
        gated.pass()
    });
    let mut client = site.client();
    client.send("GET /streamed HTTP/1.0\r\n\r\n").unwrap();
    client.read_head().unwrap();
    site.gateway.signal(Signal::TERM).unwrap();
    let rest = client.rest().map(|rest| rest.len());
    let error = format!("{:#}", rest.expect_err("no clean end"));
    assert!(error.contains("reset"), "{error}");
    assert!(site.gateway.wait(LIMIT).unwrap().success());
    gate.open();
}

#[test]
fn an_interrupt_does_not_wait() {
    let (mut site, _gate) = waiting("");
    let mut client = under_way(&site);
    site.gateway.signal(Signal::INT).unwrap();
    assert!(site.gateway.wait(LIMIT).unwrap().success());
    assert!(client.read_response().is_err());
}

#[test]
fn an_interrupt_ends_a_drain() {
    let (mut site, _gate) = waiting("");
    let _client = under_way(&site);
    site.gateway.signal(Signal::TERM).unwrap();
    site.gateway.wait_errors("stopping").unwrap();
    site.gateway.signal(Signal::INT).unwrap();
    assert!(site.gateway.wait(LIMIT).unwrap().success());
}

#[test]
fn logs_are_opened_again() {
    let site = Site::new();
    site.request("GET", "/fixed?1", &[], b"");
    site.log(1);
    let dir = site.gateway.dir();
    for name in ["access.log", "error.log"] {
        fs::rename(dir.join(name), dir.join(format!("{name}.1"))).unwrap();
    }
    site.gateway.signal(Signal::USR1).unwrap();
    site.gateway.wait_errors("log opened again").unwrap();
    site.request("GET", "/fixed?2", &[], b"");
    let [line] = site.log(1).try_into().unwrap();
    assert_eq!(line["target"], "/fixed?2");
    let old = fs::read_to_string(dir.join("access.log.1")).unwrap();
    assert!(old.lines().count() == 1 && old.contains("/fixed?1"), "{old}");
}

#[test]
fn the_pid_file_lasts_as_long_as_the_process() {
    let mut site = Site::with("pid_file = \"{dir}/pid\"", "");
    let file = site.gateway.dir().join("pid");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, format!("{}\n", site.gateway.pid()));
    site.gateway.signal(Signal::TERM).unwrap();
    assert!(site.gateway.wait(LIMIT).unwrap().success());
    assert!(!file.exists());
}
