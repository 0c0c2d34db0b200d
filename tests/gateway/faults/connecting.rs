//! No connection: refused, missing, forbidden, full, too slow.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;
use testbed::{Client, Gateway, Scripted, install_program, install_script};

use super::{ask, assert_logged, assert_refused, config, gateway, good, logged};

/// A socket file that nobody listens on any more.
fn dead() -> (TempDir, String) {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let path = dir.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    let address = format!("unix:{}", path.display());
    (dir, address)
}

#[test]
fn a_refused_connection() {
    let (_dir, dead) = dead();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    for address in [dead, closed] {
        let gateway = gateway(&[&address], "");
        assert_refused(&ask(&gateway, "POST"), 502, "connect_refused");
        let line = assert_logged(&gateway, 0, 502, "connect_refused");
        assert_eq!(
            (line["attempts"].as_u64(), line["endpoint"].as_str()),
            (Some(1), Some(&*address))
        );
        gateway.wait_errors("nobody listens there").unwrap();
    }
}

#[test]
fn a_missing_socket_is_named_at_the_start_and_with_each_request() {
    let gateway = gateway(&["unix:/nonexistent/app.sock"], "");
    gateway
        .wait_errors("endpoint cannot be reached yet upstream=app")
        .unwrap();
    assert_refused(&ask(&gateway, "POST"), 502, "socket_missing");
    assert_logged(&gateway, 0, 502, "socket_missing");
    let log = gateway.wait_errors("request failed").unwrap();
    assert_eq!(
        log.matches("cannot open /nonexistent/app.sock: there is no /nonexistent")
            .count(),
        2,
        "{log}"
    );
}

#[test]
fn a_connection_that_fails_is_made_elsewhere_whatever_the_method() {
    let (_dir, dead) = dead();
    for (first, reason) in [
        (&*dead, "connect_refused"),
        ("unix:/nonexistent/s", "socket_missing"),
    ] {
        let second = good();
        let gateway = gateway(&[first, &second.address()], "");
        assert_eq!(ask(&gateway, "POST").text(), "hello");
        let line = logged(&gateway, 0);
        assert_eq!(
            (line["attempts"].as_u64(), line["endpoint"].as_str()),
            (Some(2), Some(&*second.address()))
        );
        let log = gateway.wait_errors("endpoint passed over").unwrap();
        assert!(
            log.contains(&format!("reason=\"{reason}\"")) && log.contains(first),
            "{log}"
        );
    }
}

#[test]
fn a_backup_answers_when_nobody_else_can() {
    let backup = good();
    let gateway = gateway(
        &["unix:/nonexistent/s", &format!("{} backup", backup.address())],
        "",
    );
    assert_eq!(ask(&gateway, "POST").text(), "hello");
}

#[test]
fn the_last_failure_is_the_answer_when_nobody_can() {
    let (_dir, dead) = dead();
    let gateway = gateway(&["unix:/nonexistent/s", &dead], "");
    assert_refused(&ask(&gateway, "GET"), 502, "connect_refused");
    assert_eq!(assert_logged(&gateway, 0, 502, "connect_refused")["attempts"], 2);
    gateway.wait_errors("reason=\"socket_missing\"").unwrap();
}

/// The gateway as `nobody`; the superuser passes every directory. Others may not pass their own when it is closed.
fn as_nobody(config: &str) -> Gateway {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let program = testbed::built("bridgehead");
    if fs::metadata("/proc/self")
        .map(|own| std::os::unix::fs::MetadataExt::uid(&own))
        .unwrap()
        != 0
    {
        return Gateway::start(&program, config).unwrap();
    }
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    // The build directory may be closed to nobody, too.
    install_program(&program, &dir.path().join("bridgehead")).unwrap();
    let wrapper = dir.path().join("as-nobody");
    let script = format!(
        "#!/bin/sh\nchmod 777 \"$(dirname \"$3\")\"\n\
         exec setpriv --reuid=65534 --regid=65534 --clear-groups {}/bridgehead \"$@\"\n",
        dir.path().display()
    );
    install_script(&script, &wrapper).unwrap();
    Gateway::start(&wrapper, config).unwrap()
}

#[test]
fn a_forbidden_socket_is_named_with_the_part_that_is_closed() {
    let backend = good();
    let dir = backend.socket().parent().unwrap().to_owned();
    fs::set_permissions(&dir, Permissions::from_mode(0o600)).unwrap();
    let second = good();
    let open = second.socket().parent().unwrap().to_owned();
    fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(second.socket(), Permissions::from_mode(0o666)).unwrap();
    let alone = as_nobody(&config(&[&backend.address()], ""));
    assert_refused(&ask(&alone, "POST"), 502, "socket_forbidden");
    assert_logged(&alone, 0, 502, "socket_forbidden");
    let log = alone.wait_errors("request failed").unwrap();
    let named = format!("directory {} (mode 0600, owner ", dir.display());
    assert_eq!(
        log.matches(&named).count(),
        2,
        "at the start and with the request:\n{log}"
    );
    let pair = as_nobody(&config(&[&backend.address(), &second.address()], ""));
    assert_eq!(ask(&pair, "POST").text(), "hello");
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
}

