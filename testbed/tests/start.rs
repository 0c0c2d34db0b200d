//! Every server starts, accepts and stops, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use testbed::{Backend, Dns, Door, Kind, Options, Scripted, Signal};

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
        // uWSGI tells no worker of a reload that it is starting just then.
        wait_for(&backend, || backend.processes().len() == 3);
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

#[test]
fn a_dns_server_says_what_it_is_told() {
    let mut dns = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    assert_eq!(lookup(&dns, "app.internal"), ["127.0.0.2"]);
    dns.set_hosts(&[("app.internal", "127.0.0.3")]).unwrap();
    assert_eq!(lookup(&dns, "app.internal"), ["127.0.0.3"]);
    assert_eq!(dns.questions("app.internal"), 2);
    dns.set_services(&["_fcgi._tcp.internal,app.internal,9000,1,2"])
        .unwrap();
    assert_eq!(lookup(&dns, "app.internal"), ["127.0.0.3"]);
}

/// The A records of `name`, asked for by hand (RFC 1035, section 4).
fn lookup(dns: &Dns, name: &str) -> Vec<String> {
    let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(&question, dns.addr()).unwrap();
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).unwrap();
    // Each record: a pointer to the name, type, class, time to live, length, and four bytes of address.
    let records = answer[question.len()..length].chunks(16);
    records
        .filter(|record| record.len() == 16)
        .map(|record| format!("{}.{}.{}.{}", record[12], record[13], record[14], record[15]))
        .collect()
}

#[test]
fn a_door_passes_connections_on_until_it_is_shut() {
    let backend = Scripted::start(|mut connection| {
        let mut byte = [0];
        connection.read(&mut byte)?;
        connection.write(byte)
    })
    .unwrap();
    let door = Door::open("127.0.0.2:0".parse().unwrap(), &backend.socket()).unwrap();
    let addr = door.addr();
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(b"x").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"x");
    assert_eq!(door.passed(), 1);
    drop(door);
    assert!(TcpStream::connect(addr).is_err());
}
