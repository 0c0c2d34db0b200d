//! The limit of client connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use testbed::{Client, Gateway, Signal};

use super::{backend, told, wait_told};
use crate::start;

fn config(places: usize) -> String {
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\nmax_connections = {places}\n[[route]]\nrespond = {{ body = \"fine\" }}\n"
    )
}

#[test]
fn above_the_limit_new_clients_wait_until_others_leave() {
    let gateway = start(&config(2));
    let mut kept = [0; 2].map(|_| Client::connect(gateway.addr()).unwrap());
    for client in &mut kept {
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    }
    let mut waiting = TcpStream::connect(gateway.addr()).unwrap();
    waiting.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    wait_told(&gateway, "max_connections reached", 1);
    waiting
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(waiting.read(&mut [0]).is_err(), "it was let in");
    let [first, _second] = kept;
    drop(first);
    waiting.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut all = String::new();
    waiting.read_to_string(&mut all).unwrap();
    assert!(all.ends_with("fine"), "{all}");
    assert_eq!(told(&gateway, "max_connections reached"), 1);
}

#[test]
fn a_reload_can_make_room() {
    let gateway = start(&config(1));
    let mut first = Client::connect(gateway.addr()).unwrap();
    assert_eq!(first.request("GET", "/", &[], b"").unwrap().status, 200);
    let mut second = Client::connect(gateway.addr()).unwrap();
    second.send_request("GET", "/", &[], b"").unwrap();
    wait_told(&gateway, "max_connections reached", 1);
    gateway.write_config(&config(2)).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    assert_eq!(second.read_response().unwrap().status, 200);
}

#[test]
fn the_limit_of_open_files_is_raised() {
    let gateway = start(&config(2));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[3], words[4], "{line}");
}

/// The limit of open files of a process that runs: below what it has open, nothing more opens.
fn limit_files(gateway: &Gateway, files: Option<u64>) -> Option<u64> {
    let pid = Pid::from_raw(i32::try_from(gateway.pid()).unwrap());
    let before = getrlimit(Resource::Nofile);
    let limit = |current, maximum| {
        let limit = Rlimit { current, maximum };
        prlimit(pid, Resource::Nofile, limit).unwrap()
    };
    let was = limit(files, before.maximum);
    was.current
}

#[test]
fn descriptors_that_are_used_up_are_told_once_a_second_at_most_and_counted() {
    let gateway = start(
        "[[route]]\nrespond = { body = \"fine\" }\n[[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n",
    );
    let started = Instant::now();
    let before = limit_files(&gateway, Some(3));
    let mut waiting = Client::connect(gateway.addr()).unwrap();
    waiting.send_request("GET", "/status", &[], b"").unwrap();
    wait_told(&gateway, "cannot accept", 2);
    let lines = told(&gateway, "cannot accept");
    let most = started.elapsed().as_secs() as usize + 1;
    assert!(lines <= most, "{lines} lines in {most} s:\n{}", gateway.errors());
    limit_files(&gateway, before);
    let answer = waiting.read_response().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let failures = status["counters"]["accept_failures_total"].as_u64().unwrap();
    let errors = gateway.errors();
    let times = errors
        .lines()
        .filter(|line| line.contains("cannot accept"))
        .map(|line| {
            assert!(
                line.contains("Too many open files") && line.contains("LimitNOFILE"),
                "{line}"
            );
            let (_, rest) = line.split_once("times=").unwrap();
            rest.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
    let times: Vec<_> = times.collect();
    assert_eq!(times[0], 1);
    assert!(
        failures >= times.iter().sum(),
        "{failures} failures, told of {times:?}"
    );
}

#[test]
fn an_endpoint_is_not_blamed_for_descriptors_that_are_used_up() {
    let backend = backend();
    let gateway = start(&format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    let before = limit_files(&gateway, Some(3));
    let answer = client.request("GET", "/", &[], b"").unwrap();
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (503, Some("no_descriptor"))
    );
    limit_files(&gateway, before);
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
    let errors = gateway.wait_errors("LimitNOFILE").unwrap();
    assert!(!errors.contains("endpoint is down"), "{errors}");
}