/// A unix socket whose backlog is full, with the connections that fill it.
fn full() -> (TempDir, Socket, Vec<Socket>) {
    let dir = TempDir::with_prefix("bh-").unwrap();
    let address = SockAddr::unix(dir.path().join("s")).unwrap();
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&address).unwrap();
    listener.listen(0).unwrap();
    let mut fillers = Vec::new();
    loop {
        let filler = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        filler.set_nonblocking(true).unwrap();
        match filler.connect(&address) {
            Ok(()) => fillers.push(filler),
            Err(_) => return (dir, listener, fillers),
        }
    }
}

#[test]
fn a_full_backlog_is_waited_for() {
    let (dir, listener, fillers) = full();
    let gateway = gateway(&[&format!("unix:{}", dir.path().join("s").display())], "");
    let wait = Duration::from_millis(300);
    let serving = std::thread::spawn(move || {
        std::thread::sleep(wait);
        for _ in fillers {
            listener.accept().unwrap();
        }
        let (stream, _) = listener.accept().unwrap();
        let mut head = [std::mem::MaybeUninit::uninit(); 16];
        stream.recv(&mut head).unwrap();
        let answer =
            b"\x01\x06\0\x01\0\x13\0\0Status: 200\r\n\r\nlate\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
        stream.send(answer).unwrap();
    });
    assert_eq!(ask(&gateway, "POST").text(), "late");
    serving.join().unwrap();
    let line = logged(&gateway, 0);
    assert!(line["queue_us"].as_u64() >= Some(200_000), "{line}");
    assert!(line["attempts"].as_u64() >= Some(2), "{line}");
}

#[test]
fn a_backlog_that_stays_full() {
    let (dir, _listener, _fillers) = full();
    let gateway = gateway(
        &[&format!("unix:{}", dir.path().join("s").display())],
        "queue = { timeout = \"300ms\" }",
    );
    let asked = Instant::now();
    assert_refused(&ask(&gateway, "POST"), 503, "backlog_full");
    assert!(
        asked.elapsed() >= Duration::from_millis(200),
        "{:?}",
        asked.elapsed()
    );
    let line = assert_logged(&gateway, 0, 503, "backlog_full");
    assert!(line["attempts"].as_u64() < Some(40), "a busy loop: {line}");
    gateway
        .wait_errors("stayed full: raise its listen backlog or the number of workers")
        .unwrap();
}

#[test]
fn a_full_backlog_is_gone_around() {
    let (dir, _listener, _fillers) = full();
    let second = good();
    let gateway = gateway(
        &[
            &format!("unix:{}", dir.path().join("s").display()),
            &second.address(),
        ],
        "",
    );
    assert_eq!(ask(&gateway, "POST").text(), "hello");
    assert_eq!(logged(&gateway, 0)["attempts"], 2);
}

#[test]
fn a_scripted_backlog_of_nobody() {
    let backend = Scripted::never_accepting(0).unwrap();
    let _first = std::os::unix::net::UnixStream::connect(backend.socket()).unwrap();
    let gateway = gateway(&[&backend.address()], "queue = { timeout = \"200ms\" }");
    assert_refused(&ask(&gateway, "GET"), 503, "backlog_full");
}

/// A TCP port that drops what it is asked: its queue of connections is full.
fn deaf() -> (Socket, Vec<Socket>, String) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener
        .bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into())
        .unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let name = address.as_socket().unwrap().to_string();
    let mut fillers = Vec::new();
    loop {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        match filler.connect_timeout(&address, Duration::from_millis(100)) {
            Ok(()) => fillers.push(filler),
            Err(_) => return (listener, fillers, name),
        }
    }
}

#[test]
fn a_connection_that_takes_too_long() {
    let (_listener, _fillers, address) = deaf();
    let timeout = "timeouts = { connect = \"200ms\" }";
    let alone = gateway(&[&address], timeout);
    let asked = Instant::now();
    assert_refused(&ask(&alone, "POST"), 504, "connect_timeout");
    assert!(asked.elapsed() < Duration::from_secs(2));
    assert_logged(&alone, 0, 504, "connect_timeout");
    alone.wait_errors("timed out").unwrap();
    let second = good();
    let pair = gateway(&[&address, &second.address()], timeout);
    assert_eq!(ask(&pair, "POST").text(), "hello");
    assert_eq!(logged(&pair, 0)["attempts"], 2);
    pair.wait_errors("reason=\"connect_timeout\"").unwrap();
}

#[test]
fn a_name_that_means_nothing() {
    let gateway = gateway(&["nowhere.invalid:9000"], "");
    assert_refused(&ask(&gateway, "GET"), 502, "connect_failed");
    // An error that the client caused itself leaves the connection usable.
    let mut client = Client::connect(gateway.addr()).unwrap();
    for _ in 0..2 {
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 502);
    }
}
