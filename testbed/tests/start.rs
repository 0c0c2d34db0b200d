//! Every server starts, accepts and stops, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use testbed::{Backend, Kind, Options, Signal};

fn start(kind: Kind) -> Backend {
    kind.start(&Options {
        workers: 2,
        ..Options::default()
    })
    .unwrap()
}

fn starts_accepts_and_stops(kind: Kind) {
    let backend = start(kind);
    let (socket, group) = (backend.socket(), backend.pid());
    UnixStream::connect(&socket).unwrap();
    assert_eq!(backend.address(), format!("unix:{}", socket.display()));
    assert!(backend.processes().contains(&group));
    drop(backend);
    assert!(!socket.exists());
    assert_eq!(live_members(group), Vec::<String>::new());
}

/// The processes of `group` by name, found without the code under test.
fn live_members(group: u32) -> Vec<String> {
    let output = std::process::Command::new("ps")
        .args(["-eo", "pgid=,stat=,comm="])
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let ours = lines
        .lines()
        .map(str::trim)
        .filter(|line| line.split(' ').next() == Some(&group.to_string()));
    ours.filter(|line| !line.contains(" Z"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn php_fpm_starts_and_stops() {
    starts_accepts_and_stops(Kind::PhpFpm);
}

#[test]
fn php_cgi_starts_and_stops() {
    starts_accepts_and_stops(Kind::PhpCgi);
}

#[test]
fn uwsgi_starts_and_stops() {
    starts_accepts_and_stops(Kind::UwsgiUwsgi);
}

#[test]
fn uwsgi_scgi_starts_and_stops() {
    starts_accepts_and_stops(Kind::UwsgiScgi);
}

#[test]
fn uwsgi_fastcgi_starts_and_stops() {
    starts_accepts_and_stops(Kind::UwsgiFastcgi);
}

#[test]
fn uwsgi_http_starts_and_stops() {
    starts_accepts_and_stops(Kind::UwsgiHttp);
}

#[test]
fn gunicorn_http_starts_and_stops() {
    starts_accepts_and_stops(Kind::GunicornHttp);
}

#[test]
fn gunicorn_uwsgi_starts_and_stops() {
    starts_accepts_and_stops(Kind::GunicornUwsgi);
}

#[test]
fn fcgiwrap_starts_and_stops() {
    starts_accepts_and_stops(Kind::Fcgiwrap);
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let options = Options {
        extra: vec!["no.such.setting = 1".into()],
        ..Options::default()
    };
    let error = Kind::PhpFpm.start(&options).unwrap_err();
    assert!(error.to_string().contains("no.such.setting"), "{error}");
}

#[test]
fn a_server_ends_by_itself_when_asked_to() {
    let mut backend = start(Kind::PhpFpm);
    backend.signal(Signal::QUIT).unwrap();
    assert!(backend.wait(Duration::from_secs(10)).unwrap().success());
}

#[test]
fn a_restarted_server_has_the_same_socket() {
    for kind in [Kind::PhpCgi, Kind::Fcgiwrap, Kind::UwsgiUwsgi] {
        let mut backend = start(kind);
        let (socket, pid) = (backend.socket(), backend.pid());
        backend.restart().unwrap();
        assert_ne!(backend.pid(), pid);
        UnixStream::connect(socket).unwrap();
    }
}

#[test]
fn php_cgi_has_as_many_children_as_asked_for() {
    let backend = start(Kind::PhpCgi);
    wait_for(&backend, || backend.processes().len() == 3);
}

#[test]
fn a_reload_keeps_master_and_socket() {
    let reloaded = [
        (Kind::PhpFpm, "using inherited socket"),
        (Kind::UwsgiUwsgi, "gracefully (RE)spawned uWSGI master process"),
        (Kind::GunicornHttp, "Hang up: Master"),
    ];
    for (kind, line) in reloaded {
        let backend = start(kind);
        backend.reload().unwrap();
        wait_for(&backend, || backend.log().contains(line));
        wait_for(&backend, || backend.processes().len() == 3);
        UnixStream::connect(backend.socket()).unwrap();
    }
}

#[test]
fn a_killed_worker_is_replaced_by_the_master() {
    for kind in [Kind::PhpFpm, Kind::UwsgiUwsgi, Kind::GunicornHttp] {
        let backend = start(kind);
        wait_for(&backend, || backend.workers().len() == 2);
        let victim = backend.workers()[0];
        backend.kill_worker(victim).unwrap();
        wait_for(&backend, || {
            backend.workers().len() == 2 && !backend.workers().contains(&victim)
        });
        assert!(backend.kill_worker(victim).is_err());
        assert!(backend.kill_worker(backend.pid()).is_err());
    }
}

fn wait_for(backend: &Backend, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{}: {}", backend.kind(), backend.log());
        std::thread::yield_now();
    }
}
