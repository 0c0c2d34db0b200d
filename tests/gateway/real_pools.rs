//! What operators suffer from with other front ends, on the servers they suffer with. The numbers are those of the
//! threads collected in the field research.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;

use testbed::{Client, Gateway, Kind, Response, eventually};

use crate::pool::{front, server};
use crate::start;

/// The three servers, each on the protocol that it is mostly run with.
const SERVERS: [Kind; 3] = [Kind::PhpFpm, Kind::UwsgiUwsgi, Kind::GunicornHttp];

fn ask(gateway: &Gateway, method: &str, target: &str, body: &[u8]) -> Response {
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.request(method, target, &[], body).unwrap()
}

fn told(answer: &Response) -> (u16, Option<&str>) {
    (answer.status, answer.header("bridgehead-error"))
}

/// `count` requests at once, each on a connection of its own.
fn crowd(gateway: &Gateway, count: usize, target: &str) -> Vec<Response> {
    thread::scope(|scope| {
        let asking: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| ask(gateway, "GET", target, b"")))
            .collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    })
}

/// 1, 2, 3, 7, 8: more connections than the backlog holds wait; nobody gets a 502.
#[test]
fn a_crowd_before_a_small_backlog_is_answered_to_the_last() {
    for kind in SERVERS {
        let backlog: &[&str] = match kind {
            Kind::PhpFpm => &["listen.backlog = 4"],
            Kind::UwsgiUwsgi => &["--listen", "4"],
            _ => &["--backlog", "4"],
        };
        let backend = server(kind, 2, backlog);
        let gateway = front(&[&backend], "queue = { size = 200, timeout = \"60s\" }");
        for answer in crowd(&gateway, 150, "/sleep?ms=10") {
            assert_eq!(told(&answer), (200, None), "{kind}");
        }
    }
}

/// 4, 55, 59: a worker that is recycled after some requests takes none of them along.
#[test]
fn workers_that_are_recycled_are_not_noticed() {
    for kind in SERVERS {
        let recycling: &[&str] = match kind {
            Kind::PhpFpm => &["pm.max_requests = 3"],
            Kind::UwsgiUwsgi => &["--max-requests", "3"],
            _ => &["--max-requests", "3"],
        };
        for keep_alive in [0, 2] {
            if keep_alive > 0 && kind.protocol() == "uwsgi" {
                continue;
            }
            let backend = server(kind, 2, recycling);
            let settings = format!("max_connections = 2\nkeep_alive = {keep_alive}");
            let gateway = front(&[&backend], &settings);
            for _ in 0..5 {
                for answer in crowd(&gateway, 6, "/sleep?ms=1") {
                    assert_eq!(told(&answer), (200, None), "{kind}, keep_alive {keep_alive}");
                }
                let answer = ask(&gateway, "PUT", "/echo", b"held");
                assert_eq!(
                    (told(&answer), answer.text().as_str()),
                    ((200, None), "held"),
                    "{kind}"
                );
            }
        }
    }
}

/// 9: who waits too long for a worker is told another thing than who waits too long for an answer.
#[test]
fn a_queue_without_a_turn_and_an_answer_that_does_not_come_are_told_apart() {
    let backend = server(Kind::PhpFpm, 1, &[]);
    let gateway = front(
        &[&backend],
        "max_connections = 1\nqueue = { timeout = \"300ms\" }\ntimeouts = { head = \"900ms\" }",
    );
    thread::scope(|scope| {
        let slow = scope.spawn(|| ask(&gateway, "GET", "/sleep?ms=3000", b""));
        // Until it has the worker, others get it.
        let waiting = loop {
            let answer = ask(&gateway, "GET", "/sleep?ms=1", b"");
            if answer.status != 200 {
                break answer;
            }
        };
        assert_eq!(told(&waiting), (503, Some("queue_timeout")));
        assert_eq!(waiting.header("retry-after"), Some("1"));
        assert_eq!(told(&slow.join().unwrap()), (504, Some("head_timeout")));
    });
}

/// 14, 15: a kept connection pins a worker of PHP-FPM only as long as nobody wants it.
#[test]
fn a_kept_connection_yields_to_whoever_waits() {
    let backend = server(Kind::PhpFpm, 1, &[]);
    let gateway = front(
        &[&backend],
        "max_connections = 1\nkeep_alive = 1\ntimeouts = { idle = \"60s\" }",
    );
    for _ in 0..3 {
        for answer in crowd(&gateway, 10, "/sleep?ms=1") {
            assert_eq!(told(&answer), (200, None));
        }
    }
}

/// 17: a script that goes on after its answer delays nobody's answer but that of its own worker.
#[test]
fn a_script_that_goes_on_after_its_answer_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    // Two workers may end in the same microsecond, which is all that `uniqid` tells apart.
    let script = "<?php echo \"answer\"; fastcgi_finish_request(); usleep(200000); touch(__DIR__.'/done'.uniqid(getmypid().'-'));";
    fs::write(root.path().join("index.php"), script).unwrap();
    for keep_alive in [0, 2] {
        let backend = server(Kind::PhpFpm, 2, &[]);
        let gateway = start(&format!(
            "[upstream.app]\nprofile = \"php-fpm\"\nendpoints = [\"{}\"]\nmax_connections = 2\n\
             keep_alive = {keep_alive}\n[[route]]\nphp = {{ upstream = \"app\", root = \"{}\" }}\n",
            backend.address(),
            root.path().display(),
        ));
        for answer in crowd(&gateway, 8, "/index.php") {
            assert_eq!((told(&answer), answer.text().as_str()), ((200, None), "answer"));
        }
        wait_for_files(root.path(), 8);
    }
}

