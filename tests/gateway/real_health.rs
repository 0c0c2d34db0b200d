//! Health checks and found-out slots, seen from outside: real servers that are stopped, full, frozen and resized.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::thread;
use std::time::{Duration, Instant};

use testbed::{Client, Gateway, Kind, Response};

use crate::pool::{front, server};
use crate::real_probe::Frozen;

fn ask(gateway: &Gateway, target: &str) -> Response {
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.request("GET", target, &[], b"").unwrap()
}

/// The lines of the error log that say so.
fn lines(gateway: &Gateway, text: &str) -> Vec<String> {
    let errors = gateway.errors();
    errors
        .lines()
        .filter(|line| line.contains(text))
        .map(str::to_owned)
        .collect()
}

/// Waits until that many lines of the error log say so.
fn wait(gateway: &Gateway, text: &str, count: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let found = lines(gateway, text);
        if found.len() >= count {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "{count} times {text:?}:\n{}",
            gateway.errors()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

const QUICK: &str = "interval = \"100ms\", timeout = \"2s\", rise = 2, fall = 2";

#[test]
fn a_stopped_server_is_found_dead_before_a_request_finds_it() {
    for kind in [Kind::PhpFpm, Kind::UwsgiUwsgi, Kind::GunicornHttp] {
        let (mut one, two) = (server(kind, 2, &[]), server(kind, 2, &[]));
        let gateway = front(&[&one, &two], &format!("health = {{ {QUICK} }}"));
        one.kill();
        let down = wait(&gateway, "endpoint is down", 1);
        assert!(
            down[0].contains(&one.address())
                && down[0].contains("reason=\"")
                && down[0].contains("upstream=\"app\""),
            "{down:?}"
        );
        for _ in 0..10 {
            assert_eq!(ask(&gateway, "/status?code=200").status, 200, "{kind}");
        }
        assert_eq!(lines(&gateway, "passed over"), [""; 0], "{kind}");
        one.restart().unwrap();
        wait(&gateway, "endpoint is up", 1);
        drop(two);
        assert_eq!(ask(&gateway, "/status?code=200").status, 200, "{kind}");
    }
}

#[test]
fn a_full_pool_stays_in_rotation() {
    let ping = "path = \"/fpm-ping\", ";
    for (kind, check, slots) in [
        (Kind::PhpFpm, ping, ""),
        (Kind::PhpFpm, ping, "max_connections = 2\n"),
        (Kind::PhpFpm, "", ""),
        (Kind::UwsgiUwsgi, "", ""),
        (Kind::GunicornHttp, "", ""),
    ] {
        let extra: &[&str] = if check.is_empty() {
            &[]
        } else {
            &["ping.path = /fpm-ping"]
        };
        let backend = server(kind, 2, extra);
        let checks = "interval = \"50ms\", timeout = \"500ms\", fall = 2";
        let gateway = front(&[&backend], &format!("{slots}health = {{ {check}{checks} }}"));
        thread::scope(|scope| {
            for _ in 0..6 {
                scope
                    .spawn(|| assert_eq!(ask(&gateway, "/sleep?ms=700").text(), "slept\n", "{kind} {slots}"));
            }
        });
        assert_eq!(lines(&gateway, "endpoint is down"), [""; 0], "{kind} {slots}");
    }
}

#[test]
fn a_frozen_server_is_found_out_and_found_again() {
    let (one, two) = (server(Kind::PhpFpm, 1, &[]), server(Kind::PhpFpm, 1, &[]));
    let gateway = front(&[&one, &two], &format!("health = {{ {QUICK} }}"));
    let frozen = Frozen::new(&one, 1);
    let down = wait(&gateway, "endpoint is down", 1);
    assert!(down[0].contains("reason=\"no_answer\""), "{down:?}");
    for _ in 0..10 {
        assert_eq!(ask(&gateway, "/status?code=200").status, 200);
    }
    drop(frozen);
    wait(&gateway, "endpoint is up", 1);
}

#[test]
fn nobody_left_alive_is_told_at_once_and_a_returning_server_is_waited_for() {
    let mut backend = server(Kind::UwsgiScgi, 1, &[]);
    let gateway = front(&[&backend], &format!("health = {{ {QUICK} }}"));
    assert_eq!(ask(&gateway, "/status?code=200").status, 200);
    backend.kill();
    wait(&gateway, "endpoint is down", 1);
    thread::scope(|scope| {
        let held = scope.spawn(|| ask(&gateway, "/status?code=200").status);
        backend.restart().unwrap();
        assert_eq!(held.join().unwrap(), 200);
    });
    wait(&gateway, "endpoint is up", 1);
}

#[test]
fn the_number_of_workers_is_asked_for() {
    let status = "pm.status_path = /fpm-status";
    let ask_page = "auto = { status_path = \"/fpm-status\" }";
    for (kind, extra, auto, said) in [
        (Kind::PhpFpm, vec![status], ask_page, "slots=3 said=Exactly(3)"),
        (
            Kind::PhpFpm,
            vec![
                status,
                "pm = dynamic",
                "pm.max_children = 9",
                "pm.start_servers = 5",
                "pm.min_spare_servers = 5",
                "pm.max_spare_servers = 6",
            ],
            ask_page,
            "slots=5 said=AtLeast(5)",
        ),
        (Kind::PhpCgi, vec![], "", "slots=3 said=Exactly(3)"),
    ] {
        let backend = server(kind, 3, &extra);
        let gateway = front(&[&backend], &format!("max_connections = \"auto\"\n{auto}"));
        let counted = wait(&gateway, "workers counted", 1);
        assert!(counted[0].contains(said), "{kind}: {counted:?}");
        assert_eq!(ask(&gateway, "/status?code=200").status, 200);
    }
}

#[test]
fn who_says_nothing_useful_is_served_all_the_same() {
    for (kind, extra) in [
        (Kind::PhpFpm, vec!["listen.backlog = 2"]),
        (Kind::UwsgiUwsgi, vec!["--listen", "2"]),
        (Kind::GunicornHttp, vec!["--backlog", "2"]),
        (Kind::Fcgiwrap, vec![]),
    ] {
        let backend = server(kind, 3, &extra);
        let gateway = front(
            &[&backend],
            "max_connections = \"auto\"\nauto = { interval = \"100ms\" }",
        );
        thread::scope(|scope| {
            for _ in 0..24 {
                scope.spawn(|| {
                    for _ in 0..8 {
                        assert_eq!(ask(&gateway, "/sleep?ms=5").text(), "slept\n", "{kind}");
                    }
                });
            }
        });
        assert_eq!(lines(&gateway, "workers counted"), [""; 0], "{kind}");
    }
}