/// Waits until that many scripts came to their end, and removes their marks.
fn wait_for_files(root: &Path, count: usize) {
    let marks = || {
        let files = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_none())
            .collect::<Vec<_>>()
    };
    eventually("marks of all requests", || marks().len() >= count);
    marks().iter().for_each(|mark| fs::remove_file(mark).unwrap());
}

/// 53, 58: requests that come while the server is away wait for it, whatever their method.
#[test]
fn requests_wait_for_a_server_that_is_being_restarted() {
    for kind in SERVERS {
        let mut backend = server(kind, 2, &[]);
        let gateway = front(&[&backend], "max_connections = 2");
        assert_eq!(ask(&gateway, "GET", "/sleep?ms=1", b"").status, 200, "{kind}");
        backend.kill();
        thread::scope(|scope| {
            let asking: Vec<_> = ["GET", "POST", "PUT", "GET", "POST", "DELETE"]
                .map(|method| scope.spawn(|| ask(&gateway, method, "/echo", b"held")))
                .into_iter()
                .collect();
            // Some of them have found nobody by now; the others will.
            gateway.wait_errors("endpoint is down").unwrap();
            backend.restart().unwrap();
            for asked in asking {
                let answer = asked.join().unwrap();
                assert_eq!(
                    (told(&answer), answer.text().as_str()),
                    ((200, None), "held"),
                    "{kind}"
                );
            }
        });
    }
}

/// 53: the socket file disappears and comes back with a new server behind it.
#[test]
fn requests_wait_for_a_socket_file_that_is_replaced() {
    let backend = server(Kind::PhpFpm, 2, &[]);
    let gateway = front(&[&backend], "max_connections = 2");
    assert_eq!(ask(&gateway, "GET", "/sleep?ms=1", b"").status, 200);
    let aside = backend.socket().with_extension("aside");
    for turn in 1..=3 {
        fs::rename(backend.socket(), &aside).unwrap();
        thread::scope(|scope| {
            let asked = scope.spawn(|| ask(&gateway, "POST", "/echo", b"held"));
            eventually("the endpoint is down", || {
                gateway.errors().matches("endpoint is down").count() >= turn
            });
            fs::rename(&aside, backend.socket()).unwrap();
            let answer = asked.join().unwrap();
            assert_eq!((told(&answer), answer.text().as_str()), ((200, None), "held"));
        });
    }
}

/// 53: once it has been away for longer than `hold`, everybody is told so at once.
#[test]
fn a_server_that_does_not_come_back_is_given_up() {
    let mut backend = server(Kind::PhpFpm, 2, &[]);
    let gateway = front(&[&backend], "max_connections = 2\nhold = \"300ms\"");
    assert_eq!(ask(&gateway, "GET", "/sleep?ms=1", b"").status, 200);
    backend.kill();
    let answer = ask(&gateway, "GET", "/sleep?ms=1", b"");
    assert_eq!(told(&answer).0, 502);
    assert!(
        ["connect_refused", "socket_missing"].contains(&told(&answer).1.unwrap()),
        "{:?}",
        told(&answer)
    );
}

/// 53, 55, 58: a reload in the middle of the load is not seen by requests that may be repeated, with one endpoint and
/// the servers' own defaults (PHP-FPM kills its workers in the middle of their work).
#[test]
fn a_reload_under_load_is_not_noticed() {
    for kind in SERVERS {
        let backend = server(kind, 2, &[]);
        let gateway = front(&[&backend], "max_connections = 2");
        // Requests are held for an endpoint that was seen alive, so it must have been.
        assert_eq!(ask(&gateway, "GET", "/sleep?ms=1", b"").status, 200, "{kind}");
        let answered = [const { AtomicUsize::new(0) }; 4];
        thread::scope(|scope| {
            // It goes, too, when a demand is not met: the loads end then.
            let going = Arc::new(());
            let goes_on = Arc::downgrade(&going);
            let load = |answered: &AtomicUsize, goes_on: &Weak<()>| {
                while goes_on.strong_count() > 0 {
                    let answer = ask(&gateway, "PUT", "/echo", b"again");
                    assert_eq!(
                        (told(&answer), answer.text().as_str()),
                        ((200, None), "again"),
                        "{kind}"
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            };
            let loads: Vec<_> = answered
                .iter()
                .map(|answered| {
                    let goes_on = goes_on.clone();
                    scope.spawn(move || load(answered, &goes_on))
                })
                .collect();
            for _ in 0..3 {
                let before = backend.processes();
                backend.reload().unwrap();
                let is_old = |id: &u32| before[1..].contains(id);
                // No request is to meet more than one of the reloads: they are sent three times at most.
                let counts = || answered.each_ref().map(|count| count.load(Ordering::Relaxed));
                let seen = counts();
                let waits = || counts().iter().zip(&seen).any(|(now, before)| now - before < 2);
                eventually("new processes, and two answers of each load", || {
                    let ended = loads.iter().any(|load| load.is_finished());
                    ended || !(backend.processes().iter().any(is_old) || waits())
                });
            }
            drop(going);
        });
    }
}

/// 62: a server that speaks something else is told about in words.
#[test]
fn the_wrong_protocol_is_named() {
    let gunicorn = server(Kind::GunicornHttp, 1, &[]);
    let fpm = server(Kind::PhpFpm, 1, &[]);
    for (protocol, backend) in [
        ("fastcgi", &gunicorn),
        ("scgi", &gunicorn),
        ("http", &fpm),
        ("uwsgi", &fpm),
        ("scgi", &fpm),
    ] {
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\ntimeouts = {{ head = \"500ms\"              }}\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
            backend.address()
        ));
        let answer = ask(&gateway, "GET", "/", b"");
        assert!(answer.status >= 400, "{protocol}: {answer:?}");
        gateway.wait_errors("does it speak this protocol?").unwrap();
    }
}
